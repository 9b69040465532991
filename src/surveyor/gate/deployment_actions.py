"""Act on a deployment in progress: let it continue, or have ECS roll it back.

A rolling deployment is stopped with StopServiceDeployment; a blue/green deployment that waits at a PAUSE hook gets an
answer to the hook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor import timeouts
from surveyor.account.failed_calls import describe_failed_call
from surveyor.clock import WallClock
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.targets.answers import describe_missing

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = ["ACTIONS", "GateAction", "act", "parse_service"]

ACTIONS = ("ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment")
"""The operations that the gate calls for the service that the user names."""

_IN_PROGRESS = ["PENDING", "IN_PROGRESS"]


@dataclass(frozen=True)
class GateAction:
    """What the gate did with a deployment.

    `what`: `continued`, `rolled-back`, `left-alone`, `nothing` (no deployment in progress) or `refused`.
    """

    what: str
    description: str


def parse_service(text: str) -> tuple[str, str]:
    """Return cluster and service of CLUSTER/SERVICE. Raises UsageError."""
    cluster, _, service = text.partition("/")
    if not cluster or not service or "/" in service:
        raise UsageError(f"--ecs: expected CLUSTER/SERVICE, got {text!r}")
    return cluster, service


def act(ecs: ECSClient, cluster: str, service: str, *, is_open: bool) -> GateAction:
    """Act on the service's deployment in progress. Raises SurveyorError if ECS refuses or does not answer."""
    try:
        return _act(ecs, cluster, service, is_open=is_open)
    except ClientError as error:
        raise SurveyorError(describe_failed_call(f"ecs:{error.operation_name}", error.response)) from None
    except BotoCoreError as error:
        why = f"ECS did not answer, so what became of the deployment is not known: {describe_missing(error)}"
        raise TargetUnavailable(why) from None


def _in_progress(ecs: ECSClient, cluster: str, service: str) -> Any:
    """Return DescribeServiceDeployments of the deployment in progress, None if there is none."""
    status: Any = _IN_PROGRESS
    listed: Any = ecs.list_service_deployments(cluster=cluster, service=service, status=status)["serviceDeployments"]
    arns = [str(one["serviceDeploymentArn"]) for one in listed[:1]]
    found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"] if arns else []
    return next(iter(found), None)


def _act(ecs: ECSClient, cluster: str, service: str, *, is_open: bool) -> GateAction:
    deployment = _in_progress(ecs, cluster, service)
    if deployment is None:  # a read of ECS may show the state before a deployment that has just begun (ecs/RunTask)
        WallClock().wait(timeouts.READ_AGAIN)
        deployment = _in_progress(ecs, cluster, service)
    if deployment is None:
        return GateAction("nothing", f"{cluster}/{service} has no deployment in progress; nothing was rolled back")
    arn = str(deployment["serviceDeploymentArn"])
    hooks = [hook for hook in deployment.get("lifecycleHookDetails") or () if hook.get("status") == "AWAITING_ACTION"]
    if hooks:
        action: Any = "CONTINUE" if is_open else "ROLLBACK"
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=hooks[0]["hookId"], action=action)
        return GateAction("continued" if is_open else "rolled-back", f"{arn}: its hook was answered with {action}")
    if is_open:
        return GateAction("left-alone", f"{arn}: continues")
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    return GateAction("rolled-back", f"{arn}: stopped, and ECS rolls it back")
