"""What calls to a stopped task get: a refusal, or no answer once its network interface is gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from surveyor.fixtures.tasks import address_of
from surveyor_agents import workload
from surveyor_emulator.runtime.tasks.vanished import MAX_SOCKETS, VanishedAddresses
from tests.emulator.ecs.conftest import Ecs

pytestmark = pytest.mark.soak  # each test starts tasks

PORT = 8080
SWALLOWED = 0.3  # wall seconds without an answer


def call(address: str, port: int = PORT) -> str:
    """Return what becomes of a connection: connected, refused or silent."""
    try:
        socket.create_connection((address, port), SWALLOWED).close()
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    return "connected"


@pytest.fixture
def task(ecs: Ecs) -> Iterator[tuple[str, str]]:
    """Yield ARN and address of a running task whose port is mapped."""
    ecs.define(portMappings=[{"containerPort": PORT}], command=workload.command("serve", "--port", str(PORT)))
    arn = ecs.run()
    ecs.wait(30)
    yield arn, address_of(ecs.task(arn))
    ecs.change_settings()


def test_a_stopped_task_refuses_by_default(ecs: Ecs, task: tuple[str, str]) -> None:
    """The address belongs to this machine, at which nothing listens any more."""
    arn, address = task
    assert call(address) == "connected"
    ecs.ecs.stop_task(cluster="shop", task=arn)
    ecs.wait(60)
    assert call(address) == "refused"


def test_the_address_vanishes_with_its_interface(ecs: Ecs, task: tuple[str, str]) -> None:
    """Calls get no answer from DEPROVISIONING on, also after a setting was changed back."""
    arn, address = task
    ecs.change_settings("stopped_addresses=vanish", "task_deprovisioning=30")
    ecs.ecs.stop_task(cluster="shop", task=arn)
    ecs.wait(10)
    assert ecs.task(arn)["lastStatus"] == "DEPROVISIONING"
    assert call(address) == "silent"
    ecs.wait(60)
    ecs.change_settings()
    assert call(address) == "silent"


def test_an_address_can_be_used_again() -> None:
    """A new task at the address is reached; ports that were not of the task refuse."""
    vanished = VanishedAddresses()
    vanished.vanish("127.99.0.1", [18_080, 18_081])
    assert (call("127.99.0.1", 18_080), call("127.99.0.1", 18_082)) == ("silent", "refused")
    vanished.restore("127.99.0.1")
    with socket.create_server(("127.99.0.1", 18_080)):
        assert call("127.99.0.1", 18_080) == "connected"
    assert call("127.99.0.1", 18_081) == "refused"
    vanished.close()


def test_a_port_that_is_in_use_is_left_out() -> None:
    """What listens there by now still answers."""
    vanished = VanishedAddresses()
    with socket.create_server(("127.99.0.2", 18_080)):
        vanished.vanish("127.99.0.2", [18_080, 18_081])
        assert call("127.99.0.2", 18_080) == "connected"
    assert call("127.99.0.2", 18_081) == "silent"
    vanished.close()


def test_the_longest_gone_addresses_are_given_up() -> None:
    """There are never more sockets than the limit; the last address still vanishes."""
    vanished = VanishedAddresses()
    for number in range(1, 4):
        vanished.vanish(f"127.99.1.{number}", range(20_000, 20_000 + MAX_SOCKETS // 2))
    assert [call(f"127.99.1.{number}", 20_000) for number in (1, 2, 3)] == ["refused", "silent", "silent"]
    vanished.close()
