"""Histories of made-up services in which nothing is wrong, and ways to plant something that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from surveyor.history import Check, History, read_history
from surveyor.history.values import KIND, VERSION

END = 300.0
TTL = 20.0
"""Of the records that callers keep."""


@dataclass(frozen=True)
class Made:
    """A task: when it ran, when it began to leave (None: never); it is in the registry from the one to the other."""

    task: str
    address: str
    ran: float
    left: float | None = None

    def is_in(self, at: float, lag: float) -> bool:
        """Whether views show it, which are `lag` seconds late."""
        return self.ran + lag <= at and (self.left is None or at < self.left + lag)


@dataclass(frozen=True)
class World:
    """What is told of such a service: looks every `period` seconds, each taking `width`; views late by `lag`."""

    tasks: tuple[Made, ...]
    period: float = 1.0
    width: float = 0.2
    lag: float = 1.0
    calls: float = 2.0
    extra: tuple[dict[str, Any], ...] = ()
    """Operations as in a file, with `begin` and `end`."""

    def operations(self) -> list[dict[str, Any]]:
        """All of them, in no order."""
        return [*self._looks(), *self._calls(), *self.extra]

    def _looks(self) -> list[dict[str, Any]]:
        found, at = [], 0.0
        while at + self.width < END:
            moment = at + self.width / 2
            tasks = {
                one.task: {"status": "RUNNING" if one.left is None or moment < one.left else "STOPPED",
                           "address": one.address}
                for one in self.tasks if one.ran <= moment
            }  # fmt: skip
            found.append(_op(at, at + self.width, "tasks", "tasks", {}, {"tasks": tasks}))
            inside = [one for one in self.tasks if one.is_in(moment, self.lag)]
            revision = 1 + sum((one.ran + self.lag <= moment) + (one.left is not None and one.left + self.lag <= moment)
                               for one in self.tasks)  # fmt: skip
            members = {one.task: {"address": one.address} for one in inside}
            found.append(_op(at, at + self.width, "discover", "look", {"view": "discover"},
                             {"members": members, "revision": revision}))  # fmt: skip
            addresses = {one.address: {"address": one.address} for one in inside}
            found.append(_op(at, at + self.width, "names", "look", {"view": "names"},
                             {"members": addresses, "ttl": TTL}))  # fmt: skip
            at += self.period
        return found

    def _calls(self) -> list[dict[str, Any]]:
        found, at = [], 5.0
        while at < END - 1:
            there = [one for one in self.tasks if one.ran + 3 <= at and (one.left is None or at < one.left - 1)]
            if there:
                one = there[int(at) % len(there)]
                found.append(call(at, at + 0.1, one.address, task=one.task))
            at += self.calls
        return found

    def but(self, *extra: dict[str, Any]) -> World:
        """With further operations."""
        return replace(self, extra=(*self.extra, *extra))


def _op(
    begin: float, end: float, who: str, what: str, asked: dict[str, Any], told: dict[str, Any], outcome: str = "ok"
) -> dict[str, Any]:
    return {"begin": begin, "end": end, "asked": {"who": who, "what": what, **asked}, "told": told, "outcome": outcome}


def look(at: float, view: str, members: Sequence[str], **told: Any) -> dict[str, Any]:
    """One more look, a short one."""
    return _op(at, at + 0.01, view, "look", {"view": view}, {"members": {name: {} for name in members}, **told})


def call(at: float, end: float, address: str, *, task: str = "", error: str = "", outcome: str = "") -> dict[str, Any]:
    """One call."""
    told: dict[str, Any] = {"error": error} if error else {"task": task, "status": 200}
    how = outcome or ("fail" if error else "ok")
    return _op(at, end, "client", "call", {"address": address}, told, how)


def fault(begin: float, name: str, *victims: str, lasting: bool = False) -> dict[str, Any]:
    """A fault."""
    return _op(begin, begin + 0.1, "faults", "fault", {"fault": name, "victims": list(victims), "lasting": lasting}, {})


def history_of(world: World, *checks: Check) -> History:
    """The history as it is read from its file."""
    return read_history(lines_of(world, *checks))


@dataclass(order=True)
class _Event:
    at: float
    rank: int
    number: int
    value: dict[str, Any] = field(compare=False)


def lines_of(world: World, *checks: Check) -> list[str]:
    """The file's lines."""
    header = {
        "type": "header", "kind": KIND, "version": VERSION, "experiment": "made", "title": "A made-up service.",
        "target": "nothing", "seed": 7, "scale": 10.0, "started": "2026-11-20T00:00:00+00:00",
        "service": {"TTL": "20 s"}, "machines": {}, "checks": [{"check": one.name, **one.limits} for one in checks],
        "views": {"discover": {"of": "instances", "healthy": False, "most": 0},
                  "names": {"of": "addresses", "healthy": False, "most": 8}},
    }  # fmt: skip
    events: list[_Event] = []
    for number, one in enumerate(world.operations()):
        events.append(_Event(round(one["begin"], 4), 1, number, {"type": "invoke", **one["asked"]}))
        events.append(_Event(round(one["end"], 4), 2, number, {"type": one["outcome"], **one["told"]}))
    events.sort()
    begun: dict[int, int] = {}
    lines = [json.dumps(header)]
    for n, event in enumerate(events, 1):
        value = {"n": n, "at": event.at, **event.value}
        if event.rank == 1:
            begun[event.number] = n
        else:
            value["of"] = begun[event.number]
        lines.append(json.dumps(value))
    lines.append(json.dumps({"type": "footer", "events": len(events), "at": END, "stopped": ""}))
    return lines


@st.composite
def worlds(draw: st.DrawFn, least: int = 1) -> World:
    """Services of a few tasks, some of which leave; the address of who left may be given to who comes later."""
    count = draw(st.integers(least, 6))
    tasks: list[Made] = []
    for number in range(count):
        ran = 0.0 if number < least else draw(st.integers(20, 150)) + draw(st.sampled_from((0.0, 0.3, 0.5)))
        left = None if number < least else draw(st.one_of(st.none(), st.integers(int(ran) + 20, 260)))
        free = [one.address for one in tasks if one.left is not None and one.left + 10 < ran]
        address = draw(st.sampled_from([*free, f"127.0.0.{number + 10}"]))
        if any(one.address == address and (one.left is None or one.left + 10 >= ran) for one in tasks):
            address = f"127.0.1.{number + 10}"
        tasks.append(Made(f"task-{number}", address, ran, None if left is None else float(left)))
    return World(
        tuple(tasks), period=draw(st.sampled_from((0.5, 1.0, 2.0))), lag=draw(st.sampled_from((0.0, 0.5, 2.0)))
    )
