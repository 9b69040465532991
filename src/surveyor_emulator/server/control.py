"""The control endpoint, ``/_surveyor/``: what no AWS account has, in JSON.

The clock is read and advanced here, DNS servers are found, and people look at what happened. Suites reach it through
the harness's clock and ``ask`` only.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Protocol
from urllib.parse import parse_qsl

import orjson

from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.identifiers import is_account, is_region
from surveyor_emulator.core.world import World

from .options import with_setting

__all__ = ["Control", "NameAnswerers"]

LONGEST_ADVANCE = 400 * 86_400.0  # service seconds
FASTEST = 1_000.0  # service seconds a wall second
LAST_MOMENT = 7_258_118_400.0  # 2200-01-01; dates are to stay writable
PREFIX = "/_surveyor/"
TASKS = PREFIX + "ecs/"

Answer = Mapping[str, object]


class NameAnswerers(Protocol):
    """Where names are answered: what this endpoint needs of the DNS servers."""

    @property
    def name_servers(self) -> tuple[str, int]:
        """Address and port of the name servers of all public zones."""

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Address and port of a VPC's own resolver, which answers from now on."""


class _Refusal(Exception):
    """The request cannot be served; the text is the one line that says why."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Control:
    """Answers the requests under ``/_surveyor/``."""

    def __init__(self, world: World, names: NameAnswerers) -> None:
        self._world = world
        self._first_settings = world.settings
        self._names = names
        self._advances: set[asyncio.Task[float]] = set()
        self._routes: Mapping[str, Mapping[str, Callable[[Request], Awaitable[Answer]]]] = {
            "clock": {"GET": self._read_clock, "POST": self._change_clock},
            "signals": {"GET": self._read_signals, "POST": self._signal},
            "resolvers": {"GET": self._resolver},
            "name-servers": {"GET": self._name_servers},
            "events": {"GET": self._events},
            "settings": {"GET": self._settings, "POST": self._change_settings},
            "health": {"GET": self._health},
        }

    async def __call__(self, request: Request) -> Response:
        """Answer one request: 200, or 4xx with ``{"error": …}``."""
        try:
            if request.path.startswith(TASKS):
                return _json(200, await self._of_task(request))
            methods = self._routes.get(request.path.removeprefix(PREFIX))
            if methods is None:
                raise _Refusal(f"there is {', '.join(PREFIX + name for name in self._routes)}", 404)
            if request.method not in methods:
                raise _Refusal(f"{request.path} takes {' and '.join(methods)}", 405)
            return _json(200, await methods[request.method](request))
        except _Refusal as refusal:
            return _json(refusal.status, {"error": str(refusal)})

    async def _read_clock(self, request: Request) -> Answer:
        clock = self._world.clock
        return {"now": clock.now(), "mode": "advance" if clock.scale is None else "flow", "scale": clock.scale}

    async def _change_clock(self, request: Request) -> Answer:
        asked = _body(request)
        if "flow" not in asked:
            return await self._advance(asked)
        scale = _number(asked["flow"], 'expected a body like {"flow": 10}, in service seconds a second; 0 holds it')
        if not 0 <= scale <= FASTEST:
            raise _Refusal(f"time can flow at 0 (not at all) to {FASTEST:g} service seconds a second, not {scale:g}")
        self._world.clock.flow(scale or None)
        return await self._read_clock(request)

    async def _advance(self, asked: Mapping[str, object]) -> Answer:
        seconds = _number(asked.get("advance"), 'expected a body like {"advance": 30}, in service seconds')
        if not 0 <= seconds <= LONGEST_ADVANCE:
            raise _Refusal(f"the clock can be advanced by 0 to {LONGEST_ADVANCE:.0f} s (400 days), not {seconds:g} s")
        if self._world.clock.now() + seconds > LAST_MOMENT:
            raise _Refusal("the clock does not go past the year 2200")
        # A client that goes away may not leave the clock between two instants.
        task = asyncio.get_running_loop().create_task(self._world.clock.advance(seconds))
        self._advances.add(task)
        task.add_done_callback(self._advances.discard)
        return {"now": await asyncio.shield(task)}

    async def _resolver(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ec2 import vpcs

        settings, asked = self._world.settings, _query(request, {"account", "region", "vpc"})
        account, region = asked.get("account", settings.account), asked.get("region", settings.region)
        if not is_account(account):
            raise _Refusal(f"account is to be 12 digits, not {account!r}")
        if not is_region(region):
            raise _Refusal(f"region is to be like us-east-1, not {region!r}")
        known = vpcs(self._world, account, region)
        vpc = asked["vpc"] if "vpc" in asked else next((vpc.id for vpc in known.values() if vpc.is_default), "")
        if vpc not in known:
            raise _Refusal(f"account {account} has no VPC {vpc!r} in {region}" if vpc else "there is no default VPC")
        try:
            return _address(self._names.resolver(account, region, vpc))
        except OSError as problem:
            raise _Refusal(f"no resolver can be opened for {vpc}: {problem.strerror or problem}", 503) from None

    async def _name_servers(self, request: Request) -> Answer:
        return _address(self._names.name_servers)

    async def _events(self, request: Request) -> Answer:
        asked = _query(request, {"since"})
        try:
            since = float(asked.get("since", "0"))
        except ValueError:
            since = math.nan
        moment = _number(since, "since is to be service seconds since the epoch")
        return {"events": [asdict(event) for event in self._world.events.since(moment)]}

    async def _settings(self, request: Request) -> Answer:
        return {name: value for name, value in asdict(self._world.settings).items() if name != "secret"}

    async def _change_settings(self, request: Request) -> Answer:
        """What differs from the settings at the start, all of it each time: an empty list restores them."""
        changes = _body(request).get("set")
        if not isinstance(changes, list) or not all(isinstance(one, str) for one in changes):
            raise _Refusal('expected a body like {"set": ["custom_health=5"]}')
        settings = self._first_settings
        for one in changes:
            try:
                settings = with_setting(settings, one)
            except ValueError as problem:
                raise _Refusal(f"{one}: {problem}") from None
        self._world.settings = settings
        return await self._settings(request)

    async def _read_signals(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ecs.tasks.signals import SIGNALS

        return {"signals": list(SIGNALS)}

    async def _signal(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ecs.tasks.signals import SIGNALS, send

        asked = _body(request)
        task, name, to = (asked.get(key) for key in ("task", "signal", "to"))
        if not isinstance(task, str) or name not in SIGNALS or to not in ("task", "proxy"):
            known = ", ".join(SIGNALS)
            raise _Refusal(f'expected a body like {{"task": ARN, "signal": one of {known}, "to": "task" or "proxy"}}')
        if not await send(self._world, task, SIGNALS[str(name)], to_proxy=to == "proxy"):
            raise _Refusal(f"there is no running {'proxy' if to == 'proxy' else 'process'} of {task}", 404)
        return {"sent": name}

    async def _of_task(self, request: Request) -> Answer:
        from surveyor_emulator.aws.ecs.tasks.metadata import answer

        found = await answer(self._world, request.path.removeprefix(TASKS))
        if not isinstance(found, Mapping):
            raise _Refusal("no task has this", 404)
        return found

    async def _health(self, request: Request) -> Answer:
        return {"status": "ok", "pid": os.getpid()}


def _body(request: Request) -> Mapping[str, object]:
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise _Refusal("the body is to be JSON") from None
    if not isinstance(body, dict):
        raise _Refusal("the body is to be a JSON object")
    return body


def _query(request: Request, names: set[str]) -> dict[str, str]:
    asked = dict(parse_qsl(request.query, keep_blank_values=True, errors="replace"))
    for name in asked:
        if name not in names:
            raise _Refusal(f"there is no parameter {name!r} here; there is {', '.join(sorted(names))}")
    return asked


def _number(value: object, expected: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise _Refusal(expected)
    return float(value)


def _address(address: tuple[str, int]) -> Answer:
    return {"address": address[0], "port": address[1]}


def _json(status: int, answer: Answer) -> Response:
    return Response(status, orjson.dumps(answer), {"Content-Type": "application/json"})
