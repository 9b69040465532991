"""The service under test and its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor.callers import ClientTask
from surveyor.fixtures.tasks import address_of, id_of
from surveyor.history import TaskState

_SCALING = "Scaling activity initiated by"

__all__ = ["ConnectEndpoint", "ServiceTask", "ServiceUnderTest", "parse_task"]


@dataclass(frozen=True)
class ConnectEndpoint:
    """What a service offers by Service Connect: the name and port for clients, and the name of the tasks' port.

    `registry`: id of the Cloud Map service that ECS keeps for it, "" if it is not known.
    """

    dns_name: str
    port: int
    port_name: str
    registry: str


@dataclass(frozen=True)
class ServiceUnderTest:
    """Names and ids of a service, its registry and its namespace.

    `service`: the ECS service; `registry`: id of the Cloud Map service, `name` its name; `alias`: its DNS name, "" if
    it has no A records; `vpc`: whose resolver answers that name; `settings`: its settings by name, as text for people.

    `health`: ECS reports the health of its tasks to the registry. `workload`: its tasks run surveyor_agents.workload,
    and accept commands with `token`. `temporary`: it was created for the experiment. `owner`: account that owns the
    namespace, for callers of another account, with which the resource share `share` (an ARN) shares it.
    `family`: of its task definition, for a service that was not created here.
    `load_balancer`: name and port of a load balancer before the service, `balancer_tls`: whether it is called by TLS,
    `groups`: the ARNs of its target groups; `connect`: what it offers by Service Connect; `count`: desired tasks;
    `ttl`: of its A records, in seconds; `controller`: what deploys it (ecs/DeploymentController.type);
    `is_daemon`: one task on each instance (ecs/Service.schedulingStrategy);
    `deregistration_delay`: of its targets; `stop_timeout`: of its container; `grace`: health checks do not count for
    so long (seconds).
    `host`: the task of no service that stands in for a host on premises, if there is one.
    `proxy`: address and port of a client's Service Connect proxy that can be called from here, or `client_task`, which
    calls it; `client_zone`: the zone of that client, "" if there is none.
    """

    account: str
    region: str
    cluster: str
    service: str
    registry: str
    namespace: str
    name: str
    alias: str
    vpc: str
    port: int
    path: str = "/"
    owner: str = ""
    share: str = ""
    namespace_arn: str = ""
    family: str = ""
    load_balancer: tuple[str, int] = ("", 0)
    balancer_tls: bool = False
    groups: tuple[str, ...] = ()
    connect: ConnectEndpoint | None = None
    count: int = 0
    ttl: float = 0.0
    controller: str = "ECS"
    is_daemon: bool = False
    deregistration_delay: float = 0.0
    stop_timeout: float = 30.0
    grace: float = 0.0
    proxy: tuple[str, int] = ("", 0)
    client_task: ClientTask | None = None
    client_zone: str = ""
    host: ServiceTask | None = None
    health: bool = True
    workload: bool = True
    token: str = ""
    temporary: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceTask:
    """One task of the service. `id` is the last part of its ARN, and its instance id in Cloud Map.

    `revision`: of its task definition, as `web:7`; `created`: seconds since the epoch; `scaled_in`: as of a TaskState.
    """

    id: str
    arn: str
    address: str
    zone: str
    status: str
    health: str
    revision: str = ""
    created: float | None = None
    scaled_in: bool = False

    def __str__(self) -> str:
        return f"{self.id[:8]} ({self.address or 'no address'}, {self.zone})"

    def state(self, start: float = 0.0) -> TaskState:
        """Return the state that a history records; health is "" for a task without a container health check.

        `start`: when the history began, in seconds since the epoch.
        """
        return TaskState(
            self.status,
            self.address,
            self.zone,
            "" if self.health == "UNKNOWN" else self.health,
            self.revision,
            None if self.created is None else round(self.created - start, 3),
            self.scaled_in,
        )


def parse_task(described: Mapping[str, Any]) -> ServiceTask:
    """Return the task that DescribeTasks describes (a Task)."""
    return ServiceTask(
        id_of(described),
        str(described["taskArn"]),
        address_of(described),
        str(described.get("availabilityZone") or ""),
        str(described.get("lastStatus") or ""),
        str(described.get("healthStatus") or ""),
        id_of(str(described.get("taskDefinitionArn") or "")),
        described["createdAt"].timestamp() if "createdAt" in described else None,
        _is_scaled_in(described),
    )


def _is_scaled_in(described: Mapping[str, Any]) -> bool:
    """Return whether a task is stopped for neither its end nor its health.

    Sources: ecs/Task.stopCode; ECS Developer Guide, "Amazon ECS stopped tasks error messages".
    The scheduler also stops tasks that fail their health checks; the reason says which.
    """
    code, reason = str(described.get("stopCode") or ""), str(described.get("stoppedReason") or "")
    return code == "UserInitiated" or (code == "ServiceSchedulerInitiated" and reason.startswith(_SCALING))
