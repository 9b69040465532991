"""The state of an account at the time of an audit, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PORT", "Container", "Instance", "Record", "Registry", "Service", "Snapshot", "Task", "Zone"]

PORT = "AWS_INSTANCE_PORT"
"""The attribute of an instance from which clients read its port."""


@dataclass(frozen=True)
class Container:
    """A container of a task definition; `stop_timeout` in seconds, `checked`: it has a health check."""

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
    """A Cloud Map service. `records`: type -> TTL in seconds; `instances` are those that both listings contain."""

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
    description: str = ""

    @property
    def host(self) -> str:
        """The DNS name of the service."""
        return f"{self.name}.{self.namespace}"


@dataclass(frozen=True)
class Service:
    """An ECS service. `registry` is the ARN in its definition; `containers` is None if they cannot be described.

    `tasks` are those that have not stopped in either listing; a task that was started or registered between them is
    PENDING. `subnets` are those of its tasks in awsvpc mode.
    """

    name: str
    cluster: str
    desired: int
    registry: str | None
    containers: tuple[Container, ...] | None
    tasks: tuple[Task, ...]
    subnets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Record:
    """A record set: the values of a name, with the set identifier."""

    name: str
    type: str
    identifier: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Zone:
    """A namespace's hosted zone. `negative`: seconds for which resolvers may cache that a name does not exist."""

    id: str
    namespace_id: str
    namespace: str
    negative: int
    records: tuple[Record, ...]


@dataclass(frozen=True)
class Snapshot:
    """Everything that was read. `linked_role`: whether the service-linked role exists, None if unknown."""

    services: tuple[Service, ...]
    registries: Mapping[str, Registry]
    zones: tuple[Zone, ...]
    namespaces: int | None
    linked_role: bool | None = None

    def registry_of(self, service: Service) -> Registry | None:
        """Return the registry of a service, if it was found."""
        return self.registries.get(service.registry) if service.registry is not None else None
