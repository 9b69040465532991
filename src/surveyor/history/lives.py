"""The lives of tasks as ECS told them, each change an interval between the two looks that saw it.

An address may be another task's later on: a life has the task's id, and an address only for as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from surveyor.history.observations import Interval
from surveyor.history.values import History, Outcome, TaskSnapshot

__all__ = ["KILLING", "Life", "lives_of"]

KILLING = "task.kill"
"""The fault after which nobody listens, whatever ECS has heard of it."""

_GOING = frozenset({"DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED"})
_GONE = frozenset({"DEPROVISIONING", "STOPPED", "DELETED"})


@dataclass(frozen=True)
class Life:
    """One task. None where it was not seen to happen.

    `seen`: when it came to be known; `running`: when it ran; `leaving`: when ECS began to stop it or noticed its end;
    `ended`: when its containers were over. Of the last three `by_…` is the number of the event that shows it.
    """

    task: str
    address: str
    zone: str
    seen: Interval
    running: Interval | None = None
    leaving: Interval | None = None
    ended: Interval | None = None
    by_running: int = 0
    by_leaving: int = 0
    by_ended: int = 0

    def is_there(self, during: Interval) -> bool:
        """Whether it ran for all of that time, surely."""
        if self.running is None or self.running.high > during.low:
            return False
        over = [one.low for one in (self.leaving, self.ended) if one is not None]
        return not over or min(over) >= during.high

    def may_be_there(self, during: Interval) -> bool:
        """Whether it may have been known at any moment of that time."""
        return self.seen.low <= during.high and (self.ended is None or self.ended.high >= during.low)

    def may_be_anothers(self, lives: Iterable[Life], during: Interval) -> bool:
        """Whether its address may have been another's of these lives then: addresses are used again."""
        return any(one is not self and one.address == self.address and one.may_be_there(during) for one in lives)


def lives_of(history: History) -> tuple[Life, ...]:
    """All tasks that DescribeTasks told of, in the order in which they came to be known."""
    rolls = [roll for roll in history.rolls if roll.outcome is Outcome.OK]
    found: dict[str, Life] = {}
    before: TaskSnapshot | None = None
    for roll in rolls:
        for task, seen in roll.tasks.items():
            since = Interval(before.begin if before else 0.0, roll.end)
            life = found.get(task) or Life(task, seen.address, seen.zone, since)
            life = replace(life, address=life.address or seen.address, zone=life.zone or seen.zone)
            if seen.status == "RUNNING" and life.running is None:
                life = replace(life, running=since, by_running=roll.ended)
            if seen.status in _GOING and life.leaving is None:
                life = replace(life, leaving=since, by_leaving=roll.ended)
            if seen.status in _GONE and life.ended is None:
                life = replace(life, ended=since, by_ended=roll.ended)
            found[task] = life
        for task in found.keys() - roll.tasks.keys():
            found[task] = _vanished(found[task], Interval(before.begin if before else 0.0, roll.end), roll.ended)
        before = roll
    return tuple(_killed(found.values(), history))


def _vanished(life: Life, since: Interval, by: int) -> Life:
    if life.ended is not None:
        return life
    if life.leaving is None:
        life = replace(life, leaving=since, by_leaving=by)
    return replace(life, ended=since, by_ended=by)


def _killed(lives: Iterable[Life], history: History) -> Sequence[Life]:
    """A killed task ended when it was killed, sooner than ECS could tell."""
    when = {
        victim: (fault.span, fault.ended)
        for fault in history.faults
        if fault.fault == KILLING and fault.outcome is Outcome.OK
        for victim in fault.victims
    }
    return [
        replace(life, ended=when[life.task][0], by_ended=when[life.task][1]) if life.task in when else life
        for life in lives
    ]
