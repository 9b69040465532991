"""Build histories of simulated services that keep every check, and operations that break one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from surveyor.history import Check, History, read_history
from surveyor.history.lines import KIND, VERSION

END = 300.0
TTL = 20.0
"""TTL of the records that callers cache."""


@dataclass(frozen=True)
class SimulatedTask:
    """A task with the time when it ran and the time when it began to leave (None: never).

    It is in the registry between the two.
    """

    task: str
    address: str
    ran: float
    left: float | None = None

    def is_in(self, at: float, lag: float) -> bool:
        """Return whether views show the task at this time, if they are `lag` seconds late."""
        return self.ran + lag <= at and (self.left is None or at < self.left + lag)


@dataclass(frozen=True)
class SimulatedService:
    """A service that is observed every `period` seconds; each snapshot takes `width`, and views are late by `lag`."""

    tasks: tuple[SimulatedTask, ...]
    period: float = 1.0
    width: float = 0.2
    lag: float = 1.0
    calls: float = 2.0
    extra: tuple[dict[str, Any], ...] = ()
    """Operations as in a file, with `begin` and `end`."""

    def operations(self) -> list[dict[str, Any]]:
        """Return all operations, in no order."""
        return [*self._snapshots(), *self._calls(), *self.extra]

    def _snapshots(self) -> list[dict[str, Any]]:
        found, at = [], 0.0
        while at + self.width < END:
            moment = at + self.width / 2
            tasks = {
                task.task: {"status": "RUNNING" if task.left is None or moment < task.left else "STOPPED",
                            "address": task.address}
                for task in self.tasks if task.ran <= moment
            }  # fmt: skip
            found.append(_op(at, at + self.width, "tasks", "tasks", {}, {"tasks": tasks}))
            inside = [task for task in self.tasks if task.is_in(moment, self.lag)]
            revision = 1 + sum(
                (task.ran + self.lag <= moment) + (task.left is not None and task.left + self.lag <= moment)
                for task in self.tasks
            )
            members = {task.task: {"address": task.address} for task in inside}
            found.append(_op(at, at + self.width, "discover", "look", {"view": "discover"},
                             {"members": members, "revision": revision}))  # fmt: skip
            addresses = {task.address: {"address": task.address} for task in inside}
            found.append(_op(at, at + self.width, "names", "look", {"view": "names"},
                             {"members": addresses, "ttl": TTL}))  # fmt: skip
            at += self.period
        return found

    def _calls(self) -> list[dict[str, Any]]:
        found, at = [], 5.0
        while at < END - 1:
            there = [task for task in self.tasks if task.ran + 3 <= at and (task.left is None or at < task.left - 1)]
            if there:
                task = there[int(at) % len(there)]
                found.append(call(at, at + 0.1, task.address, task=task.task))
            at += self.calls
        return found

    def but(self, *extra: dict[str, Any]) -> SimulatedService:
        """Return the service with further operations."""
        return replace(self, extra=(*self.extra, *extra))


def _op(
    begin: float,
    end: float,
    actor: str,
    what: str,
    values: dict[str, Any],
    result: dict[str, Any],
    outcome: str = "ok",
) -> dict[str, Any]:
    invoke = {"who": actor, "what": what, **values}
    return {"begin": begin, "end": end, "invoke": invoke, "result": result, "outcome": outcome}


def look(at: float, view: str, members: Sequence[str], **result: Any) -> dict[str, Any]:
    """Return one more short reading of a view."""
    return _op(at, at + 0.01, view, "look", {"view": view}, {"members": {name: {} for name in members}, **result})


def call(
    at: float, end: float, address: str, *, task: str = "", error: str = "", outcome: str = "", **values: Any
) -> dict[str, Any]:
    """Return one call; `values` are those of its beginning."""
    result: dict[str, Any] = {"error": error} if error else {"task": task, "status": 200}
    outcome = outcome or ("fail" if error else "ok")
    return _op(at, end, "client", "call", {"address": address, **values}, result, outcome)


def deployments(at: float, watched: str = "", **states: dict[str, Any]) -> dict[str, Any]:
    """Return one reading of the deployments, by their ids."""
    found = {f"arn/{name}": state for name, state in states.items()}
    result = {"deployments": found, **({"watched": f"arn/{watched}"} if watched else {})}
    return _op(at, at + 0.01, "deployments", "deployments", {}, result)


def tasks(at: float, **states: dict[str, Any]) -> dict[str, Any]:
    """Return one reading of all tasks, by their ids."""
    return _op(at, at + 0.01, "tasks", "tasks", {}, {"tasks": states})


def phase(begin: float, end: float, name: str) -> dict[str, Any]:
    """Return a phase."""
    return _op(begin, end, "deployment", "phase", {"name": name}, {})


def fault(begin: float, name: str, *victims: str, lasting: bool = False) -> dict[str, Any]:
    """Return a fault."""
    return _op(begin, begin + 0.1, "faults", "fault", {"fault": name, "victims": list(victims), "lasting": lasting}, {})


def history_of(service: SimulatedService, *checks: Check) -> History:
    """Return the history as it is read from its file."""
    return read_history(lines_of(service, *checks))


@dataclass(order=True)
class _Event:
    at: float
    rank: int
    number: int
    value: dict[str, Any] = field(compare=False)


def lines_of(service: SimulatedService, *checks: Check) -> list[str]:
    """Return the lines of the file."""
    header = {
        "type": "header", "kind": KIND, "version": VERSION, "experiment": "made", "title": "A made-up service.",
        "target": "nothing", "seed": 7, "scale": 10.0, "started": "2026-11-20T00:00:00+00:00",
        "service": {"TTL": "20 s"}, "machines": {},
        "checks": [{"check": check.name, **check.limits} for check in checks],
        "views": {"discover": {"of": "instances", "healthy": False, "most": 0},
                  "names": {"of": "addresses", "healthy": False, "most": 8}},
    }  # fmt: skip
    events: list[_Event] = []
    for number, operation in enumerate(service.operations()):
        events.append(_Event(round(operation["begin"], 4), 1, number, {"type": "invoke", **operation["invoke"]}))
        events.append(
            _Event(round(operation["end"], 4), 2, number, {"type": operation["outcome"], **operation["result"]})
        )
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
def simulated_services(draw: st.DrawFn, minimum: int = 1) -> SimulatedService:
    """Draw services of a few tasks, some of which leave; the address of one that left may be given to a later task."""
    count = draw(st.integers(minimum, 6))
    tasks: list[SimulatedTask] = []
    for number in range(count):
        ran = 0.0 if number < minimum else draw(st.integers(20, 150)) + draw(st.sampled_from((0.0, 0.3, 0.5)))
        left = None if number < minimum else draw(st.one_of(st.none(), st.integers(int(ran) + 20, 260)))
        free = [task.address for task in tasks if task.left is not None and task.left + 10 < ran]
        address = draw(st.sampled_from([*free, f"127.0.0.{number + 10}"]))
        if any(task.address == address and (task.left is None or task.left + 10 >= ran) for task in tasks):
            address = f"127.0.1.{number + 10}"
        tasks.append(SimulatedTask(f"task-{number}", address, ran, None if left is None else float(left)))
    return SimulatedService(
        tuple(tasks), period=draw(st.sampled_from((0.5, 1.0, 2.0))), lag=draw(st.sampled_from((0.0, 0.5, 2.0)))
    )
