"""What ECS knows in one account and region: plain data, changed only by the modules beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from surveyor_emulator.core.clock import Timer
from surveyor_emulator.runtime.service_connect.values import Endpoint, Protocol

if TYPE_CHECKING:
    from surveyor_emulator.aws.ecs.connect.state import Connect
    from surveyor_emulator.aws.ecs.services.load_balancers import Balancer
    from surveyor_emulator.runtime.service_connect.sidecar import Sidecar
    from surveyor_emulator.runtime.tasks.forwarding import Forwarder
    from surveyor_emulator.runtime.tasks.supervisor import Process

__all__ = [
    "BlueGreen",
    "Cluster",
    "Container",
    "ContainerInstance",
    "Deployment",
    "EcsState",
    "Health",
    "LifecycleStage",
    "Network",
    "Registry",
    "Service",
    "Task",
    "TaskDefinition",
    "TaskSet",
    "TaskStatus",
]

Health = Literal["HEALTHY", "UNHEALTHY", "UNKNOWN"]
TaskStatus = Literal[
    "PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"
]
Document = dict[str, Any]
"""A part of a request that is kept as it came and told as it is: JSON of the ECS model's making."""


@dataclass(slots=True)
class Cluster:
    """A cluster. ``status`` is ACTIVE, or INACTIVE once deleted."""

    name: str
    arn: str
    settings: list[Document]
    capacity_providers: list[str]
    strategy: list[Document]
    connect_namespace: str | None = None
    # Id and status of what a default namespace's making is told by.
    attachment: tuple[str, str] | None = None
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A container's own check; times in seconds (ecs HealthCheck: 30, 5, 3 and off by default)."""

    command: tuple[str, ...]
    interval: int = 30
    timeout: int = 5
    retries: int = 3
    start_period: int | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """One mapping; ``host`` 0 picks one (bridge)."""

    container: int
    host: int
    protocol: str
    name: str | None
    app_protocol: Protocol = "tcp"


@dataclass(frozen=True, slots=True)
class ContainerDefinition:
    """What running a container needs to know; ``told`` is all that was registered, defaults filled in."""

    name: str
    image: str
    essential: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[Port, ...]
    stop_timeout: int
    memory: int
    health: HealthCheck | None
    told: Document = field(compare=False)


@dataclass(slots=True)
class TaskDefinition:
    """One revision of a family."""

    arn: str
    family: str
    revision: int
    network_mode: str
    containers: tuple[ContainerDefinition, ...]
    told: Document
    registered: float
    registered_by: str
    status: str = "ACTIVE"
    deregistered: float | None = None

    def container(self, name: str) -> ContainerDefinition | None:
        """The container of that name."""
        return next((one for one in self.containers if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Registry:
    """The Cloud Map service that tasks register in."""

    arn: str
    port: int | None
    container: str | None
    container_port: int | None

    @property
    def service_id(self) -> str:
        """Cloud Map's id of it."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Network:
    """awsvpcConfiguration."""

    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    public: bool

    def told(self) -> Document:
        """As the API tells it."""
        assigned = "ENABLED" if self.public else "DISABLED"
        return {
            "awsvpcConfiguration": {
                "subnets": list(self.subnets),
                "securityGroups": list(self.groups),
                "assignPublicIp": assigned,
            }
        }


@dataclass(frozen=True, slots=True)
class Template:
    """Everything that tasks of one deployment (or one RunTask) have in common."""

    definition: TaskDefinition
    launch_type: str
    platform: str | None
    network: Network | None
    registry: Registry | None
    strategy: tuple[Mapping[str, object], ...] = ()
    connect: Connect | None = None
    balancers: tuple[Balancer, ...] = ()


LifecycleStage = Literal[
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
"""ecs ServiceDeployment.lifecycleStage."""


@dataclass(frozen=True, slots=True)
class BlueGreen:
    """The strategy BLUE_GREEN: how long both run after the shift (seconds), and the stages to pause at."""

    bake: float
    pauses: frozenset[str]
    told: Document = field(compare=False)


@dataclass(slots=True)
class Deployment:
    """One deployment of a service; ``status`` is PRIMARY, ACTIVE or INACTIVE."""

    id: str
    template: Template
    created: float
    updated: float
    status: str = "PRIMARY"
    rollout: str = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0
    # Whether a task of it has counted as healthy, after which failures are no longer counted.
    proven: bool = False
    # Launches that failed in a row, and until when the next waits (service seconds).
    setbacks: int = 0
    resume: float = 0.0
    external: str | None = None
    # What its tasks reach by Service Connect, as long as it lasts.
    endpoints: tuple[Endpoint, ...] = ()
    # Where a blue/green deployment has got to; None for a rolling one.
    stage: LifecycleStage | None = None
    # The id of the hook that it waits at.
    paused: str | None = None
    # What the service went back to when somebody stopped it, or the circuit breaker did.
    back: Deployment | None = None


@dataclass(slots=True)
class TaskSet:
    """What an external controller deploys; its tasks are those of ``deployment``."""

    deployment: Deployment
    arn: str
    percent: float
    started_by: str | None
    status: str = "ACTIVE"
    stable_since: float | None = None


@dataclass(slots=True)
class Service:
    """A service. ``status`` is ACTIVE, DRAINING or INACTIVE."""

    name: str
    arn: str
    cluster: Cluster
    desired: int
    deployments: list[Deployment]
    controller: str
    scheduling: str
    minimum: int
    maximum: int
    breaker: Document
    created: float
    created_by: str
    rebalancing: str
    grace: int
    told: Document
    blue_green: BlueGreen | None = None
    status: str = "ACTIVE"
    task_sets: list[TaskSet] = field(default_factory=list)
    # All deployments so far, the newest first.
    history: list[Deployment] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    steady: bool = False
    # What a rollback goes to.
    last_completed: Deployment | None = None
    # What the scheduler will do next.
    look: Timer | None = None

    @property
    def primary(self) -> Deployment | None:
        """The deployment that the service is going to."""
        return next((one for one in self.deployments if one.status == "PRIMARY"), None)


@dataclass(slots=True, eq=False)
class Container:
    """A container of a task. ``attempts`` failed checks in a row."""

    definition: ContainerDefinition
    arn: str
    process: Process | None = None
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str | None = None
    health: Health = "UNKNOWN"
    attempts: int = 0
    hung: bool = False
    # Container port -> port on the host (bridge and host mode).
    bindings: dict[int, int] = field(default_factory=dict)
    # Container port -> port on the host at which the proxy takes calls for it (bridge mode).
    proxied: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Task:
    """A task. Moments are service seconds since the epoch."""

    id: str
    arn: str
    cluster: Cluster
    template: Template
    containers: list[Container]
    group: str
    created: float
    started_by: str | None
    service: Service | None = None
    deployment: Deployment | None = None
    overrides: Document = field(default_factory=dict)
    status: TaskStatus = "PROVISIONING"
    desired: str = "RUNNING"
    address: str | None = None
    ipv6: str | None = None
    # Its subnet has no IPv4: the address is only where its process listens on this machine.
    ipv6_only: bool = False
    subnet: str | None = None
    zone: str = ""
    attachment: str = ""
    instance: ContainerInstance | None = None
    # Its instance in Cloud Map: the registry's service id, while it is registered or about to be.
    registered_in: str | None = None
    health_told: Health | None = None
    # Whether the service's events say that its checks have failed.
    reported: bool = False
    # Whether its failure was counted against its deployment.
    counted: bool = False
    healthy_since: float | None = None
    pull_started: float | None = None
    pull_stopped: float | None = None
    started: float | None = None
    stopping: float | None = None
    execution_stopped: float | None = None
    stopped: float | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    version: int = 1
    # Where its containers listen, if a proxy stands before them; and that proxy.
    inner: str | None = None
    sidecar: Sidecar | None = None
    # Name -> address of what it reaches by Service Connect.
    names: dict[str, str] = field(default_factory=dict)
    # Cloud Map's ids of the Service Connect services that it is registered in.
    connected: list[str] = field(default_factory=list)
    forwarders: list[Forwarder] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def reached_at(self) -> str | None:
        """The address that others call it by: that of its host where ports are mapped."""
        if self.template.definition.network_mode == "bridge" and self.instance is not None:
            return self.instance.address
        return self.address

    @property
    def listens_at(self) -> str | None:
        """The address that its processes listen at."""
        return self.inner or self.address

    @property
    def going(self) -> bool:
        """Whether nobody has asked it to stop."""
        return self.desired == "RUNNING"

    @property
    def health(self) -> Health:
        """By its essential containers: any that failed, else any not known, else healthy (ecs HealthCheck)."""
        found = {one.health for one in self.containers if one.definition.essential and one.definition.health}
        if "UNHEALTHY" in found:
            return "UNHEALTHY"
        return "UNKNOWN" if "UNKNOWN" in found or not found else "HEALTHY"

    @property
    def checked(self) -> bool:
        """Whether an essential container has a health check."""
        return any(one.definition.essential and one.definition.health for one in self.containers)


@dataclass(slots=True, eq=False)
class ContainerInstance:
    """An EC2 instance that has joined a cluster. ``connected`` tells whether its agent is heard of."""

    arn: str
    ec2_id: str
    cluster: Cluster
    address: str
    zone: str
    registered: float
    status: str = "ACTIVE"
    connected: bool = True


@dataclass(slots=True)
class EcsState:
    """One account in one region; tasks by ARN, services by (cluster, name)."""

    clusters: dict[str, Cluster] = field(default_factory=dict)
    families: dict[str, list[TaskDefinition]] = field(default_factory=dict)
    services: dict[tuple[str, str], Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    instances: dict[str, ContainerInstance] = field(default_factory=dict)
    # EC2 instances that were deregistered, and do not come back by themselves.
    left: set[str] = field(default_factory=set)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    # RunTask's clientToken -> what it was asked, and the tasks it started; CreateService's -> the service's ARN.
    tokens: dict[tuple[str, str], tuple[Document, list[str]]] = field(default_factory=dict)
