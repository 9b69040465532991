"""Who may use the control endpoint: programs with its token, never a web page; a task reads only of itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.server.control import Control

from .test_control import HEADERS, TOKEN, Names

ROUTES = [
    *(("GET", name) for name in ("clock", "signals", "resolvers", "name-servers", "events", "settings")),
    *(("POST", name) for name in ("clock", "signals", "settings")),
    *(("GET", f"ecs/000000000000/us-east-1/c/t/{name}") for name in ("output", "credentials", "v4/app")),
    *(("GET", name) for name in ("resources", "moon", "ecs", "ecs/", "", "health/", "health/../clock", "Health")),
    *(("PUT", "clock"), ("OPTIONS", "clock"), ("HEAD", "settings")),
]
BODY = b'{"advance": 30, "set": ["custom_health=1"], "task": "arn", "signal": "KILL", "to": "task"}'


def ask(method: str, path: str, headers: dict[str, str], body: bytes = BODY) -> tuple[int, Any, World]:
    """Send one request to a new target; return status, answer and state."""
    world = World(Settings(), Clock(start=1_000.0, scale=None))
    control = Control(world, Names(), TOKEN)
    response = asyncio.run(control(Request(method, f"/_surveyor/{path}", "", headers, body)))
    if response.status == 401:
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="surveyor"'
    return response.status, json.loads(response.body), world


def is_untouched(world: World) -> bool:
    """Return whether nothing has changed."""
    return (world.clock.now(), world.settings, vars(world)["_regional"]) == (1_000.0, Settings(), {})


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN),
        *(f"Bearer {TOKEN},Bearer {TOKEN}", f"Bearer {TOKEN.upper()}", f"Bearer x {TOKEN}", "Bearer \xff\xfe"),
    ],
)
def test_nothing_is_answered_without_the_token(method: str, path: str, authorization: str | None) -> None:
    """Status 401, whether there is such a path or not, and no state is made."""
    headers = {"content-type": "application/json"}
    status, answer, world = ask(
        method, path, headers | ({} if authorization is None else {"authorization": authorization})
    )
    assert (status, list(answer)) == (401, ["error"])
    assert "SURVEYOR_TOKEN" in answer["error"]
    assert is_untouched(world)


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_the_scheme_may_be_written_in_any_case(authorization: str) -> None:
    """RFC 9110, 11.1."""
    assert ask("GET", "clock", {"authorization": authorization})[0] == 200


@pytest.mark.parametrize(("method", "path"), [*ROUTES, ("GET", "health"), ("GET", "tasks/0/a/b/c/d/credentials")])
@pytest.mark.parametrize(
    "header",
    [
        *(("origin", "http://evil.example"), ("origin", "null"), ("origin", ""), ("origin", "http://127.0.0.1:5000")),
        *(("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("sec-fetch-site", "Cross-Site")),
        *(("sec-fetch-site", ""), ("sec-fetch-site", "none, cross-site")),
    ],
)
def test_a_web_page_is_refused_even_with_the_token(method: str, path: str, header: tuple[str, str]) -> None:
    """Whatever it asks for, in the same way."""
    status, answer, world = ask(method, path, {**HEADERS, header[0]: header[1]})
    assert (status, list(answer)) == (403, ["error"])
    assert is_untouched(world)


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("text/plain; application/json", "application/jsonx", "text/json", "x/y,application/json"),
    ],
)
@pytest.mark.parametrize("path", ["clock", "signals", "settings"])
def test_a_change_needs_the_type_of_json(path: str, kind: str | None) -> None:
    """A page cannot send it without asking first; status 415."""
    headers = {"authorization": HEADERS["authorization"]} | ({} if kind is None else {"content-type": kind})
    status, _, world = ask("POST", path, headers)
    assert status == 415
    assert is_untouched(world)


def test_the_type_may_have_parameters() -> None:
    """Clients add the encoding."""
    headers = {**HEADERS, "content-type": "Application/JSON; charset=utf-8"}
    assert ask("POST", "clock", headers, b'{"advance": 1}')[0] == 200


def test_health_needs_no_token_and_says_nothing() -> None:
    """It is for programs that wait until the port answers."""
    assert ask("GET", "health", {})[:2] == (200, {"status": "ok"})


def test_a_look_up_makes_no_state() -> None:
    """Unknown tasks of any account and Region are not found, with the token too, and leave nothing behind."""
    for account, region in (("999999999999", "eu-west-1"), ("moon", "'\"><img>"), ("", "")):
        status, _, world = ask("GET", f"ecs/{account}/{region}/c/t/output", HEADERS)
        assert (status, is_untouched(world)) == (404, True)
        arn = f"arn:aws:ecs:{region}:{account}:task/c/t"
        body = json.dumps({"task": arn, "signal": "KILL", "to": "task"}).encode()
        status, _, world = ask("POST", "signals", HEADERS, body)
        assert (status, is_untouched(world)) == (404, True)
    for path in ("tasks/", "tasks/0", "tasks/0/999999999999/eu-west-1/c/t/credentials", "tasks/\xff/a/b/c/d/clock"):
        status, _, world = ask("GET", path, {})
        assert (status, is_untouched(world)) == (404, True)
