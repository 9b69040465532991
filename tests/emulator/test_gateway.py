"""Loading the modules of a service: once, however many requests wait for it."""

from __future__ import annotations

import asyncio
import threading
from unittest.mock import Mock

import pytest

from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server import gateway as gateway_module
from surveyor_emulator.server.gateway import Gateway
from surveyor_emulator.server.services import AwsService


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the services that were loaded, in order; the first time, IAM fails."""
    names: list[str] = []

    def load(service: AwsService) -> Mock:
        names.append(service.name)
        if len(names) == 1 and service.name == "iam":
            raise ImportError("no moto")
        return Mock(name=service.name)

    monkeypatch.setattr(gateway_module, "load_backend", load)
    return names


@pytest.fixture
def gateway() -> Gateway:
    """Return a gateway that has loaded nothing."""
    return Gateway(World(Settings(), Clock(scale=None)), Mock())


def test_services_are_loaded_in_order_and_once(gateway: Gateway, loaded: list[str]) -> None:
    """Also if several ask for them at the same time, and later."""

    async def several() -> None:
        await asyncio.gather(*(gateway.preload(["sts", "ec2"]) for _ in range(5)))
        await gateway.preload(["ec2", "sts"])

    asyncio.run(several())
    assert loaded == ["sts", "ec2"]


def test_a_client_that_leaves_does_not_stop_the_others(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service is loaded to the end although the first that wanted it does not wait any more."""
    go = threading.Event()

    def load(service: AwsService) -> Mock:
        assert go.wait(30)
        return Mock()

    monkeypatch.setattr(gateway_module, "load_backend", load)

    async def leave() -> None:
        first, second = (asyncio.create_task(gateway.preload(["sts"])) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        go.set()
        await second

    asyncio.run(leave())


def test_a_service_that_failed_is_loaded_anew(gateway: Gateway, loaded: list[str]) -> None:
    """The next request tries again."""

    async def twice() -> None:
        with pytest.raises(ImportError, match="no moto"):
            await gateway.preload(["iam"])
        await gateway.preload(["iam"])

    asyncio.run(twice())
    assert loaded == ["iam", "iam"]
