"""Tasks and their containers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.runtime.service_connect.sidecar import Sidecar
from surveyor_emulator.runtime.tasks.forwarding import Forwarder
from surveyor_emulator.runtime.tasks.supervisor import Process

from .clusters import Cluster, ContainerInstance
from .definitions import ContainerDefinition
from .documents import Document
from .faults import InjectedFaults
from .services import Deployment, Service, TaskTemplate

__all__ = ["Container", "Health", "ProxyContainer", "Task", "TaskStatus"]

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
TaskStatus = Literal[
    "PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"
]


@dataclass(slots=True, eq=False)
class Container:
    """A container of a task. ``failed_checks`` counts health checks that failed in a row."""

    definition: ContainerDefinition
    arn: str
    process: Process | None = None
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    health: Health = "UNKNOWN"
    is_stopping: bool = False
    health_since: float | None = None
    started: float | None = None
    failed_checks: int = 0
    # Whether the last check did not end within its timeout.
    check_hung: bool = False
    # Container port -> port on the host (bridge and host mode).
    host_ports: dict[int, int] = field(default_factory=dict)
    # Container port -> port on the host at which the proxy takes calls for it (bridge mode).
    proxy_ports: dict[int, int] = field(default_factory=dict)
    # Endpoint of fault injection -> when it last accepted a request of this container.
    fault_requests: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ProxyContainer:
    """The container that ECS adds for the Service Connect proxy of a task, and its attachment."""

    name: str
    arn: str
    attachment: str
    status: str = "PENDING"
    exit_code: int | None = None
    health: Health = "UNKNOWN"


@dataclass(slots=True, eq=False)
class Task:
    """A task. Moments are service seconds since the epoch."""

    id: str
    arn: str
    cluster: Cluster
    template: TaskTemplate
    containers: list[Container]
    group: str
    created: float
    started_by: str | None
    service: Service | None = None
    deployment: Deployment | None = None
    overrides: Document = field(default_factory=dict)
    status: TaskStatus = "PROVISIONING"
    desired_status: str = "RUNNING"
    address: str | None = None
    ipv6: str | None = None
    # Its subnet has no IPv4: the address is only where its process listens on this machine.
    ipv6_only: bool = False
    subnet: str | None = None
    zone: str = ""
    attachment: str = ""
    instance: ContainerInstance | None = None
    # The provider of its capacity provider strategy that it was launched with.
    capacity_provider: str | None = None
    # The id of the Cloud Map service that it is registered in, or is being registered in.
    registered_in: str | None = None
    # The health that Cloud Map has for it.
    reported_health: Health | None = None
    # Whether the service's events report that its checks have failed.
    unhealthy_reported: bool = False
    # Whether its failure was counted against its deployment.
    failure_counted: bool = False
    healthy_since: float | None = None
    # When its agent was connected; before that it has no connectivity.
    connected: float | None = None
    pull_started: float | None = None
    pull_stopped: float | None = None
    started: float | None = None
    stopping: float | None = None
    execution_stopped: float | None = None
    stopped: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    version: int = 1
    # Where its containers listen if a proxy takes the calls to the task; and that proxy.
    inner_address: str | None = None
    sidecar: Sidecar | None = None
    is_caller: bool = False  # the proxies of its service count it among those that call
    proxy: ProxyContainer | None = None
    # Name -> address of what it reaches by Service Connect.
    connect_names: dict[str, str] = field(default_factory=dict)
    # Cloud Map's ids of the Service Connect services that it is registered in.
    connect_services: list[str] = field(default_factory=list)
    forwarders: list[Forwarder] = field(default_factory=list)
    faults: InjectedFaults = field(default_factory=InjectedFaults)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def reachable_address(self) -> str | None:
        """Return the address that others call it by: the host's where ports are mapped."""
        if self.template.definition.network_mode == "bridge" and self.instance is not None:
            return self.instance.address
        return self.address

    @property
    def listen_address(self) -> str | None:
        """Return the address that its processes listen at."""
        return self.inner_address or self.address

    @property
    def memory(self) -> int:
        """Return how many bytes of memory its containers may hold together; 0 for no limit."""
        mebibytes = str(self.overrides.get("memory") or self.template.definition.document.get("memory") or "")
        return int(mebibytes) * 1024**2 if mebibytes.isdecimal() else 0

    @property
    def should_run(self) -> bool:
        """Return whether it has not been asked to stop."""
        return self.desired_status == "RUNNING"

    @property
    def health(self) -> Health:
        """Return its health by its essential containers.

        UNHEALTHY if any has failed, else UNKNOWN if any is not known, else HEALTHY (ecs HealthCheck).
        """
        healths = {
            container.health
            for container in self.containers
            if container.definition.essential and container.definition.health
        }
        if "UNHEALTHY" in healths:
            return "UNHEALTHY"
        return "UNKNOWN" if "UNKNOWN" in healths or not healths else "HEALTHY"

    @property
    def has_health_check(self) -> bool:
        """Return whether an essential container has a health check."""
        return any(container.definition.essential and container.definition.health for container in self.containers)
