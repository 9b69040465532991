"""Derive the lifetime of each task from ECS's answers; each change is an interval between two snapshots.

An address may belong to another task later on, so a lifetime is identified by the task's id, and has its address only
while it lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from surveyor.history.values import History, Outcome, TaskSnapshot
from surveyor.observations import Interval

__all__ = ["KILLING", "TaskLifetime", "task_lifetimes"]

KILLING = "task.kill"
"""The fault after which nothing listens at a task's address, whether or not ECS has noticed it."""

_LEAVING_STATES = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"})
_ENDED_STATES = frozenset({"DEPROVISIONING", "STOPPED", "DELETED"})


@dataclass(frozen=True)
class TaskLifetime:
    """The lifetime of one task, in service seconds; a field is None if that change was not observed.

    `revision`: of its task definition; `created`: when ECS created it; `scaled_in`: it was stopped
    as a TaskState says. `first_seen`: when the task became known;
    `running`: when it reached RUNNING; `leaving`: when ECS began to stop it or noticed its end; `ended`: when its
    containers had ended. For the last three, the field with the suffix `_event` is the number of the event that shows
    it.
    """

    task: str
    address: str
    zone: str
    first_seen: Interval
    running: Interval | None = None
    leaving: Interval | None = None
    ended: Interval | None = None
    revision: str = ""
    created: float | None = None
    scaled_in: bool = False
    running_event: int = 0
    leaving_event: int = 0
    ended_event: int = 0

    def was_running(self, during: Interval) -> bool:
        """Return whether the task certainly ran during the whole interval."""
        if self.running is None or self.running.high > during.low:
            return False
        stops = [interval.low for interval in (self.leaving, self.ended) if interval is not None]
        return not stops or min(stops) >= during.high

    def may_have_existed(self, during: Interval) -> bool:
        """Return whether the task may have been known at any moment of the interval."""
        return self.first_seen.low <= during.high and (self.ended is None or self.ended.high >= during.low)

    def may_share_address(self, lifetimes: Iterable[TaskLifetime], during: Interval) -> bool:
        """Return whether another task may have had the same address in the interval: addresses are reused."""
        return any(
            other is not self and other.address == self.address and other.may_have_existed(during)
            for other in lifetimes
        )


def task_lifetimes(history: History) -> tuple[TaskLifetime, ...]:
    """Return the lifetimes of all tasks that DescribeTasks listed, in the order in which they became known."""
    snapshots = [snapshot for snapshot in history.task_snapshots if snapshot.outcome is Outcome.OK]
    found: dict[str, TaskLifetime] = {}
    before: TaskSnapshot | None = None
    for snapshot in snapshots:
        since = Interval(before.begin if before else 0.0, snapshot.end)
        for task, state in snapshot.tasks.items():
            lifetime = found.get(task) or TaskLifetime(
                task, state.address, state.zone, since, revision=state.revision, created=state.created
            )
            if not (lifetime.address and lifetime.zone):
                address, zone = lifetime.address or state.address, lifetime.zone or state.zone
                lifetime = replace(lifetime, address=address, zone=zone)
            if state.scaled_in and not lifetime.scaled_in:
                lifetime = replace(lifetime, scaled_in=True)
            if state.status == "RUNNING" and lifetime.running is None:
                lifetime = replace(lifetime, running=since, running_event=snapshot.end_event)
            if state.status in _LEAVING_STATES and lifetime.leaving is None:
                lifetime = replace(lifetime, leaving=since, leaving_event=snapshot.end_event)
            if state.status in _ENDED_STATES and lifetime.ended is None:
                lifetime = replace(lifetime, ended=since, ended_event=snapshot.end_event)
            found[task] = lifetime
        for task in found.keys() - snapshot.tasks.keys():
            found[task] = _end_unlisted(found[task], since, snapshot.end_event)
        before = snapshot
    return tuple(_apply_kills(found.values(), history))


def _end_unlisted(lifetime: TaskLifetime, since: Interval, event: int) -> TaskLifetime:
    """Return the lifetime of a task that is no longer listed."""
    if lifetime.ended is not None:
        return lifetime
    if lifetime.leaving is None:
        lifetime = replace(lifetime, leaving=since, leaving_event=event)
    return replace(lifetime, ended=since, ended_event=event)


def _apply_kills(lifetimes: Iterable[TaskLifetime], history: History) -> Sequence[TaskLifetime]:
    """End killed tasks at the time of the kill, which is earlier than ECS can report it."""
    kills = {
        victim: (fault.span, fault.end_event)
        for fault in history.faults
        if fault.fault == KILLING and fault.outcome is Outcome.OK
        for victim in fault.victims
    }
    return [
        replace(lifetime, ended=kills[lifetime.task][0], ended_event=kills[lifetime.task][1])
        if lifetime.task in kills
        else lifetime
        for lifetime in lifetimes
    ]
