"""The steps of a history, as values: what is called or queried, with which parameters. Names are the history's own.

A namespace is called `n1`, a service in it `n1/a`; the driver that runs a history gives them real names and keeps the
ids.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Advance",
    "CreateNamespace",
    "CreateService",
    "DeleteNamespace",
    "DeleteService",
    "DeregisterInstance",
    "DiscoverInstances",
    "Filter",
    "GetHealth",
    "GetInstance",
    "History",
    "Kind",
    "ListInstances",
    "Pairs",
    "QueryRecords",
    "ReadStep",
    "Records",
    "RegisterInstance",
    "RegisterMany",
    "ReportHealth",
    "Routing",
    "Status",
    "Step",
    "describe_step",
]

Kind = Literal["http", "private", "public"]
Records = Literal["none", "A", "SRV"]
Routing = Literal["MULTIVALUE", "WEIGHTED"]
Status = Literal["HEALTHY", "UNHEALTHY"]
Filter = Literal["HEALTHY", "UNHEALTHY", "ALL", "HEALTHY_OR_ELSE_ALL"]
Pairs = tuple[tuple[str, str], ...]
"""Attributes as sorted pairs, which can be compared and hashed."""


@dataclass(frozen=True)
class CreateNamespace:
    """Create a namespace of a kind and wait for the operation."""

    namespace: str
    kind: Kind = "http"


@dataclass(frozen=True)
class CreateService:
    """Create a service; `custom`: with a custom health check."""

    service: str
    records: Records = "none"
    routing: Routing = "MULTIVALUE"
    custom: bool = False


@dataclass(frozen=True)
class RegisterInstance:
    """Register an instance, new or again, and wait for the operation."""

    service: str
    instance: str
    attributes: Pairs


@dataclass(frozen=True)
class RegisterMany:
    """Register seven further instances side by side and wait for all: with one more a DNS answer is full."""

    service: str


@dataclass(frozen=True)
class DeregisterInstance:
    """Deregister an instance and wait for the operation, if there is one."""

    service: str
    instance: str


@dataclass(frozen=True)
class ReportHealth:
    """Call UpdateInstanceCustomHealthStatus."""

    service: str
    instance: str
    status: Status


@dataclass(frozen=True)
class DeleteService:
    """Call DeleteService."""

    service: str


@dataclass(frozen=True)
class DeleteNamespace:
    """Call DeleteNamespace and wait for the operation, if there is one."""

    namespace: str


@dataclass(frozen=True)
class Advance:
    """Let service seconds pass."""

    seconds: float


@dataclass(frozen=True)
class ListInstances:
    """Call ListInstances. `settle`, here and below: repeat until the answer has the final values."""

    service: str
    settle: bool = False


@dataclass(frozen=True)
class GetInstance:
    """Call GetInstance."""

    service: str
    instance: str
    settle: bool = False


@dataclass(frozen=True)
class GetHealth:
    """Call GetInstancesHealthStatus for all instances."""

    service: str
    settle: bool = False


@dataclass(frozen=True)
class DiscoverInstances:
    """Call DiscoverInstances; `query` and `optional` are the name and value of one attribute each."""

    service: str
    health: Filter | None = None
    query: Pairs = ()
    optional: Pairs = ()
    settle: bool = False


@dataclass(frozen=True)
class QueryRecords:
    """Query DNS for the service's records."""

    service: str
    settle: bool = False


ReadStep = ListInstances | GetInstance | GetHealth | DiscoverInstances | QueryRecords
Step = (
    CreateNamespace | CreateService | RegisterInstance | RegisterMany | DeregisterInstance | ReportHealth
    | DeleteService | DeleteNamespace | Advance | ReadStep
)  # fmt: skip
History = tuple[Step, ...]


def describe_step(step: Step) -> str:
    """Return the step on one line, without default values: `RegisterInstance n1/a i-1 colour=red`."""
    words = [type(step).__name__]
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if value == field.default and field.default is not dataclasses.MISSING:
            continue
        if isinstance(value, tuple):
            text = " ".join(f"{key}={item}" for key, item in value)
        else:
            text = field.name if value is True else str(value)
        words.append(text if field.name not in ("query", "optional") else f"{field.name} {text}")
    return " ".join(words)
