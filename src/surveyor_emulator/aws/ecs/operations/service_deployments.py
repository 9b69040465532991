"""Operations on service deployments: the outcome of each change of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.deployments import hooks, rollout, stages
from surveyor_emulator.aws.ecs.deployments.alarms import format_alarms
from surveyor_emulator.aws.ecs.deployments.settings import threshold_of
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_service,
    invalid_parameter,
    paginate,
)
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.shapes import (
    format_deployment_configuration,
    format_launch,
    format_load_balancers,
    format_registries,
    format_resolved,
    format_revision_summary,
    image_digest,
    revision_arn,
    service_deployment_arn,
)
from surveyor_emulator.aws.ecs.state import Deployment, Service, Task
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DescribeServiceDeploymentsRequestTypeDef,
        DescribeServiceRevisionsRequestTypeDef,
        ListServiceDeploymentsRequestTypeDef,
    )

__all__ = [
    "continue_service_deployment",
    "describe_service_deployments",
    "describe_service_revisions",
    "list_service_deployments",
    "stop_service_deployment",
]

MAX_DESCRIBED = 20
PAGE_SIZE = 20
NO_CANDIDATE = "No rollback candidate was found to run the rollback."
_NO_ALARMS: Mapping[str, object] = {"alarmNames": [], "rollback": False, "enable": False}
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
    created = request.get("createdAt") or {}
    matching = [
        brief
        for brief in briefs
        if not statuses or brief["status"] in statuses
        if _is_within(brief["createdAt"], created.get("after"), created.get("before"))
    ]
    entries, token = paginate(matching, {"maxResults": PAGE_SIZE, **request})
    answer: dict[str, object] = {"serviceDeployments": entries}
    return {**answer, "nextToken": token} if token else answer


def _is_within(moment: float, after: Any, before: Any) -> bool:
    """Return whether a moment is within the bounds, in whole milliseconds, as timestamps are in answers."""
    since, until = (None if bound is None else round(float(bound), 3) for bound in (after, before))
    moment = round(moment, 3)
    return (since is None or moment >= since) and (until is None or moment <= until)


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


def describe_service_revisions(call: Call, request: DescribeServiceRevisionsRequestTypeDef) -> Document:
    """Return service revisions by ARN; unknown ones are failures."""
    arns = request["serviceRevisionArns"]
    if not 0 < len(arns) <= MAX_DESCRIBED:
        raise invalid_parameter(f"1 to {MAX_DESCRIBED} service revisions are described at once")
    known = {
        revision_arn(call, service, deployment.revision): (service, deployment)
        for service in ecs_state(call).services.values()
        for deployment in service.history
    }
    return {
        "serviceRevisions": [_describe_revision(call, *known[arn]) for arn in arns if arn in known],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
    }


def continue_service_deployment(call: Call, request: Any) -> Document:
    """Continue after a pause, or roll back."""
    service, deployment = _require(call, request["serviceDeploymentArn"])
    run = next((run for run in deployment.hook_runs if run.id == request["hookId"]), None)
    if run is None or run.status != "AWAITING_ACTION":
        raise invalid_parameter("The service deployment has no such paused hook.")
    own_call = call_as_ecs(call.world, call.account, call.region)
    hooks.answer(own_call, service, deployment, run, succeeded=request.get("action") != "ROLLBACK")
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def stop_service_deployment(call: Call, request: Any) -> Document:
    """Stop a deployment in progress: roll back to the one before, or leave the tasks as they are (ABORT)."""
    service, deployment = _require(call, request["serviceDeploymentArn"])
    if deployment.rollout_state != "IN_PROGRESS":
        raise ServiceError("ConflictException", "The service deployment is not in progress.", resourceIds="")
    rolls_back = request.get("stopType", "ROLLBACK") == "ROLLBACK"
    if deployment.stage is not None and rolls_back:
        stages.roll_back(call, service, deployment, scheduler.run_soon)
    else:
        rollout.stop(call, service, deployment, rolls_back=rolls_back)
        scheduler.run_soon(call, service)
    return {"serviceDeploymentArn": request["serviceDeploymentArn"]}


def _find(call: Call, arn: str) -> tuple[Service, Deployment] | None:
    for service in ecs_state(call).services.values():
        for deployment in service.history:
            if service_deployment_arn(call, service, deployment) == arn:
                return service, deployment
    return None


def _require(call: Call, arn: str) -> tuple[Service, Deployment]:
    found = _find(call, arn)
    if found is None:
        raise ServiceError("ServiceDeploymentNotFoundException", "The service deployment was not found.")
    return found


def _status(deployment: Deployment) -> str:
    rollback = deployment.rollback
    if rollback is None:
        is_superseded = deployment.rollout_state == "IN_PROGRESS" and deployment.status != "PRIMARY"
        return "STOPPED" if is_superseded else _STATUS[deployment.rollout_state]
    return "ROLLBACK_FAILED" if rollback.target is None else _ROLLBACK_STATUS[rollback.target.rollout_state]


def _status_reason(deployment: Deployment) -> str | None:
    """Return why a service deployment was rolled back or stopped; None if it was not."""
    rollback = deployment.rollback
    if rollback is not None:
        return rollback.reason if rollback.target is not None else NO_CANDIDATE
    return deployment.reason if deployment.rollout_state == "FAILED" else None


def _brief(call: Call, service: Service, deployment: Deployment) -> dict[str, Any]:
    """Return ecs ServiceDeploymentBrief."""
    status, reason, rollback = _status(deployment), _status_reason(deployment), deployment.rollback
    brief = {
        "serviceDeploymentArn": service_deployment_arn(call, service, deployment),
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "createdAt": deployment.created,
        "startedAt": deployment.created,
        "status": status,
        "targetServiceRevisionArn": revision_arn(call, service, deployment.revision),
    }
    if status not in ("IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
        ended = rollback.target if rollback is not None and rollback.target is not None else deployment
        brief["finishedAt"] = max(deployment.updated, ended.updated)
    return brief if reason is None else {**brief, "statusReason": reason}


def _describe(call: Call, service: Service, deployment: Deployment) -> dict[str, Any]:
    """Return ecs ServiceDeployment."""
    brief, tasks = _brief(call, service, deployment), scheduler.active_tasks_of(call, service)
    del brief["targetServiceRevisionArn"]
    document: dict[str, Any] = {
        **brief,
        "updatedAt": brief.get("finishedAt", deployment.updated),
        "sourceServiceRevisions": [
            _summarise(call, service, deployment, source, tasks) for source in deployment.sources
        ],
        "targetServiceRevision": _summarise(call, service, deployment, deployment, tasks),
        "deploymentConfiguration": {**format_deployment_configuration(service), "alarms": service.alarms or _NO_ALARMS},
        "deploymentCircuitBreaker": {
            "status": _breaker_status(service, deployment),
            "failureCount": deployment.failed_tasks,
            "threshold": threshold_of(service),
        },
        "alarms": format_alarms(deployment),
    }
    rollback = deployment.rollback
    if rollback is not None:
        document["rollback"] = {"reason": rollback.reason, "startedAt": rollback.started}
        if rollback.revision is not None:
            document["rollback"]["serviceRevisionArn"] = revision_arn(call, service, rollback.revision)
    if deployment.stopped is not None:
        document["stoppedAt"] = deployment.stopped
    if deployment.stage is not None:
        document["lifecycleStage"] = deployment.stage
    if deployment.hook_runs:
        document["lifecycleHookDetails"] = hooks.format_hooks(deployment)
    return document


def _summarise(
    call: Call, service: Service, deployment: Deployment, of: Deployment, tasks: list[Task]
) -> dict[str, Any]:
    """Return the ServiceRevisionSummary of a deployment's target or source: as it was, if that completed early."""
    summary = format_revision_summary(call, service, of, tasks)
    final = deployment.final_counts.get(of.revision)
    if final is None:
        return summary
    return {**summary, "runningTaskCount": final["runningCount"], "pendingTaskCount": final["pendingCount"]}


def _describe_revision(call: Call, service: Service, deployment: Deployment) -> dict[str, Any]:
    """Return ecs ServiceRevision."""
    template = deployment.template
    document: dict[str, Any] = {
        "serviceRevisionArn": revision_arn(call, service, deployment.revision),
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "taskDefinition": template.definition.arn,
        "loadBalancers": format_load_balancers(template.load_balancers),
        "serviceRegistries": format_registries(template.registry),
        "containerImages": [
            {
                "containerName": container.name,
                "imageDigest": image_digest(container.image),
                "image": container.image,
            }
            for container in template.definition.containers
        ],
        "resolvedConfiguration": {"loadBalancers": format_resolved(template.load_balancers)},
        "guardDutyEnabled": False,
        "createdAt": deployment.created,
        **format_launch(deployment),
    }
    if template.connect is not None:
        document["serviceConnectConfiguration"] = template.connect.document
    return document


def _breaker_status(service: Service, deployment: Deployment) -> str:
    if not service.circuit_breaker.get("enable"):
        return "DISABLED"
    if deployment.rollout_state == "IN_PROGRESS":
        return "MONITORING"
    has_triggered = deployment.rollout_state == "FAILED" and deployment.failed_tasks >= threshold_of(service)
    return "TRIGGERED" if has_triggered else "MONITORING_COMPLETE"
