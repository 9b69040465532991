"""What a gate does to a deployment that goes on: lets it pass, or has ECS roll it back.

A rolling deployment is stopped with StopServiceDeployment; a blue/green one that waits at a PAUSE hook is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = ["GateAction", "act", "service_of"]

_GOING = ["PENDING", "IN_PROGRESS"]


@dataclass(frozen=True)
class GateAction:
    """What was done: `continued`, `rolled-back`, `left-alone`, or `nothing` where no deployment goes on."""

    what: str
    told: str


def service_of(text: str) -> tuple[str, str]:
    """Cluster and service of CLUSTER/SERVICE. Raises UsageError."""
    cluster, _, service = text.partition("/")
    if not cluster or not service or "/" in service:
        raise UsageError(f"--ecs is CLUSTER/SERVICE, not {text!r}")
    return cluster, service


def act(ecs: ECSClient, cluster: str, service: str, *, is_open: bool) -> GateAction:
    """Act on the service's deployment. Raises SurveyorError where ECS refuses."""
    try:
        return _act(ecs, cluster, service, is_open=is_open)
    except ClientError as refused:
        error = refused.response.get("Error", {})
        raise SurveyorError(
            f"{refused.operation_name} was refused: {error.get('Code')}: {error.get('Message')}"
        ) from None


def _act(ecs: ECSClient, cluster: str, service: str, *, is_open: bool) -> GateAction:
    going: Any = ecs.list_service_deployments(cluster=cluster, service=service, status=_GOING)["serviceDeployments"]  # type: ignore[arg-type]  # literals in a list
    if not going:
        return GateAction("nothing", f"no deployment of {cluster}/{service} goes on")
    arn = str(going[0]["serviceDeploymentArn"])
    found: Any = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"][0]
    hooks = [one for one in found.get("lifecycleHookDetails") or () if one.get("status") == "AWAITING_ACTION"]
    if hooks:
        action: Any = "CONTINUE" if is_open else "ROLLBACK"
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hooks[0]["hookId"], action=action)
        return GateAction("continued" if is_open else "rolled-back", f"{arn}: its hook was answered with {action}")
    if is_open:
        return GateAction("left-alone", f"{arn}: goes on")
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    return GateAction("rolled-back", f"{arn}: stopped, and ECS rolls it back")
