"""Operations on service deployments: the outcome of each change of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.deployments import blue_green, rollout
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_service,
    invalid_parameter,
    make_arn,
    paginate,
)
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.state import Deployment, Service
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DescribeServiceDeploymentsRequestTypeDef, ListServiceDeploymentsRequestTypeDef

__all__ = [
    "continue_service_deployment",
    "describe_service_deployments",
    "list_service_deployments",
    "stop_service_deployment",
]

MAX_DESCRIBED = 20
_STATUS = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "SUCCESSFUL", "FAILED": "STOPPED"}
_ROLLBACK_STATUS = {
    "IN_PROGRESS": "ROLLBACK_IN_PROGRESS",
    "COMPLETED": "ROLLBACK_SUCCESSFUL",
    "FAILED": "ROLLBACK_FAILED",
}


def list_service_deployments(call: Call, request: ListServiceDeploymentsRequestTypeDef) -> Document:
    """Return brief descriptions, the newest first, a page at a time."""
    service = find_service(call, find_cluster(call, request.get("cluster")), request["service"])
    statuses = set(request.get("status") or ())
    briefs = [_brief(call, service, deployment) for deployment in service.history]
    entries, token = paginate([brief for brief in briefs if not statuses or brief["status"] in statuses], request)
    answer: dict[str, object] = {"serviceDeployments": entries}
    return {**answer, "nextToken": token} if token else answer


def describe_service_deployments(call: Call, request: DescribeServiceDeploymentsRequestTypeDef) -> Document:
    """Return service deployments by ARN; unknown ones are failures."""
    arns = request["serviceDeploymentArns"]
    if not 0 < len(arns) <= MAX_DESCRIBED:
        raise invalid_parameter(f"1 to {MAX_DESCRIBED} service deployments are described at once")
    found = [(arn, _find(call, arn)) for arn in arns]
    return {
        "serviceDeployments": [_describe(call, *match) for _, match in found if match is not None],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn, match in found if match is None],
    }


def continue_service_deployment(call: Call, request: Any) -> Document:
    """Continue after a pause, or roll back."""
    service, deployment = _require(call, request["serviceDeploymentArn"])
    if deployment.paused_hook is None or deployment.paused_hook != request["hookId"]:
        raise invalid_parameter("The service deployment has no such paused hook.")
    proceed = blue_green.roll_back if request.get("action") == "ROLLBACK" else blue_green.resume
    proceed(call, service, deployment, scheduler.run_soon)
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def stop_service_deployment(call: Call, request: Any) -> Document:
    """Stop a deployment in progress: roll back to the one before, or leave the tasks as they are (ABORT)."""
    service, deployment = _require(call, request["serviceDeploymentArn"])
    if deployment.rollout_state != "IN_PROGRESS":
        raise ServiceError("ConflictException", "The service deployment is not in progress.", resourceIds="")
    rolls_back = request.get("stopType", "ROLLBACK") == "ROLLBACK"
    if deployment.stage is not None and rolls_back:
        blue_green.roll_back(call, service, deployment, scheduler.run_soon)
    else:
        rollout.stop(call, service, deployment, rolls_back=rolls_back)
        scheduler.run_soon(call, service)
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def _find(call: Call, arn: str) -> tuple[Service, Deployment] | None:
    for service in ecs_state(call).services.values():
        for deployment in service.history:
            if _arn_of(call, service, deployment) == arn:
                return service, deployment
    return None


def _require(call: Call, arn: str) -> tuple[Service, Deployment]:
    found = _find(call, arn)
    if found is None:
        raise ServiceError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    return found


def _arn_of(call: Call, service: Service, deployment: Deployment, kind: str = "service-deployment") -> str:
    return make_arn(call, kind, service.cluster.name, service.name, deployment.id.rpartition("/")[2])


def _brief(call: Call, service: Service, deployment: Deployment) -> dict[str, Any]:
    """Return ecs ServiceDeploymentBrief."""
    rollback = deployment.rollback
    brief = {
        "serviceDeploymentArn": _arn_of(call, service, deployment),
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": deployment.created,
        "startedAt": deployment.created,
        "status": _STATUS[deployment.rollout_state] if rollback is None else _ROLLBACK_STATUS[rollback.rollout_state],
        "targetServiceRevisionArn": _arn_of(call, service, deployment, "service-revision"),
    }
    if deployment.rollout_state != "IN_PROGRESS":
        brief["finishedAt"] = deployment.updated
    return brief


def _describe(call: Call, service: Service, deployment: Deployment) -> dict[str, Any]:
    """Return ecs ServiceDeployment."""
    brief = _brief(call, service, deployment)
    revision = {"arn": brief.pop("targetServiceRevisionArn")}
    document: dict[str, Any] = {
        **brief,
        "updatedAt": deployment.updated,
        "targetServiceRevision": revision,
        "deploymentCircuitBreaker": {
            "status": _breaker_status(service, deployment),
            "failureCount": deployment.failed_tasks,
            "threshold": rollout.threshold_of(service),
        },
    }
    if deployment.stage is not None:
        document["lifecycleStage"] = deployment.stage
    if deployment.paused_hook is not None:
        hook = {"hookId": deployment.paused_hook, "targetType": "PAUSE", "status": "AWAITING_ACTION"}
        document["lifecycleHookDetails"] = [hook]
    return document


def _breaker_status(service: Service, deployment: Deployment) -> str:
    if not service.circuit_breaker.get("enable"):
        return "DISABLED"
    if deployment.rollout_state == "IN_PROGRESS":
        return "MONITORING"
    has_triggered = deployment.rollout_state == "FAILED" and deployment.failed_tasks >= rollout.threshold_of(service)
    return "TRIGGERED" if has_triggered else "MONITORING_COMPLETE"
