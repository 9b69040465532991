"""How many tasks a service of others has, should have and may have, read before each fault and not kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.errors import TargetUnavailable, UsageError
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.observers.tasks import describe_tasks

__all__ = ["ScalingRange", "ServiceCounts", "primary_deployment", "read_counts"]

_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True)
class ScalingRange:
    """Between which desired counts Application Auto Scaling keeps a service; None: it has no scalable target.

    `unknown`: why it could not be read, "" if it could.
    """

    smallest: int | None = None
    largest: int | None = None
    unknown: str = ""

    def describe(self, service: str) -> str:
        """Return the range in words."""
        if self.unknown:
            return (
                f"the autoscaling of {service} is not known ({self.unknown}): counts are limited by the options alone; "
                "application-autoscaling:DescribeScalableTargets would be needed"
            )
        if self.smallest is None:
            return f"{service} is not scaled by Application Auto Scaling"
        return f"Application Auto Scaling keeps {service} between {self.smallest} and {self.largest} tasks"


@dataclass(frozen=True)
class ServiceCounts:
    """`desired`: the desired count; `healthy`: the ids of the tasks that run and whose check does not fail.

    `deployed_at_once`: tasks that a deployment may stop before it has started others; `primary`: the id of the newest
    deployment, `deploying`: it replaces another one now. `scaling`: the range of its autoscaling.
    """

    desired: int
    healthy: frozenset[str]
    deployed_at_once: int = 0
    primary: str = ""
    deploying: bool = False
    scaling: ScalingRange = ScalingRange()

    @property
    def missing(self) -> int:
        """Return how many tasks are missing for whatever reason."""
        return max(0, self.desired - len(self.healthy))


def read_counts(client: Callable[[str], Any], service: ServiceUnderTest, *, with_scaling: bool = True) -> ServiceCounts:
    """Return what is there now; `with_scaling`: ask for its autoscaling. Raises UsageError if the service is gone."""
    ecs = client("ecs")
    found = ecs.describe_services(cluster=service.cluster, services=[service.service])["services"]
    if not found or found[0].get("status") == "INACTIVE":
        raise UsageError(f"there is no service {service.service} in the cluster {service.cluster} any more")
    described: Mapping[str, Any] = found[0]
    tasks = describe_tasks(ecs, service, {}).values()
    desired = int(described["desiredCount"])
    # ecs/DeploymentConfiguration.minimumHealthyPercent: of the desired count, rounded up; 100 for a rolling update.
    deployments = described.get("deployments") or ()
    percent = (described.get("deploymentConfiguration") or {}).get("minimumHealthyPercent")
    kept = math.ceil(desired * (100 if percent is None else int(percent)) / 100)
    return ServiceCounts(
        desired=desired,
        healthy=frozenset(task.id for task in tasks if task.status == "RUNNING" and task.health != "UNHEALTHY"),
        deployed_at_once=max(0, desired - kept),
        primary=primary_deployment(described),
        deploying=len(deployments) > 1,
        scaling=_scaling_range(client, service) if with_scaling else ScalingRange(),
    )


def primary_deployment(described: Mapping[str, Any]) -> str:
    """Return the id of the deployment that a Service of ECS has as PRIMARY (ecs/Deployment.status), "" without one."""
    deployments = described.get("deployments") or ()
    return next((str(found.get("id", "")) for found in deployments if found.get("status") == "PRIMARY"), "")


def _scaling_range(client: Callable[[str], Any], service: ServiceUnderTest) -> ScalingRange:
    """Return the range of the service's scalable target (application-autoscaling/ScalableTarget)."""
    resource = f"service/{service.cluster}/{service.service}"
    try:
        found = client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[resource], ScalableDimension=_DIMENSION
        )["ScalableTargets"]
    except ClientError as error:
        return ScalingRange(unknown=str(error.response.get("Error", {}).get("Code") or "an error"))
    except (BotoCoreError, TargetUnavailable, LookupError) as error:
        return ScalingRange(unknown=type(error).__name__)
    targets = [target for target in found if target.get("ResourceId") == resource]
    if not targets:
        return ScalingRange()
    return ScalingRange(int(targets[0]["MinCapacity"]), int(targets[0]["MaxCapacity"]))
