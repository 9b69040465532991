"""Act on a deployment in progress: let it continue, or have ECS roll it back.

A rolling deployment is stopped with StopServiceDeployment; a blue/green deployment that waits at a PAUSE hook gets an
answer to the hook.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import describe_failed_call, is_of_account
from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.gate.deployments import GatedDeployment, read_deployment
from surveyor.targets.answers import describe_missing

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__ = ["ACTIONS", "GateAction", "act", "named_errors", "parse_service"]

ACTIONS = ("ecs:ContinueServiceDeployment", "ecs:StopServiceDeployment")
"""The operations that the gate calls for the service that the user names."""


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


@contextmanager
def named_errors(doubt: str = "") -> Iterator[None]:
    """Turn errors of calls in the block into SurveyorError; `doubt`: what is not known if no answer arrives."""
    try:
        yield
    except ClientError as error:
        text = describe_failed_call(f"ecs:{error.operation_name}", error.response)
        kind = TargetUnavailable if is_of_account(error.response) else SurveyorError
        raise kind(text) from None
    except BotoCoreError as error:
        raise TargetUnavailable(f"ECS did not answer{doubt}: {describe_missing(error)}") from None


def act(ecs: ECSClient, deployment: GatedDeployment, *, is_open: bool) -> GateAction:
    """Act on a deployment, once. Raises SurveyorError if ECS refuses or does not answer.

    If another has acted on it since it was read, which ECS then refuses, that is no error.
    """
    arn = deployment.arn
    if not deployment.is_in_progress:
        return GateAction("nothing", f"{arn}: this gate did nothing: it is not in progress ({deployment.status})")
    if deployment.hook is None and is_open:
        return GateAction("left-alone", f"{arn}: continues")
    with named_errors(", so what became of the deployment is not known"):
        try:
            return _act(ecs, deployment, is_open=is_open)
        except ClientError as error:
            if is_of_account(error.response):
                raise
            now = read_deployment(ecs, arn, deployment.created)
            if now is None or (now.status, now.hook and now.hook.id) == (deployment.status, _hook_id(deployment)):
                raise
            return GateAction(
                "nothing",
                f"{arn}: this gate did nothing: another gate or a user acted on it before, and it is {now.status}",
            )


def _act(ecs: ECSClient, deployment: GatedDeployment, *, is_open: bool) -> GateAction:
    arn = deployment.arn
    if deployment.hook is not None:
        action: Any = "CONTINUE" if is_open else "ROLLBACK"
        ecs.continue_service_deployment(serviceDeploymentArn=arn, hookId=deployment.hook.id, action=action)
        return GateAction("continued" if is_open else "rolled-back", f"{arn}: its hook was answered with {action}")
    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    return GateAction("rolled-back", f"{arn}: stopped, and ECS rolls it back")


def _hook_id(deployment: GatedDeployment) -> str | None:
    return deployment.hook.id if deployment.hook else None
