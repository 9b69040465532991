"""Task definitions and their containers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surveyor_emulator.runtime.service_connect.values import Protocol

from .documents import Document

__all__ = ["ContainerDefinition", "ContainerHealthCheck", "Port", "TaskDefinition"]


@dataclass(frozen=True, slots=True)
class ContainerHealthCheck:
    """The health check of a container; times in seconds."""

    command: tuple[str, ...]
    interval: int
    timeout: int
    retries: int
    start_period: int


@dataclass(frozen=True, slots=True)
class Port:
    """One port mapping; ``host`` 0 means that a free port of the host is picked (bridge mode)."""

    container: int
    host: int
    protocol: str
    name: str | None
    app_protocol: Protocol


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """What is needed to run a container; ``document`` is all that was registered, with defaults filled in."""

    name: str
    image: str
    essential: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[Port, ...]
    stop_timeout: int
    memory: int
    health: ContainerHealthCheck | None
    document: Document = field(compare=False)

    @property
    def depends_on(self) -> frozenset[str]:
        """Return the names of the containers that it depends on."""
        return frozenset(entry["containerName"] for entry in self.document.get("dependsOn") or ())


@dataclass(slots=True)
class TaskDefinition:
    """One revision of a family."""

    arn: str
    family: str
    revision: int
    network_mode: str
    containers: tuple[ContainerDefinition, ...]
    document: Document
    registered: float
    registered_by: str
    status: str = "ACTIVE"
    deregistered: float | None = None
    delete_requested: float | None = None

    def container(self, name: str) -> ContainerDefinition | None:
        """Return the container of that name, or None."""
        return next((container for container in self.containers if container.name == name), None)
