"""What a history holds, as values. The file's form is told by history.schema.json beside this.

All times are service seconds from the history's beginning. An operation is an interval: it began with `invoke`, and
what it did or saw was so at some moment until it ended. `number` and `ended` are the numbers of its two events, by
which a witness names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surveyor.errors import UsageError
from surveyor.history.observations import Interval

__all__ = [
    "KIND",
    "VERSION",
    "Call",
    "Change",
    "Check",
    "Fault",
    "Header",
    "History",
    "HistoryBroken",
    "Look",
    "Member",
    "Operation",
    "Outcome",
    "Phase",
    "TaskSeen",
    "TaskSnapshot",
    "Undo",
    "View",
]

KIND = "surveyor/history"
VERSION = 1


class HistoryBroken(UsageError):
    """A file that is no whole history; the text names the line and what is wrong with it."""


class Outcome(StrEnum):
    """How an operation ended: it did, it surely did not, or nobody knows (no answer in time)."""

    OK = "ok"
    FAIL = "fail"
    INFO = "info"


@dataclass(frozen=True)
class Check:
    """One checker with its limits, as the header states it before anything happens."""

    name: str
    limits: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """One way of looking at the registry.

    `of`: what its members are called by, `instances` or `addresses`. `healthy`: it leaves out who is not healthy.
    `most`: it gives so many at most, so that with as many the absence of one says nothing; 0 where there is no limit.
    """

    of: str = "instances"
    healthy: bool = False
    most: int = 0


@dataclass(frozen=True)
class Header:
    """What stands before the first event.

    `scale`: service seconds in a wall second. `machines`: whose clocks stamped the events, and by how many service
    seconds each may be off. `service`: what was under test, in words, for people.
    """

    experiment: str
    title: str
    target: str
    seed: int
    scale: float
    started: str
    service: Mapping[str, str]
    machines: Mapping[str, float]
    views: Mapping[str, View]
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """Something that `who` did between `begin` and `end`; `ended` is 0 where the end was never written."""

    number: int
    ended: int
    who: str
    begin: float
    end: float
    outcome: Outcome

    @property
    def span(self) -> Interval:
        """From its beginning to its end."""
        return Interval(self.begin, self.end)


@dataclass(frozen=True)
class Member:
    """One instance or address of a look; health as the view tells it, "" where it does not."""

    address: str = ""
    health: str = ""


@dataclass(frozen=True, kw_only=True)
class Look(Operation):
    """An observer looked at a view. `ttl`: of the records; `revision`: DiscoverInstances's; 0 where there is none."""

    view: str
    members: Mapping[str, Member] = field(default_factory=dict)
    revision: int = 0
    ttl: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class TaskSeen:
    """A task as DescribeTasks tells it."""

    status: str
    address: str = ""
    zone: str = ""
    health: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskSnapshot(Operation):
    """All tasks of the service, by their ids."""

    tasks: Mapping[str, TaskSeen] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Call(Operation):
    """One attempt at one address. `by`: the number of the look that named it, 0 where there was none.

    `task`: who answered; `error`: why not.
    """

    address: str
    by: int = 0
    task: str = ""
    status: int = 0
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Change(Operation):
    """A call that changed something: `call` as `ecs:UpdateService`, `told` what it was given, for people."""

    call: str
    told: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Fault(Operation):
    """A fault began within this span. `lasting`: it goes on until it is undone."""

    fault: str
    victims: tuple[str, ...] = ()
    lasting: bool = False


@dataclass(frozen=True, kw_only=True)
class Undo(Operation):
    """The fault whose number is `of` ended within this span."""

    of: int


@dataclass(frozen=True, kw_only=True)
class Phase(Operation):
    """A part of a scenario, by which its figures are told."""

    name: str


@dataclass(frozen=True)
class History:
    """A whole history; `end` is when its last event was, `stopped` why it was cut short by Surveyor itself."""

    header: Header
    looks: tuple[Look, ...]
    rolls: tuple[TaskSnapshot, ...]
    calls: tuple[Call, ...]
    changes: tuple[Change, ...]
    faults: tuple[Fault, ...]
    undos: tuple[Undo, ...]
    end: float
    stopped: str = ""
    phases: tuple[Phase, ...] = ()

    def fault_span(self, fault: Fault) -> Interval:
        """From when a fault may have begun until it had surely ended."""
        if not fault.lasting:
            return fault.span
        over = [undo.end for undo in self.undos if undo.of == fault.number and undo.outcome is Outcome.OK]
        return Interval(fault.begin, max(min(over, default=self.end), fault.begin))
