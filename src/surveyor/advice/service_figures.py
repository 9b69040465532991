"""The lifetime of the tasks of a service during a watched deployment, from its history. All in service seconds.

ECS takes a task that it stops out of the registry, and then sends SIGTERM: figures count from when it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from surveyor.checkers.figures import DANGER, GAP, figures_of
from surveyor.history import CallRecord, History, Outcome, TaskLifetime, ViewSnapshot, task_lifetimes
from surveyor.observations import Interval

__all__ = ["ServiceFigures", "service_figures"]

_NONE = Interval(0.0, 0.0)


@dataclass(frozen=True)
class ServiceFigures:
    """`tasks`: how many were stopped while the service was watched.

    `named`: until the last answer that named one of them, `listened`: until the first of them did not answer any more,
    both since ECS began to stop it. `danger`: how long a task was called after its end; `gap`: how long no instance was
    healthy.
    """

    tasks: int
    named: Interval
    listened: Interval
    danger: Interval
    gap: Interval


def service_figures(history: History, view: str) -> ServiceFigures | None:
    """Return the figures of a watched deployment; None if no task was stopped. `view`: the one that clients ask."""
    lifetimes = task_lifetimes(history)
    stopped = [one for one in lifetimes if one.leaving is not None and one.ended is not None and one.leaving.low > 0]
    if not stopped:
        return None
    snapshots = [one for one in history.view_snapshots if one.view == view and one.outcome is Outcome.OK]
    measured = {figure.name: figure.span for figure in figures_of(history)}
    return ServiceFigures(
        len(stopped),
        max((_named(one, snapshots, lifetimes) for one in stopped), key=lambda found: found.high),
        min((_listened(one, history.calls, lifetimes) for one in stopped), key=lambda found: found.low),
        measured.get(DANGER, _NONE),
        measured.get(GAP, _NONE),
    )


def _named(task: TaskLifetime, snapshots: Sequence[ViewSnapshot], others: Iterable[TaskLifetime]) -> Interval:
    assert task.leaving is not None
    naming = [
        snapshot
        for snapshot in snapshots
        if (task.address in snapshot.members or task.task in snapshot.members)
        and snapshot.end > task.leaving.low
        and not task.may_share_address(others, snapshot.span)
    ]
    last = max(naming, key=lambda snapshot: snapshot.end, default=None)
    return Interval(last.begin, last.end).since(task.leaving).positive() if last is not None else _NONE


def _listened(task: TaskLifetime, calls: Iterable[CallRecord], others: Iterable[TaskLifetime]) -> Interval:
    """Return how long a task answered: until calls of it failed for good, or else until its containers had ended.

    A call without an answer in time proves nothing: the caller may have been too slow.
    """
    assert task.leaving is not None
    assert task.ended is not None
    own = [
        call
        for call in calls
        if call.address == task.address
        and call.task in ("", task.task)
        and task.leaving.low < call.begin < task.ended.low
        and not task.may_share_address(others, call.span)
    ]
    answered = max((call.begin for call in own if call.outcome is Outcome.OK), default=task.leaving.low)
    failed = min((call.begin for call in own if call.outcome is Outcome.FAIL and call.begin > answered), default=None)
    if failed is None:
        return task.ended.since(task.leaving).positive()
    return Interval(answered, failed).since(task.leaving).positive()
