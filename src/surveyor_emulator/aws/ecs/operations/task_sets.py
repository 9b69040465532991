"""Operations on task sets: deployments that an external controller creates and scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, find_service, invalid_parameter, make_arn
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.services.rules import build_template
from surveyor_emulator.aws.ecs.shapes import format_task_set
from surveyor_emulator.aws.ecs.state import Deployment, Service, TaskSet
from surveyor_emulator.aws.ecs.tags import parse_tags
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        CreateTaskSetRequestTypeDef,
        DeleteTaskSetRequestTypeDef,
        DescribeTaskSetsRequestTypeDef,
        UpdateServicePrimaryTaskSetRequestTypeDef,
        UpdateTaskSetRequestTypeDef,
    )

__all__ = [
    "create_task_set",
    "delete_task_set",
    "describe_task_sets",
    "update_service_primary_task_set",
    "update_task_set",
]

MAX_TASK_SETS = 5  # of one service


def create_task_set(call: Call, request: CreateTaskSetRequestTypeDef) -> Document:
    """Deploy beside the existing task sets; the scale decides how many tasks are started."""
    service = _find_external_service(call, request["cluster"], request["service"])
    if len(service.task_sets) >= MAX_TASK_SETS:
        raise ServiceError("LimitExceededException", f"a service has at most {MAX_TASK_SETS} task sets")
    percent = _parse_percent(request.get("scale"))
    template = build_template(call, service.cluster, request)
    identity = f"ecs-svc/{call.world.random.randrange(10**18, 10**19)}"
    deployment = Deployment(
        identity, template, created=call.now, updated=call.now, external_id=request.get("externalId")
    )
    arn = make_arn(call, "task-set", service.cluster.name, service.name, identity)
    task_set = TaskSet(deployment, arn, percent)
    ecs_state(call).tags[arn] = parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    service.task_sets.append(task_set)
    service.deployments.append(deployment)
    scheduler.run_soon(call, service)
    return {"taskSet": format_task_set(call, service, task_set, [])}


def update_task_set(call: Call, request: UpdateTaskSetRequestTypeDef) -> Document:
    """Change the scale."""
    service = _find_external_service(call, request["cluster"], request["service"])
    task_set = _find(service, request["taskSet"])
    task_set.scale_percent, task_set.stable_since = _parse_percent(request["scale"]), None
    task_set.deployment.updated = call.now
    scheduler.run_soon(call, service)
    return {"taskSet": format_task_set(call, service, task_set, scheduler.active_tasks_of(call, service))}


def update_service_primary_task_set(call: Call, request: UpdateServicePrimaryTaskSetRequestTypeDef) -> Document:
    """Make a task set the service's primary one."""
    service = _find_external_service(call, request["cluster"], request["service"])
    primary = _find(service, request["primaryTaskSet"])
    for task_set in service.task_sets:
        if task_set.status == "PRIMARY":
            task_set.status = "ACTIVE"
    primary.status = "PRIMARY"
    return {"taskSet": format_task_set(call, service, primary, scheduler.active_tasks_of(call, service))}


def delete_task_set(call: Call, request: DeleteTaskSetRequestTypeDef) -> Document:
    """Drain a task set; with `force` also one that is not scaled to zero."""
    service = _find_external_service(call, request["cluster"], request["service"])
    task_set = _find(service, request["taskSet"])
    if task_set.scale_percent and not request.get("force"):
        raise invalid_parameter("a task set that is scaled above 0 is deleted only with force")
    task_set.status = "DRAINING"
    scheduler.run_soon(call, service)
    return {"taskSet": format_task_set(call, service, task_set, scheduler.active_tasks_of(call, service))}


def describe_task_sets(call: Call, request: DescribeTaskSetsRequestTypeDef) -> Document:
    """Return all task sets of a service, or the named ones; unknown ones are failures."""
    service = _find_external_service(call, request["cluster"], request["service"])
    references = request.get("taskSets")
    found = [
        task_set
        for task_set in service.task_sets
        if not references or task_set.arn in references or task_set.deployment.id in references
    ]
    known = {name for task_set in found for name in (task_set.arn, task_set.deployment.id)}
    tasks = scheduler.active_tasks_of(call, service)
    return {
        "taskSets": [format_task_set(call, service, task_set, tasks) for task_set in found],
        "failures": [{"arn": name, "reason": "MISSING"} for name in references or () if name not in known],
    }


def _find_external_service(call: Call, cluster: str, reference: str) -> Service:
    service = find_service(call, find_cluster(call, cluster), reference)
    if service.status != "ACTIVE":
        raise ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")
    if service.controller != "EXTERNAL":
        raise invalid_parameter("Task sets are for services with an EXTERNAL deployment controller.")
    return service


def _find(service: Service, reference: str) -> TaskSet:
    for task_set in service.task_sets:
        if reference in (task_set.arn, task_set.deployment.id):
            return task_set
    raise ServiceError("TaskSetNotFoundException", "The specified task set was not found.")


def _parse_percent(scale: Any) -> float:
    percent = 100.0 if not scale or scale.get("value") is None else float(scale["value"])
    if not 0 <= percent <= 100:
        raise invalid_parameter("a scale is from 0 to 100 percent")
    return percent
