"""Services, deployments and task sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from surveyor_emulator.core.clock import Timer
from surveyor_emulator.runtime.service_connect.values import Endpoint

from .clusters import Cluster
from .connect import ConnectConfiguration
from .definitions import TaskDefinition
from .documents import Document

__all__ = [
    "Deployment",
    "Hook",
    "HookRun",
    "LifecycleStage",
    "NetworkConfiguration",
    "Rollback",
    "Service",
    "ServiceLoadBalancer",
    "ServiceRegistry",
    "TaskSet",
    "TaskTemplate",
    "TrafficStrategy",
]

LifecycleStage = Literal[
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
"""ecs ServiceDeployment.lifecycleStage."""


@dataclass(frozen=True, slots=True)
class ServiceRegistry:
    """The Cloud Map service that tasks register in."""

    arn: str
    port: int | None
    container: str | None
    container_port: int | None

    @property
    def service_id(self) -> str:
        """Return the id of the Cloud Map service."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class NetworkConfiguration:
    """awsvpcConfiguration."""

    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    public: bool

    def to_document(self) -> Document:
        """Return ecs NetworkConfiguration."""
        assigned = "ENABLED" if self.public else "DISABLED"
        return {
            "awsvpcConfiguration": {
                "subnets": list(self.subnets),
                "securityGroups": list(self.groups),
                "assignPublicIp": assigned,
            }
        }


@dataclass(frozen=True, slots=True)
class ServiceLoadBalancer:
    """The target group (an ARN) that a container's port is registered in.

    ``primary`` is the one that the service names. A service that shifts traffic has an ``alternate`` one too, and ECS
    moves the calls of ``production_rule``, and of ``test_rule``, from one to the other.
    """

    group: str
    container: str
    port: int
    primary: str
    alternate: str = ""
    production_rule: str = ""
    test_rule: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """Everything that tasks of one deployment (or one RunTask) have in common."""

    definition: TaskDefinition
    launch_type: str
    platform_version: str | None
    # As requested: LATEST unless the request names a version.
    requested_platform: str | None
    network: NetworkConfiguration | None
    registry: ServiceRegistry | None
    capacity_provider_strategy: tuple[Mapping[str, object], ...] = ()
    connect: ConnectConfiguration | None = None
    load_balancers: tuple[ServiceLoadBalancer, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """A lifecycle hook, and what ECS does by itself (CONTINUE, ROLLBACK) after ``seconds``; a pause has no function.

    ``details`` are passed to the function.
    """

    stages: frozenset[str]
    seconds: float
    action: str
    function: str | None
    details: Document = field(compare=False)


@dataclass(slots=True, eq=False)
class HookRun:
    """A hook that a deployment has reached; ``ended`` gets whether all hooks of the stage have succeeded."""

    id: str
    hook: Hook
    expires: float
    status: str
    details: Document
    ended: Callable[[bool], object] | None = None

    @property
    def has_ended(self) -> bool:
        """Return whether the deployment no longer waits for it."""
        return self.status not in ("AWAITING_ACTION", "IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class TrafficStrategy:
    """A strategy that shifts traffic: the share of the new tasks after each shift, in percent; the last one is 100.

    ``step_seconds`` lie between two shifts; ``bake_seconds`` are those that old and new tasks both run afterwards.
    """

    percents: tuple[float, ...]
    step_seconds: float
    bake_seconds: float
    hooks: tuple[Hook, ...]
    document: Document = field(compare=False)


@dataclass(frozen=True, slots=True)
class Rollback:
    """The way back from a deployment: to ``target``, or None if no deployment was completed before it.

    ``revision`` is the id of the service revision that is restored.
    """

    reason: str
    started: float
    revision: str | None
    target: Deployment | None


@dataclass(slots=True)
class Deployment:
    """One deployment of a service; ``status`` is PRIMARY, ACTIVE or INACTIVE."""

    id: str
    template: TaskTemplate
    created: float
    updated: float
    status: str = "PRIMARY"
    rollout_state: str = "IN_PROGRESS"
    reason: str = ""
    failed_tasks: int = 0
    # Whether one of its tasks has counted as healthy; after that, failures are no longer counted.
    had_healthy_task: bool = False
    # Launches that failed in a row, and when the next launch may start (service seconds).
    failed_launches: int = 0
    launch_after: float = 0.0
    external_id: str | None = None
    # The Service Connect endpoints that its tasks reach, fixed when it begins.
    endpoints: tuple[Endpoint, ...] = ()
    # The current stage of a deployment that shifts traffic, and how many shifts it has made; None for a rolling one.
    stage: LifecycleStage | None = None
    shifts: int = 0
    # The hooks of the current stage.
    hook_runs: list[HookRun] = field(default_factory=list)
    # The id of a service revision -> its share of production traffic, in percent, while traffic is shifted.
    revision_percents: dict[str, float] = field(default_factory=dict)
    # The alarms that are watched during it, and those that were in ALARM.
    alarm_names: tuple[str, ...] = ()
    triggered_alarms: tuple[str, ...] = ()
    # What followed when a user, an alarm or the circuit breaker stopped it.
    rollback: Rollback | None = None
    # What the service ran when it began.
    sources: tuple[Deployment, ...] = ()
    # How many tasks it shall have; the scheduler sets it when it runs after a change.
    desired_count: int = 0
    # Since when it is done but for the time in which its alarms are watched.
    done_since: float | None = None
    # The counts of tasks of revisions, by their ids, when it was completed early: they are described as they were.
    final_counts: dict[str, dict[str, int]] = field(default_factory=dict)
    # When a user stopped it.
    stopped: float | None = None
    # The id of its service revision, which a rollback deploys again.
    revision: str = ""

    def __post_init__(self) -> None:
        """Number the revision as the deployment, unless it is an earlier one."""
        self.revision = self.revision or self.id.rpartition("/")[2]


@dataclass(slots=True)
class TaskSet:
    """What an external controller deploys; its tasks are those of ``deployment``."""

    deployment: Deployment
    arn: str
    scale_percent: float
    status: str = "ACTIVE"
    stable_since: float | None = None


@dataclass(slots=True)
class Service:
    """A service. ``status`` is ACTIVE, DRAINING or INACTIVE."""

    name: str
    arn: str
    cluster: Cluster
    desired_count: int
    deployments: list[Deployment]
    controller: str
    scheduling_strategy: str
    minimum_percent: int
    maximum_percent: int
    circuit_breaker: Document
    created: float
    created_by: str
    rebalancing: str
    grace_period: int
    document: Document
    strategy: TrafficStrategy | None = None
    # Early success criteria as configured, and the bake time of rolling deployments if it is.
    early_success: Document = field(default_factory=dict)
    bake_seconds: float | None = None
    # The alarms of deployments, as configured.
    alarms: Document = field(default_factory=dict)
    status: str = "ACTIVE"
    task_sets: list[TaskSet] = field(default_factory=list)
    # All deployments so far, the newest first.
    history: list[Deployment] = field(default_factory=list)
    events: list[Document] = field(default_factory=list)
    steady: bool = False
    # Whether a task is being moved to another zone: there is one more meanwhile.
    moving: bool = False
    # When the steady state was last reported in its events.
    steady_reported: float = 0.0
    # The deployment that a rollback returns to.
    last_completed: Deployment | None = None
    # The next run of the scheduler for this service.
    next_run: Timer | None = None

    @property
    def primary(self) -> Deployment | None:
        """Return the deployment that the service is moving to, or has reached."""
        return next((deployment for deployment in self.deployments if deployment.status == "PRIMARY"), None)
