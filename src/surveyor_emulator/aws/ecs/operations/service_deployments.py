"""Service deployments: what became of each time that a service went to something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.deployments import blue_green, circuit_breaker
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_service,
    invalid_parameter,
    make_arn,
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

DESCRIBED_AT_ONCE = 20
_STATUS = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "SUCCESSFUL", "FAILED": "STOPPED"}
_BACK = {"IN_PROGRESS": "ROLLBACK_IN_PROGRESS", "COMPLETED": "ROLLBACK_SUCCESSFUL", "FAILED": "ROLLBACK_FAILED"}


def list_service_deployments(call: Call, request: ListServiceDeploymentsRequestTypeDef) -> Document:
    """Briefly, the newest first, a page at a time."""
    of = find_service(call, find_cluster(call, request.get("cluster")), request["service"])
    wanted = set(request.get("status") or ())
    told = [_brief(call, of, one) for one in of.history]
    shown, token = paginate([one for one in told if not wanted or one["status"] in wanted], request)
    answer: dict[str, object] = {"serviceDeployments": shown}
    return {**answer, "nextToken": token} if token else answer


def describe_service_deployments(call: Call, request: DescribeServiceDeploymentsRequestTypeDef) -> Document:
    """By ARN; those that are not there are failures."""
    wanted = request["serviceDeploymentArns"]
    if not 0 < len(wanted) <= DESCRIBED_AT_ONCE:
        raise invalid_parameter(f"1 to {DESCRIBED_AT_ONCE} service deployments are described at once")
    found = [(one, _find(call, one)) for one in wanted]
    return {
        "serviceDeployments": [_told(call, *one) for _, one in found if one is not None],
        "failures": [{"arn": place, "reason": "MISSING"} for place, one in found if one is None],
    }


def continue_service_deployment(call: Call, request: Any) -> Document:
    """Go on from a pause, or back."""
    found = _find(call, request["serviceDeploymentArn"])
    if found is None:
        raise ServiceError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    of, one = found
    if one.paused_hook is None or one.paused_hook != request["hookId"]:
        raise invalid_parameter("The service deployment has no such paused hook.")
    go = blue_green.roll_back if request.get("action") == "ROLLBACK" else blue_green.resume
    go(call, of, one, scheduler.run_soon)
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def stop_service_deployment(call: Call, request: Any) -> Document:
    """End one that goes on: back to what was before, unless it is to be left as it is (ABORT)."""
    found = _find(call, request["serviceDeploymentArn"])
    if found is None:
        raise ServiceError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    of, one = found
    if one.rollout_state != "IN_PROGRESS":
        raise ServiceError("ConflictException", "The service deployment does not go on any more.", resourceIds="")
    back = request.get("stopType", "ROLLBACK") == "ROLLBACK"
    if one.stage is not None and back:
        blue_green.roll_back(call, of, one, scheduler.run_soon)
        one.rollback = of.primary
    else:
        circuit_breaker.stop(call, of, one, back=back)
        scheduler.run_soon(call, of)
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def _find(call: Call, place: str) -> tuple[Service, Deployment] | None:
    for of in ecs_state(call).services.values():
        for one in of.history:
            if _arn(call, of, one) == place:
                return of, one
    return None


def _arn(call: Call, of: Service, one: Deployment) -> str:
    return make_arn(call, "service-deployment", of.cluster.name, of.name, one.id.rpartition("/")[2])


def _brief(call: Call, of: Service, one: Deployment) -> dict[str, Any]:
    told = {
        "serviceDeploymentArn": _arn(call, of, one),
        "serviceArn": of.arn,
        "clusterArn": of.cluster.arn,
        "createdAt": one.created,
        "startedAt": one.created,
        "status": _BACK[one.rollback.rollout_state] if one.rollback is not None else _STATUS[one.rollout_state],
        "targetServiceRevisionArn": make_arn(
            call, "service-revision", of.cluster.name, of.name, one.id.rpartition("/")[2]
        ),
    }
    if one.rollout_state != "IN_PROGRESS":
        told["finishedAt"] = one.updated
    return told


def _told(call: Call, of: Service, one: Deployment) -> dict[str, Any]:
    brief = _brief(call, of, one)
    target = brief.pop("targetServiceRevisionArn")
    told: dict[str, Any] = {**brief, "updatedAt": one.updated, "targetServiceRevision": {"arn": target}}
    if one.stage is not None:
        told["lifecycleStage"] = one.stage
    if one.paused_hook is not None:
        hook = {"hookId": one.paused_hook, "targetType": "PAUSE", "status": "AWAITING_ACTION"}
        told["lifecycleHookDetails"] = [hook]
    return told
