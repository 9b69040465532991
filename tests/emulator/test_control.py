"""The control endpoint: the clock, DNS servers, events; bad input gets 400 and one line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.ec2 import vpcs
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.events import Event
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.control import Control


class Names:
    """DNS servers that only say where they are."""

    name_servers = ("127.0.0.1", 53)

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """An address that shows what was asked for."""
        return f"{account}/{region}/{vpc_id}", 53


class FullNames(Names):
    """No address is left."""

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Fails as the system does."""
        raise OSError(24, "Too many open files")


@pytest.fixture
def world() -> World:
    """A world whose clock stands still."""
    return World(Settings(), Clock(start=1_000.0, scale=None))


def ask(world: World, method: str, target: str, body: bytes = b"", names: Names | None = None) -> tuple[int, Any]:
    """Status and answer of one request."""
    path, _, query = target.partition("?")
    control = Control(world, names or Names())
    response = asyncio.run(control(Request(method, f"/_surveyor/{path}", query, {}, body)))
    return response.status, json.loads(response.body)


def test_the_clock_is_read_and_advanced(world: World) -> None:
    """Advancing does what falls due on the way, and answers with the new time."""
    seen: list[float] = []
    world.clock.call_later(5, lambda: seen.append(world.clock.now()))
    assert ask(world, "GET", "clock") == (200, {"now": 1_000.0, "mode": "advance", "scale": None})
    assert ask(world, "POST", "clock", b'{"advance": 30}') == (200, {"now": 1_030.0})
    assert seen == [1_005.0]


def test_a_flowing_clock_says_so() -> None:
    """Mode and scale."""
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
def test_refuses_to_advance_by_what_is_no_span(world: World, body: bytes) -> None:
    """No number, none that is finite, less than nothing, more than 400 days."""
    status, answer = ask(world, "POST", "clock", body)
    assert status == 400
    assert "\n" not in answer["error"]
    assert world.clock.now() == 1_000.0


def test_the_clock_ends_in_2200() -> None:
    """So that every date can be written."""
    world = World(Settings(), Clock(start=7_258_118_400.0 - 5, scale=None))
    assert ask(world, "POST", "clock", b'{"advance": 6}')[0] == 400
    assert ask(world, "POST", "clock", b'{"advance": 5}')[0] == 200


def test_a_client_that_goes_away_does_not_stop_an_advance(world: World) -> None:
    """What was begun is done to its end."""
    seen: list[float] = []
    begun = asyncio.Event()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        seen.append(world.clock.now())

    async def scenario() -> None:
        world.clock.call_later(5, lambda: world.clock.run(slow()))
        control = Control(world, Names())
        answer = asyncio.ensure_future(control(Request("POST", "/_surveyor/clock", "", {}, b'{"advance": 30}')))
        await begun.wait()
        answer.cancel()
        # Another advance waits for the first.
        await world.clock.advance(1)

    asyncio.run(scenario())
    assert seen == [1_005.0]
    assert world.clock.now() == 1_031.0


def test_resolvers_are_found_by_account_region_and_vpc(world: World) -> None:
    """What is not said is the target's own, the VPC the default one."""
    vpc = next(iter(vpcs(world, "111111111111", "eu-west-1")))
    target = f"resolvers?account=111111111111&region=eu-west-1&vpc={vpc}"
    assert ask(world, "GET", target) == (200, {"address": f"111111111111/eu-west-1/{vpc}", "port": 53})
    own = next(iter(vpcs(world, "000000000000", "us-east-1")))
    assert ask(world, "GET", "resolvers")[1]["address"] == f"000000000000/us-east-1/{own}"
    assert ask(world, "GET", "name-servers") == (200, {"address": "127.0.0.1", "port": 53})


@pytest.mark.parametrize(
    "query", ["account=1", "account=moon", "region=moon", "vpc=vpc-0", "vpc=", "moon=1", "account=%ff", "account="]
)
def test_refuses_resolvers_of_nothing(world: World, query: str) -> None:
    """Unknown accounts, regions, VPCs and parameters."""
    status, answer = ask(world, "GET", f"resolvers?{query}")
    assert (status, list(answer)) == (400, ["error"])


def test_says_when_no_resolver_can_be_opened(world: World) -> None:
    """503 with the system's reason."""
    status, answer = ask(world, "GET", "resolvers", names=FullNames())
    assert status == 503
    assert "Too many open files" in answer["error"]


def test_events_are_told_from_a_moment_on(world: World) -> None:
    """Oldest first, in service seconds."""
    for moment in (10.0, 20.0):
        world.events.add(Event(moment, "instance.registered", "111111111111", "eu-west-1", "i-1"))
    assert [event["at"] for event in ask(world, "GET", "events")[1]["events"]] == [10.0, 20.0]
    assert [event["at"] for event in ask(world, "GET", "events?since=15")[1]["events"]] == [20.0]
    assert ask(world, "GET", "events?since=nan")[0] == 400


def test_settings_are_told_without_the_secret(world: World) -> None:
    """All of them, as they are."""
    status, settings = ask(world, "GET", "settings")
    assert (status, settings["region"], settings["quotas"]["namespaces"]) == (200, "us-east-1", 50)
    assert "secret" not in settings


def test_refuses_what_is_not_there(world: World) -> None:
    """404 for a path, 405 for a method, and the ones that there are."""
    status, answer = ask(world, "GET", "moon")
    assert status == 404
    assert "/_surveyor/clock" in answer["error"]
    assert ask(world, "DELETE", "clock")[0] == 405


@given(st.binary(max_size=30), st.text(max_size=30))
def test_anything_is_answered_in_json(body: bytes, query: str) -> None:
    """With a status that clients know."""
    world = World(Settings(), Clock(start=1_000.0, scale=None))
    assert ask(world, "POST", "clock", body)[0] in (200, 400)
    for name in ("resolvers", "events", "health"):
        assert ask(world, "GET", f"{name}?{query}")[0] in (200, 400)
