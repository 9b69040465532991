"""The steps of a history, as values: what is called or asked, and with what. Names in them are the history's own.

A namespace is called `n1`, a service of it `n1/a`; whoever runs a history gives them real names and keeps the ids.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Advance",
    "Ask",
    "CreateNamespace",
    "CreateService",
    "DeleteNamespace",
    "DeleteService",
    "Deregister",
    "Discover",
    "Filter",
    "Get",
    "HealthOf",
    "History",
    "Kind",
    "List",
    "Look",
    "Pairs",
    "Records",
    "Register",
    "RegisterMany",
    "Report",
    "Routing",
    "Status",
    "Step",
    "told",
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
class Register:
    """Register an instance, new or again, and wait for the operation."""

    service: str
    instance: str
    attributes: Pairs


@dataclass(frozen=True)
class RegisterMany:
    """Register seven further instances side by side and wait for all: with one more a DNS answer is full."""

    service: str


@dataclass(frozen=True)
class Deregister:
    """Deregister an instance, and wait if there is an operation to wait for."""

    service: str
    instance: str


@dataclass(frozen=True)
class Report:
    """UpdateInstanceCustomHealthStatus."""

    service: str
    instance: str
    status: Status


@dataclass(frozen=True)
class DeleteService:
    """DeleteService."""

    service: str


@dataclass(frozen=True)
class DeleteNamespace:
    """DeleteNamespace, and wait if there is an operation to wait for."""

    namespace: str


@dataclass(frozen=True)
class Advance:
    """Let service seconds pass."""

    seconds: float


@dataclass(frozen=True)
class List:
    """ListInstances. `settle` here and below: wait until what must be seen by a bound is seen."""

    service: str
    settle: bool = False


@dataclass(frozen=True)
class Get:
    """GetInstance."""

    service: str
    instance: str
    settle: bool = False


@dataclass(frozen=True)
class HealthOf:
    """GetInstancesHealthStatus of all instances."""

    service: str
    settle: bool = False


@dataclass(frozen=True)
class Discover:
    """DiscoverInstances; `query` and `optional` are one attribute's name and value each."""

    service: str
    health: Filter | None = None
    query: Pairs = ()
    optional: Pairs = ()
    settle: bool = False


@dataclass(frozen=True)
class Ask:
    """Ask DNS for the service's records."""

    service: str
    settle: bool = False


Look = List | Get | HealthOf | Discover | Ask
Step = (
    CreateNamespace | CreateService | Register | RegisterMany | Deregister | Report | DeleteService | DeleteNamespace
    | Advance | Look
)  # fmt: skip
History = tuple[Step, ...]


def told(step: Step) -> str:
    """The step on one line, what is as usual left out: `Register n1/a i-1 colour=red`."""
    words = [type(step).__name__]
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if value == field.default and field.default is not dataclasses.MISSING:
            continue
        if isinstance(value, tuple):
            shown = " ".join(f"{key}={text}" for key, text in value)
        else:
            shown = field.name if value is True else str(value)
        words.append(shown if field.name not in ("query", "optional") else f"{field.name} {shown}")
    return " ".join(words)
