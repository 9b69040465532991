"""Fault injection from within a task: what its agent answers, and what becomes of calls to the task."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from surveyor.callers import command_task
from surveyor.fixtures.tasks import address_of
from surveyor_agents import workload
from surveyor_emulator.runtime.tasks import traps
from tests.emulator.ecs.conftest import Ecs

HOLE = {"Port": 8080, "Protocol": "tcp", "TrafficType": "ingress"}
LATENCY = {"DelayMilliseconds": 300, "JitterMilliseconds": 0, "Sources": ["0.0.0.0/0"]}
LOSS = {"LossPercent": 100, "Sources": ["0.0.0.0/0"]}
SWALLOWED = 0.3  # wall seconds without an answer


@dataclass(frozen=True)
class Agent:
    """A task that injects faults into itself."""

    ecs: Ecs
    address: str
    port: int = 8080

    def __call__(self, fault: str, do: str, body: object = None, port: int = 0, **more: str) -> tuple[int, Any]:
        """Have the task ask its agent, once the rate of the endpoints allows it; return status and answer."""
        self.ecs.wait(5)
        return self.now(fault, do, body, port, **more)

    def now(self, fault: str, do: str, body: object = None, port: int = 0, **more: str) -> tuple[int, Any]:
        """Have the task ask at once."""
        text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
        given = "".join(f"&{name}={value}" for name, value in more.items())
        path = f"/fault?fault=network-{fault}&do={do}&with={quote(text)}{given}"
        _, answer = command_task(self.address, port or self.port, path, "", 5, "PUT")
        return int(answer["status"]), answer["answer"]

    def call(self, timeout: float = 3.0) -> float | None:
        """Return the wall seconds of one call to the task, None without an answer in time."""
        began = time.monotonic()
        try:
            with socket.create_connection((self.address, self.port), timeout) as client:
                client.settimeout(timeout)
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while client.recv(65_536):
                    pass
        except TimeoutError:
            return None
        return time.monotonic() - began


def start(ecs: Ecs, *, enabled: bool = True) -> Agent:
    """Run a task; it has a second container, so that a black hole at the first one's port leaves a way to it."""
    fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "networkMode": "awsvpc"}
    containers = [
        {"name": name, "image": "any", "command": workload.command("serve", "--port", str(port))}
        for name, port in (("app", 8080), ("side", 8081))
    ]
    ecs.ecs.register_task_definition(
        family="faulty", containerDefinitions=containers, enableFaultInjection=enabled, **fargate
    )
    arn = ecs.run(taskDefinition="faulty")
    ecs.wait(30)
    return Agent(ecs, address_of(ecs.task(arn)))


@pytest.fixture(scope="module")
def agent(running: Any) -> Agent:
    """Return a running task that may inject faults."""
    return start(Ecs(running))


@pytest.mark.parametrize(
    ("fault", "body", "part"),
    [
        ("blackhole-port", None, "required request body is missing"),
        ("blackhole-port", "no JSON", "invalid request body"),
        ("blackhole-port", [], "invalid request body"),
        ("blackhole-port", HOLE | {"Port": None}, "required parameter Port is missing"),
        ("blackhole-port", HOLE | {"Port": 65_536}, "invalid value 65536 for parameter Port"),
        ("blackhole-port", HOLE | {"Port": "80"}, "invalid value 80 for parameter Port"),
        ("blackhole-port", HOLE | {"Protocol": "icmp"}, "invalid value icmp for parameter Protocol"),
        ("blackhole-port", HOLE | {"TrafficType": "both"}, "invalid value both for parameter TrafficType"),
        ("blackhole-port", HOLE | {"SourcesToFilter": ["web"]}, "invalid value web for parameter SourcesToFilter"),
        ("latency", LATENCY | {"Sources": []}, "required parameter Sources is missing"),
        ("latency", LATENCY | {"JitterMilliseconds": None}, "required parameter JitterMilliseconds is missing"),
        ("latency", LATENCY | {"DelayMilliseconds": -1}, "invalid value -1 for parameter DelayMilliseconds"),
        ("packet-loss", LOSS | {"LossPercent": 0}, "invalid value 0 for parameter LossPercent"),
        ("packet-loss", LOSS | {"LossPercent": 101}, "invalid value 101 for parameter LossPercent"),
        ("packet-loss", LOSS | {"LossPercent": 1.5}, "invalid value 1.5 for parameter LossPercent"),
        ("packet-loss", LOSS | {"Sources": ["10.0.0.0/99"]}, "invalid value 10.0.0.0/99 for parameter Sources"),
    ],
)
def test_wrong_requests_name_the_parameter(agent: Agent, fault: str, body: object, part: str) -> None:
    """A request with a wrong body is refused with 400 and the name of what is wrong, and nothing is started."""
    status, answer = agent(fault, "start", body)
    assert status == 400
    assert part in answer["Error"]
    assert agent(fault, "status", HOLE) == (200, {"Status": "not-running"})


def test_what_is_no_endpoint_is_not_found(agent: Agent) -> None:
    """Other faults and other verbs are not there."""
    assert agent("corruption", "start", LOSS)[0] == 404
    assert agent("latency", "begin", LATENCY)[0] == 404


def test_one_request_in_five_seconds(agent: Agent) -> None:
    """A second request of a container to the same endpoint is refused for five seconds; others are accepted."""
    assert agent("latency", "status")[0] == 200
    assert agent.now("latency", "status")[0] == 429
    assert agent.now("packet-loss", "status")[0] == 200
    assert agent.now("latency", "status", port=8081)[0] == 200  # another container
    agent.ecs.wait(4.9)
    assert agent.now("latency", "status")[0] == 429
    agent.ecs.wait(0.2)
    assert agent.now("latency", "status")[0] == 200


def test_a_black_hole_swallows_calls_to_its_port(agent: Agent) -> None:
    """Calls hang until it is stopped; starting it twice is one black hole, and stopping it twice no error."""
    assert agent("blackhole-port", "start", HOLE, port=8081) == (200, {"Status": "running"})
    assert agent("blackhole-port", "start", HOLE, port=8081) == (200, {"Status": "running"})
    assert agent.call(SWALLOWED) is None
    assert agent("blackhole-port", "status", HOLE | {"Port": 8081}, port=8081) == (200, {"Status": "not-running"})
    assert agent("blackhole-port", "stop", HOLE, port=8081) == (200, {"Status": "stopped"})
    assert agent.call() is not None
    assert agent("blackhole-port", "stop", HOLE, port=8081) == (200, {"Status": "stopped"})


def test_a_spared_source_passes_a_black_hole(agent: Agent) -> None:
    """SourcesToFilter are not affected: this machine, if its address is named."""
    spared = HOLE | {"SourcesToFilter": ["127.0.0.1"]}
    assert agent("blackhole-port", "start", spared)[0] == 200
    assert agent.call() is not None
    assert agent("blackhole-port", "stop", HOLE)[0] == 200


@pytest.mark.soak
def test_a_limited_fault_ends_itself(agent: Agent) -> None:
    """The workload stops a fault after the given time: a black hole leaves no way to do it from outside."""
    assert agent("blackhole-port", "start", HOLE, seconds="20")[0] == 200
    assert agent.call(SWALLOWED) is None
    agent.ecs.wait(21)
    assert agent.call() is not None
    assert agent("blackhole-port", "stop", HOLE) == (200, {"Status": "stopped"})


@pytest.mark.soak
def test_latency_and_loss_exclude_each_other(agent: Agent) -> None:
    """While one of both runs neither can be started, and stopping the other one changes nothing."""
    agent.ecs.change_settings("probe_wall=1")
    assert agent("latency", "start", LATENCY)[0] == 200
    for fault, body in (("latency", LATENCY), ("packet-loss", LOSS)):
        status, answer = agent(fault, "start", body)
        assert (status, answer) == (409, {"Error": "There is already one network latency fault running"})
    assert agent("packet-loss", "stop") == (200, {"Status": "stopped"})
    assert agent("packet-loss", "status") == (200, {"Status": "not-running"})
    assert agent("latency", "status") == (200, {"Status": "running"})
    assert (agent.call() or 0) >= 0.3
    assert agent("latency", "stop") == (200, {"Status": "stopped"})
    assert (agent.call() or 9) < 0.3
    agent.ecs.change_settings()


@pytest.mark.soak
def test_latency_is_for_its_sources(agent: Agent) -> None:
    """What is sent to others is not delayed; a range that holds the VPC holds this machine."""
    agent.ecs.change_settings("probe_wall=1")
    for sources, spared, is_delayed in (
        (["192.0.2.1"], [], False),
        (["172.16.0.0/12", "2001:db8::/32"], [], True),
        (["0.0.0.0/0"], ["127.0.0.1"], False),
    ):
        body = LATENCY | {"Sources": sources, "SourcesToFilter": spared}
        assert agent("latency", "start", body)[0] == 200
        assert ((agent.call() or 0) >= 0.3) is is_delayed
        assert agent("latency", "stop")[0] == 200
    agent.ecs.change_settings()


@pytest.mark.soak
def test_all_packets_are_lost(agent: Agent) -> None:
    """With a loss of 100 percent no call gets an answer until it is stopped, and an open connection stalls."""
    with socket.create_connection((agent.address, 8080), 3) as kept:
        kept.settimeout(SWALLOWED)
        spared = LOSS | {"SourcesToFilter": ["127.0.0.2"]}
        assert agent("packet-loss", "start", spared, seconds="30") == (200, {"Status": "running"})
        assert agent.call(SWALLOWED) is None
        kept.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            kept.recv(100)
        agent.ecs.wait(31)
        assert agent.call() is not None
        kept.settimeout(5)
        assert kept.recv(100).startswith(b"HTTP/1.1 200")  # it was sent again


@pytest.mark.skipif(bool(traps.find_problem()), reason="this machine cannot decide what containers connect to")
def test_a_black_hole_swallows_calls_from_the_task(agent: Agent) -> None:
    """With egress it is the port of what the task calls; its own port stays reachable."""
    callee = start(agent.ecs)
    path = f"/call?url=http://{callee.address}:8080/&within=5"
    hole = HOLE | {"TrafficType": "egress"}
    assert "status" in command_task(agent.address, 8080, path, "", 5, "GET")[1]["calls"][0]
    assert agent("blackhole-port", "start", hole)[0] == 200
    assert "error" in command_task(agent.address, 8080, path, "", 5, "GET")[1]["calls"][0]
    assert agent("blackhole-port", "stop", hole)[0] == 200
    assert "status" in command_task(agent.address, 8080, path, "", 5, "GET")[1]["calls"][0]


def test_datagrams_of_a_task_cannot_be_dropped(agent: Agent) -> None:
    """What this machine cannot do is refused with 500, and does not run."""
    hole = HOLE | {"TrafficType": "egress", "Protocol": "udp"}
    why = "internal error: datagrams that a process sends cannot be dropped here"
    assert agent("blackhole-port", "start", hole) == (500, {"Error": why})
    assert agent("blackhole-port", "status", hole) == (200, {"Status": "not-running"})


def test_without_the_option_nothing_is_injected(ecs: Ecs) -> None:
    """A task whose definition does not enable it is refused with its ARN."""
    agent = start(ecs, enabled=False)
    for do in ("start", "status", "stop"):
        status, answer = agent("blackhole-port", do, HOLE)
        assert status == 400
        assert answer["Error"].startswith("enableFaultInjection is not enabled for task: arn:")
    assert agent.call() is not None
