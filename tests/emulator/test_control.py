"""The control endpoint: clock, DNS servers, settings and events; an invalid request gets 400 and one line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.events import Event
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.control import Control

TOKEN = "t0ken"
HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}


class Names:
    """DNS servers that only return addresses."""

    name_servers = ("127.0.0.1", 53)

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Return an address that contains the arguments."""
        return f"{account}/{region}/{vpc_id}", 53


class FullNames(Names):
    """DNS servers without a free address."""

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Raise the system's error."""
        raise OSError(24, "Too many open files")


@pytest.fixture
def world() -> World:
    """Return a world whose clock does not advance by itself."""
    return World(Settings(), Clock(start=1_000.0, scale=None))


def ask(world: World, method: str, target: str, body: bytes = b"", names: Names | None = None) -> tuple[int, Any]:
    """Send one request; return status and answer."""
    path, _, query = target.partition("?")
    control = Control(world, names or Names(), TOKEN)
    response = asyncio.run(control(Request(method, f"/_surveyor/{path}", query, HEADERS, body)))
    return response.status, json.loads(response.body)


def test_the_clock_is_read_and_advanced(world: World) -> None:
    """Advancing runs the timers that fall due, and returns the new time."""
    fired: list[float] = []
    world.clock.call_later(5, lambda: fired.append(world.clock.now()))
    assert ask(world, "GET", "clock") == (200, {"now": 1_000.0, "mode": "advance", "scale": None})
    assert ask(world, "POST", "clock", b'{"advance": 30}') == (200, {"now": 1_030.0})
    assert fired == [1_005.0]


def test_a_flowing_clock_says_so() -> None:
    """Its mode is "flow", and its scale is returned."""
    answer = ask(World(Settings(), Clock(scale=4.0)), "GET", "clock")[1]
    assert (answer["mode"], answer["scale"]) == ("flow", 4.0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"moon",
        b"[]",
        b"{}",
        b'{"advance": "30"}',
        b'{"advance": true}',
        b'{"advance": null}',
        b'{"advance": NaN}',
        b'{"advance": 1e999}',
        b'{"advance": -1}',
        b'{"advance": 34560001}',
        b'{"advance": ' + b"9" * 400 + b"}",
    ],
)
def test_rejects_an_invalid_advance(world: World, body: bytes) -> None:
    """A value that is no finite number, negative, or more than 400 days is rejected."""
    status, answer = ask(world, "POST", "clock", body)
    assert status == 400
    assert "\n" not in answer["error"]
    assert world.clock.now() == 1_000.0


def test_the_clock_ends_in_2200() -> None:
    """A time after 2200, which dates could not express, is rejected."""
    world = World(Settings(), Clock(start=7_258_118_400.0 - 5, scale=None))
    assert ask(world, "POST", "clock", b'{"advance": 6}')[0] == 400
    assert ask(world, "POST", "clock", b'{"advance": 5}')[0] == 200


def test_a_client_that_disconnects_does_not_stop_an_advance(world: World) -> None:
    """An advance is completed without its client."""
    fired: list[float] = []
    started = asyncio.Event()

    async def slow() -> None:
        started.set()
        await asyncio.sleep(0.01)
        fired.append(world.clock.now())

    async def scenario() -> None:
        world.clock.call_later(5, lambda: world.clock.run(slow()))
        control = Control(world, Names(), TOKEN)
        answer = asyncio.ensure_future(control(Request("POST", "/_surveyor/clock", "", HEADERS, b'{"advance": 30}')))
        await started.wait()
        answer.cancel()
        # Another advance waits for the first.
        await world.clock.advance(1)

    asyncio.run(scenario())
    assert fired == [1_005.0]
    assert world.clock.now() == 1_031.0


def test_resolvers_are_found_by_account_region_and_vpc(world: World) -> None:
    """Missing parameters default to the target's account and region, and the default VPC."""
    vpc = next(iter(vpcs_of(world, "111111111111", "eu-west-1")))
    target = f"resolvers?account=111111111111&region=eu-west-1&vpc={vpc}"
    assert ask(world, "GET", target) == (200, {"address": f"111111111111/eu-west-1/{vpc}", "port": 53})
    own = next(iter(vpcs_of(world, "000000000000", "us-east-1")))
    assert ask(world, "GET", "resolvers")[1]["address"] == f"000000000000/us-east-1/{own}"
    assert ask(world, "GET", "name-servers") == (200, {"address": "127.0.0.1", "port": 53})


@pytest.mark.parametrize(
    "query", ["account=1", "account=moon", "region=moon", "vpc=vpc-0", "vpc=", "moon=1", "account=%ff", "account="]
)
def test_rejects_unknown_resolvers(world: World, query: str) -> None:
    """Unknown accounts, regions, VPCs and parameters are rejected."""
    status, answer = ask(world, "GET", f"resolvers?{query}")
    assert (status, list(answer)) == (400, ["error"])


def test_reports_that_no_resolver_can_be_started(world: World) -> None:
    """The answer is 503 with the system's reason."""
    status, answer = ask(world, "GET", "resolvers", names=FullNames())
    assert status == 503
    assert "Too many open files" in answer["error"]


def test_events_are_returned_since_a_time(world: World) -> None:
    """Events are returned oldest first, in service seconds."""
    for moment in (10.0, 20.0):
        world.events.add(Event(moment, "instance.registered", "111111111111", "eu-west-1", "i-1"))
    assert [event["at"] for event in ask(world, "GET", "events")[1]["events"]] == [10.0, 20.0]
    assert [event["at"] for event in ask(world, "GET", "events?since=15")[1]["events"]] == [20.0]
    assert ask(world, "GET", "events?since=nan")[0] == 400


def test_settings_are_returned_without_the_secret(world: World) -> None:
    """All settings except the secret are returned."""
    status, settings = ask(world, "GET", "settings")
    assert (status, settings["region"], settings["quotas"]["namespaces"]) == (200, "us-east-1", 50)
    assert "secret" not in settings


def test_rejects_unknown_paths_and_methods(world: World) -> None:
    """A path gets 404 and the list of known paths, a method 405."""
    status, answer = ask(world, "GET", "moon")
    assert status == 404
    assert "/_surveyor/clock" in answer["error"]
    assert ask(world, "DELETE", "clock")[0] == 405


@given(st.binary(max_size=30), st.text(max_size=30))
def test_any_request_is_answered_in_json(body: bytes, query: str) -> None:
    """The status is 200 or 400."""
    world = World(Settings(), Clock(start=1_000.0, scale=None))
    assert ask(world, "POST", "clock", body)[0] in (200, 400)
    for name in ("resolvers", "events", "health"):
        assert ask(world, "GET", f"{name}?{query}")[0] in (200, 400)
