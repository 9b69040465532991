"""Define the values that a history holds; `lines` describes the file.

All times are service seconds from the beginning of the history. An operation is an interval: it began with `invoke`,
and what it did or saw was true at some moment before it ended. `number` and `end_event` are the numbers of its two
events; a witness names events by these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from surveyor.errors import UsageError
from surveyor.observations import Interval

__all__ = [
    "CallRecord",
    "ChangeRecord",
    "Check",
    "DeploymentSnapshot",
    "DeploymentState",
    "FaultRecord",
    "Header",
    "History",
    "HistoryBroken",
    "InjectionRecord",
    "Operation",
    "Outcome",
    "PhaseRecord",
    "TaskSnapshot",
    "TaskState",
    "UndoRecord",
    "View",
    "ViewMember",
    "ViewSnapshot",
]


class HistoryBroken(UsageError):
    """Raised for a file that is not a complete history; the message names the line and the problem."""


class Outcome(StrEnum):
    """How an operation ended: `ok`: it happened; `fail`: it definitely did not; `info`: unknown (no answer in time)."""

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
    """One way to read the registry.

    `of`: whether its members are `instances` or `addresses`. `healthy`: it leaves out unhealthy members.
    `max_members`: how many members one answer can hold; in an answer with that many, a missing member proves nothing.
    0 means no limit.
    """

    of: str = "instances"
    healthy: bool = False
    max_members: int = 0


@dataclass(frozen=True)
class Header:
    """The first line of a history.

    `scale`: service seconds in a wall second. `machines`: the machines whose clocks stamped the events, and by how many
    service seconds each may be off. `service`: a description of the service under test, for people.
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
    """Something that `actor` did between `begin` and `end`; `end_event` is 0 if the end was never written."""

    number: int
    end_event: int
    actor: str
    begin: float
    end: float
    outcome: Outcome

    @property
    def span(self) -> Interval:
        """Return the interval from beginning to end."""
        return Interval(self.begin, self.end)


@dataclass(frozen=True)
class ViewMember:
    """One instance or address in an answer; `health` is "" if the view does not report it."""

    address: str = ""
    health: str = ""


@dataclass(frozen=True, kw_only=True)
class ViewSnapshot(Operation):
    """The members of a view in one answer.

    `ttl`: of the records, in seconds; `revision`: of DiscoverInstances; both are 0 if the view has none.
    """

    view: str
    members: Mapping[str, ViewMember] = field(default_factory=dict)
    revision: int = 0
    ttl: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class TaskState:
    """A task as DescribeTasks reports it.

    `revision`: of its task definition, as `web:7`; `created`: when it was created, in service seconds, negative before
    the beginning of the history. `scaled_in`: it was stopped by a deployment, a desired count or a user, not for its
    end or its health. Histories of earlier versions lack these.
    """

    status: str
    address: str = ""
    zone: str = ""
    health: str = ""
    revision: str = ""
    created: float | None = None
    scaled_in: bool = False


@dataclass(frozen=True, kw_only=True)
class TaskSnapshot(Operation):
    """All tasks of the service, by id, in one answer of ECS."""

    tasks: Mapping[str, TaskState] = field(default_factory=dict)


@dataclass(frozen=True)
class DeploymentState:
    """A service deployment as DescribeServiceDeployments reports it (ecs/ServiceDeployment).

    `stage`: its lifecycle stage; `hooks`: ids of the PAUSE hooks that wait for an answer. `target`, `source`: the
    service revisions (ids) that it deploys and replaces; `revision`, `from_revision`: their task definitions, as
    `web:7`. `created`, `finished`, `rolled_back`: when it was created, was over, and began to be rolled back, in
    service seconds, negative before the history's beginning; None if that has not happened.
    """

    status: str
    stage: str = ""
    reason: str = ""
    hooks: tuple[str, ...] = ()
    target: str = ""
    source: tuple[str, ...] = ()
    revision: str = ""
    from_revision: tuple[str, ...] = ()
    created: float = 0.0
    finished: float | None = None
    rolled_back: float | None = None


@dataclass(frozen=True, kw_only=True)
class DeploymentSnapshot(Operation):
    """The latest deployments of the service, by ARN, in one answer of ECS.

    `watched`: the ARN of the deployment that is watched, "" while it has not begun.
    """

    deployments: Mapping[str, DeploymentState] = field(default_factory=dict)
    watched: str = ""
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class CallRecord(Operation):
    """One attempt at one address.

    `snapshot`: the number of the view snapshot that named the address, 0 if there was none; `task`: the task that
    answered; `error`: why the attempt failed. `client`: the client model; `seconds`: wall seconds from the time at
    which the attempt was due until its end. Both are missing in experiments.
    """

    address: str
    snapshot: int = 0
    task: str = ""
    status: int = 0
    error: str = ""
    client: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ChangeRecord(Operation):
    """An API call that changed something; `call` is written like `ecs:UpdateService`."""

    call: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FaultRecord(Operation):
    """A fault that began within this span. `lasting`: it is active until it is undone; `description`: how or what."""

    fault: str
    victims: tuple[str, ...] = ()
    lasting: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class UndoRecord(Operation):
    """The end of a fault within this span; `of` is the number of the fault."""

    of: int


@dataclass(frozen=True, kw_only=True)
class InjectionRecord(Operation):
    """One request whose answer a fault changed; `call` is written like `servicediscovery:DiscoverInstances`."""

    fault: str
    call: str


@dataclass(frozen=True, kw_only=True)
class PhaseRecord(Operation):
    """A named part of a load scenario or of a watched deployment; figures are given for each phase."""

    name: str


@dataclass(frozen=True)
class History:
    """A complete history; `end` is the time of its last event, `stopped` why Surveyor itself ended it early."""

    header: Header
    view_snapshots: tuple[ViewSnapshot, ...]
    task_snapshots: tuple[TaskSnapshot, ...]
    calls: tuple[CallRecord, ...]
    changes: tuple[ChangeRecord, ...]
    faults: tuple[FaultRecord, ...]
    undos: tuple[UndoRecord, ...]
    end: float
    stopped: str = ""
    phases: tuple[PhaseRecord, ...] = ()
    deployment_snapshots: tuple[DeploymentSnapshot, ...] = ()
    injections: tuple[InjectionRecord, ...] = ()

    def fault_span(self, fault: FaultRecord) -> Interval:
        """Return the interval from when a fault may have begun until it had definitely ended."""
        if not fault.lasting:
            return fault.span
        ends = [undo.end for undo in self.undos if undo.of == fault.number and undo.outcome is Outcome.OK]
        return Interval(fault.begin, max(min(ends, default=self.end), fault.begin))
