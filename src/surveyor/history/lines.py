"""The lines of a history file: JSON objects with the member `type`.

A header, events in the order of their times, a footer. Times are service seconds from the beginning. An operation
begins with `invoke` and ends with `ok` (it happened), `fail` (it definitely did not) or `info` (unknown: no answer in
time); what it saw was true at some moment between the two.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from surveyor.history.values import Check, DeploymentState, Header, Outcome, TaskState, View, ViewMember

__all__ = ["KIND", "READABLE_VERSIONS", "VERSION", "Ended", "Footer", "HeaderLine", "Invoked", "Line", "Unclear"]

KIND = "surveyor/history"
VERSION = 4
READABLE_VERSIONS = (1, 2, 3, 4)
"""Version 1 has another name for what is `parameters` (changes) or `description` since then. Version 3 adds
deployments, task definitions and creation times of tasks, and of calls the client model and the latency. Version 4 adds
injections."""

Count = Annotated[int, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class ViewLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A view; `most`: how many members one answer can hold, 0 for no limit."""

    of: Literal["instances", "addresses"]
    healthy: bool
    most: Count


class HeaderLine(Struct, frozen=True, tag_field="type", tag="header", forbid_unknown_fields=True):
    """The first line. `checks`: each with its name as `check`, and its limits."""

    kind: str
    version: int
    experiment: str
    title: str
    target: str
    seed: int
    scale: Annotated[float, Meta(gt=0)]
    started: str
    service: dict[str, str]
    machines: dict[str, Seconds]
    views: dict[str, ViewLine]
    checks: tuple[dict[str, float | str], ...]

    @classmethod
    def of(cls, header: Header) -> HeaderLine:
        """Return the line of a header."""
        return cls(
            kind=KIND,
            version=VERSION,
            experiment=header.experiment,
            title=header.title,
            target=header.target,
            seed=header.seed,
            scale=header.scale,
            started=header.started,
            service=dict(header.service),
            machines=dict(header.machines),
            views={
                name: ViewLine("addresses" if view.of == "addresses" else "instances", view.healthy, view.max_members)
                for name, view in header.views.items()
            },
            checks=tuple({"check": check.name, **check.limits} for check in header.checks),
        )

    def header(self) -> Header:
        """Return the header in the line. Raise ValueError for a check without a name."""
        checks = []
        for check in self.checks:
            name = check.get("check")
            if not isinstance(name, str):
                raise ValueError("a check has no name")
            checks.append(Check(name, {limit: value for limit, value in check.items() if limit != "check"}))
        return Header(
            *(self.experiment, self.title, self.target, self.seed, self.scale, self.started, self.service),
            machines=self.machines,
            views={name: View(view.of, view.healthy, view.most) for name, view in self.views.items()},
            checks=tuple(checks),
        )


class Event(Struct, frozen=True, kw_only=True, tag_field="type", rename={"number": "n"}):
    """One event. `number`: 1, 2, 3 …; `machine`: whose clock stamped it, None if there is only one."""

    number: Number
    at: Seconds
    machine: str | None = None


_MEMBERS = {"number": "n", "actor": "who", "version_1_parameters": "told"}


class Invoked(Event, frozen=True, kw_only=True, tag="invoke", rename=_MEMBERS):
    """The beginning of an operation by an observer, `client`, `conductor` or `faults`.

    `view`: of a look (one reading of a view), its name in the header. `address`: of a call; "" if none was known. `by`:
    of a call, the number of the look that named the address; `client`: of a call, its client model. `call`,
    `parameters`: of a change, the API call, such as ecs:UpdateService; version 1 has them in another member. `fault`:
    of a fault, its name; of an undo, the number of the fault's first event. `victims`, `lasting`, `description`: of a
    fault; `lasting`: it stays active until it is undone. `name`: of a phase. An injection is one request that a fault
    changed the answer of: `call`, and the name of the `fault`.
    """

    actor: str
    what: Literal["look", "tasks", "deployments", "call", "change", "fault", "undo", "phase", "injection"]
    view: str = ""
    address: str = ""
    by: int = 0
    client: str = ""
    call: str = ""
    parameters: dict[str, str] = {}
    version_1_parameters: dict[str, str] = {}
    fault: str | int = ""
    victims: tuple[str, ...] = ()
    lasting: bool = False
    description: str = ""
    name: str = ""


class Ended(Event, frozen=True, kw_only=True, tag="ok"):
    """The end of the operation that began with event `of`: it happened.

    `members`, `revision`, `ttl`: of a look, the members of the view by id or address. `tasks`: of `tasks`, all tasks of
    the service by id. `deployments`: of `deployments`, by ARN; `watched`: the ARN of the one that is watched.
    `status`, `task`, `seconds`: of a call, the HTTP status, the task that answered, the wall seconds since it was due.
    """

    of: Number
    members: dict[str, ViewMember] = field(default_factory=dict)
    revision: int = 0
    ttl: float = 0.0
    tasks: dict[str, TaskState] = field(default_factory=dict)
    deployments: dict[str, DeploymentState] = field(default_factory=dict)
    watched: str = ""
    status: int = 0
    task: str = ""
    seconds: float = 0.0
    error: str = ""

    @property
    def outcome(self) -> Outcome:
        """Return how the operation ended."""
        return Outcome(str(self.__struct_config__.tag))


class Failed(Ended, frozen=True, kw_only=True, tag="fail"):
    """The end of an operation that definitely did not happen."""


class Unclear(Ended, frozen=True, kw_only=True, tag="info"):
    """The end of an operation whose outcome is unknown."""


class Footer(Struct, frozen=True, tag_field="type", tag="footer", forbid_unknown_fields=True):
    """The last line. `events`: how many there are; `stopped`: why the experiment ended early, "" if it did not."""

    events: Count
    at: Seconds
    stopped: str


Line = HeaderLine | Invoked | Ended | Failed | Unclear | Footer
