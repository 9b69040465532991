"""What was there when it was looked at, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Container", "Instance", "Record", "Registry", "Service", "Snapshot", "Task", "Zone"]


@dataclass(frozen=True)
class Container:
    """A container of a task definition; `stop_timeout` in seconds."""

    name: str
    essential: bool
    stop_timeout: int
    checked: bool


@dataclass(frozen=True)
class Task:
    """A task that has not stopped."""

    id: str
    status: str


@dataclass(frozen=True)
class Instance:
    """An instance in Cloud Map."""

    id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Registry:
    """A Cloud Map service. `records`: type -> TTL in seconds; `instances` were there in two looks."""

    id: str
    arn: str
    name: str
    namespace_id: str
    namespace: str
    kind: str
    policy: str
    records: Mapping[str, int]
    custom_health: bool
    probed: bool
    instances: tuple[Instance, ...]

    @property
    def host(self) -> str:
        """The name that clients ask for."""
        return f"{self.name}.{self.namespace}"


@dataclass(frozen=True)
class Service:
    """An ECS service. `registry` is the ARN that it names; `definition` None if that cannot be described any more.

    `tasks` are those that have not stopped in two looks; one that came or was registered between them is PENDING.
    """

    name: str
    cluster: str
    desired: int
    registry: str | None
    containers: tuple[Container, ...] | None
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Record:
    """A record set: what a name has, under its set identifier."""

    name: str
    type: str
    identifier: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Zone:
    """A namespace's hosted zone. `negative`: for how many seconds resolvers may keep that there is nothing."""

    id: str
    namespace_id: str
    namespace: str
    negative: int
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Snapshot:
    """All of it. `refused`: operation -> why the audit was not let; `linked_role` None where that could not be seen."""

    services: tuple[Service, ...]
    registries: Mapping[str, Registry]
    zones: tuple[Zone, ...]
    namespaces: int | None
    refused: Mapping[str, str]
    linked_role: bool | None = None

    def registry_of(self, service: Service) -> Registry | None:
        """The registry that a service names, if it was found."""
        return self.registries.get(service.registry) if service.registry is not None else None
