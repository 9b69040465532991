"""Reduce a history to a chart on one time axis: faults, task lifetimes, the size of each view, and calls.

The chart is numbers only, small enough for a report; `drawing` draws it. All times are service seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from msgspec import Struct

from surveyor.checkers.sightings import snapshots_by_observer
from surveyor.history import History, Outcome, TaskLifetime, task_lifetimes
from surveyor.observations import Interval

__all__ = ["Band", "Bar", "Chart", "ClientLane", "Stairs", "TaskRow", "chart_of"]

MAX_TASKS = 24
BUCKETS = 90
"""Maximum number of bars of calls."""

BUCKET_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, or a phase of a watched deployment, from when it began until it was over."""

    name: str
    start: float
    end: float


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a task's lifetime: `starting`, `running` or `leaving`."""

    start: float
    end: float
    state: str


class TaskRow(Struct, frozen=True, forbid_unknown_fields=True):
    """One task. `victim`: a fault affected it."""

    task: str
    address: str
    victim: bool
    bars: tuple[Bar, ...]


class Stairs(Struct, frozen=True, forbid_unknown_fields=True):
    """How many members a view showed: pairs of a time and the number from then on."""

    view: str
    steps: tuple[tuple[float, int], ...]


class ClientLane(Struct, frozen=True, forbid_unknown_fields=True):
    """One client model: its attempts in each bucket, and how many of them failed or had no answer in time."""

    client: str
    attempts: tuple[int, ...]
    failed: tuple[int, ...]


class Chart(Struct, frozen=True, forbid_unknown_fields=True):
    """The chart of an experiment.

    `more`: tasks that have no row; `bucket`: seconds in which calls are counted together; `lanes`: of calls by client
    models.
    """

    seconds: float
    bands: tuple[Band, ...]
    rows: tuple[TaskRow, ...]
    more: int
    stairs: tuple[Stairs, ...]
    bucket: float
    ok: tuple[int, ...]
    fail: tuple[int, ...]
    info: tuple[int, ...]
    lanes: tuple[ClientLane, ...] = ()


def chart_of(history: History) -> Chart:
    """Return the chart of a history."""
    victims = {victim for fault in history.faults for victim in fault.victims}
    # If there are too many tasks, show those that a fault affected or that left.
    lifetimes = sorted(task_lifetimes(history), key=lambda lifetime: lifetime.first_seen.high)
    by_interest = sorted(lifetimes, key=lambda lifetime: (lifetime.task not in victims, lifetime.leaving is None))
    chosen = by_interest[:MAX_TASKS]
    bucket = _bucket_seconds(history.end)
    return Chart(
        seconds=round(history.end, 1),
        bands=tuple(
            Band(name, round(span.low, 1), round(span.high, 1))
            for name, span in (
                *((fault.fault, Interval(fault.begin, history.fault_span(fault).high)) for fault in history.faults),
                *deployment_phases(history),
            )
        ),
        rows=tuple(
            _task_row(lifetime, history.end, lifetime.task in victims) for lifetime in lifetimes if lifetime in chosen
        ),
        more=len(lifetimes) - len(chosen),
        stairs=tuple(_stairs(history)),
        bucket=bucket,
        ok=_count_calls(history, Outcome.OK, bucket),
        fail=_count_calls(history, Outcome.FAIL, bucket),
        info=_count_calls(history, Outcome.INFO, bucket),
        lanes=_lanes(history, bucket),
    )


def deployment_phases(history: History) -> list[tuple[str, Interval]]:
    """Return the phases in which the watched deployment was in progress."""
    if not history.deployment_snapshots:
        return []
    return [(phase.name, phase.span) for phase in history.phases if phase.name not in ("before", "after")]


def _lanes(history: History, bucket: float) -> tuple[ClientLane, ...]:
    lanes = []
    for client in dict.fromkeys(call.client for call in history.calls if call.client):
        own = replace(history, calls=tuple(call for call in history.calls if call.client == client))
        ok, *failed = (_count_calls(own, outcome, bucket) for outcome in Outcome)
        bad = tuple(map(sum, zip(*failed, strict=True)))
        lanes.append(ClientLane(client, tuple(map(sum, zip(ok, bad, strict=True))), bad))
    return tuple(lanes)


def _task_row(lifetime: TaskLifetime, end: float, victim: bool) -> TaskRow:
    changes = [("starting", lifetime.first_seen.low), ("running", lifetime.running.low if lifetime.running else None)]
    over = lifetime.ended.high if lifetime.ended else end
    leaving = lifetime.leaving.high if lifetime.leaving else None
    changes.append(("leaving", leaving if leaving is not None and leaving < over else None))
    known = [(state, at) for state, at in changes if at is not None]
    ends = [at for _, at in known[1:]] + [over]
    bars = [Bar(round(at, 1), round(until, 1), state) for (state, at), until in zip(known, ends, strict=True)]
    return TaskRow(lifetime.task, lifetime.address, victim, tuple(bar for bar in bars if bar.end > bar.start))


def _stairs(history: History) -> Iterator[Stairs]:
    running = [
        (snapshot.begin, sum(state.status == "RUNNING" for state in snapshot.tasks.values()))
        for snapshot in history.task_snapshots
        if snapshot.outcome is Outcome.OK
    ]
    yield Stairs("running tasks", _steps(running))
    for name, snapshots in snapshots_by_observer(history):
        yield Stairs(name, _steps([(snapshot.begin, len(snapshot.members)) for snapshot in snapshots]))


def _steps(counts: Sequence[tuple[float, int]]) -> tuple[tuple[float, int], ...]:
    steps: list[tuple[float, int]] = []
    for at, count in counts:
        if not steps or steps[-1][1] != count:
            steps.append((round(at, 1), count))
    return tuple(steps)


def _bucket_seconds(seconds: float) -> float:
    """Return the shortest round time for a bar, so that there are at most BUCKETS bars."""
    return next((step for step in BUCKET_SECONDS if seconds / step <= BUCKETS), float(math.ceil(seconds / BUCKETS)))


def _count_calls(history: History, outcome: Outcome, bucket: float) -> tuple[int, ...]:
    counts = [0] * (int(history.end / bucket) + 1)
    for call in history.calls:
        if call.outcome is outcome:
            counts[min(int(call.begin / bucket), len(counts) - 1)] += 1
    return tuple(counts)
