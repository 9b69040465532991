"""The service that an experiment is about, and the tasks that it has: where everything is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.fixtures.tasks import address_of, id_of
from surveyor.history import TaskSeen

__all__ = ["ServiceUnderTest", "Task", "task_of"]


@dataclass(frozen=True)
class ServiceUnderTest:
    """Names and ids. `registry`: the Cloud Map service; `alias`: its name in DNS; `vpc`: whose resolver answers it.

    `health`: ECS tells the registry its tasks' health. `workload`: its tasks run surveyor_agents.workload, and can be told
    what to do. `own`: it was made for the experiment. `owner`: whose namespace it is for callers
    of another account, with which `share`, a resource share's ARN, shares it. `balancer`: name and port of a load
    balancer before it; `proxy`: address and port of a client's Service Connect proxy.
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
    balancer: tuple[str, int] = ("", 0)
    proxy: tuple[str, int] = ("", 0)
    health: bool = True
    workload: bool = True
    own: bool = True


@dataclass(frozen=True)
class Task:
    """One task of the service. `id` is the last part of its ARN, and its instance id in Cloud Map."""

    id: str
    arn: str
    address: str
    zone: str
    status: str
    health: str

    def __str__(self) -> str:
        return f"{self.id[:8]} ({self.address or 'no address'}, {self.zone})"

    def seen(self) -> TaskSeen:
        """As a history tells it; whether a container is healthy is nothing where nothing checks it."""
        return TaskSeen(self.status, self.address, self.zone, "" if self.health == "UNKNOWN" else self.health)


def task_of(told: Mapping[str, Any]) -> Task:
    """From DescribeTasks's Task."""
    return Task(
        id_of(told),
        str(told["taskArn"]),
        address_of(told),
        str(told.get("availabilityZone") or ""),
        str(told.get("lastStatus") or ""),
        str(told.get("healthStatus") or ""),
    )
