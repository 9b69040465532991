"""Task sets: deployments that somebody else's controller makes and weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs import tags
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, find_service, invalid_parameter, make_arn
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.services.rules import template
from surveyor_emulator.aws.ecs.shapes import format_task_set
from surveyor_emulator.aws.ecs.state import Deployment, Service, TaskSet
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

MOST = 5  # of a service


def create_task_set(call: Call, request: CreateTaskSetRequestTypeDef) -> Document:
    """Deploy beside what is there; tasks come as many as the scale says."""
    of = _external(call, request["cluster"], request["service"])
    if len(of.task_sets) >= MOST:
        raise ServiceError("LimitExceededException", f"a service has at most {MOST} task sets")
    percent = _percent(request.get("scale"))
    wanted = template(call, of.cluster, request)
    identity = f"ecs-svc/{call.world.random.randrange(10**18, 10**19)}"
    deployment = Deployment(identity, wanted, created=call.now, updated=call.now, external_id=request.get("externalId"))
    place = make_arn(call, "task-set", of.cluster.name, of.name, identity)
    made = TaskSet(deployment, place, percent, None)
    given = tags.parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
    if given:
        ecs_state(call).tags[made.arn] = given
    of.task_sets.append(made)
    of.deployments.append(deployment)
    scheduler.run_soon(call, of)
    return {"taskSet": format_task_set(call, of, made, [])}


def update_task_set(call: Call, request: UpdateTaskSetRequestTypeDef) -> Document:
    """Change the scale."""
    of = _external(call, request["cluster"], request["service"])
    found = _find(of, request["taskSet"])
    found.scale_percent, found.stable_since, found.deployment.updated = _percent(request["scale"]), None, call.now
    scheduler.run_soon(call, of)
    return {"taskSet": format_task_set(call, of, found, scheduler.active_tasks_of(call, of))}


def update_service_primary_task_set(call: Call, request: UpdateServicePrimaryTaskSetRequestTypeDef) -> Document:
    """Make a task set the service's primary one."""
    of = _external(call, request["cluster"], request["service"])
    found = _find(of, request["primaryTaskSet"])
    for one in of.task_sets:
        if one.status == "PRIMARY":
            one.status = "ACTIVE"
    found.status = "PRIMARY"
    return {"taskSet": format_task_set(call, of, found, scheduler.active_tasks_of(call, of))}


def delete_task_set(call: Call, request: DeleteTaskSetRequestTypeDef) -> Document:
    """Let a task set drain; with `force` one that is not scaled to zero, too."""
    of = _external(call, request["cluster"], request["service"])
    found = _find(of, request["taskSet"])
    if found.scale_percent and not request.get("force"):
        raise invalid_parameter("a task set that is scaled above 0 is deleted only with force")
    found.status = "DRAINING"
    scheduler.run_soon(call, of)
    return {"taskSet": format_task_set(call, of, found, scheduler.active_tasks_of(call, of))}


def describe_task_sets(call: Call, request: DescribeTaskSetsRequestTypeDef) -> Document:
    """All of a service's, or those that are named."""
    of = _external(call, request["cluster"], request["service"])
    wanted = request.get("taskSets")
    found = [one for one in of.task_sets if not wanted or one.arn in wanted or one.deployment.id in wanted]
    known = {name for one in found for name in (one.arn, one.deployment.id)}
    tasks = scheduler.active_tasks_of(call, of)
    return {
        "taskSets": [format_task_set(call, of, one, tasks) for one in found],
        "failures": [{"arn": one, "reason": "MISSING"} for one in wanted or () if one not in known],
    }


def _external(call: Call, within: str, reference: str) -> Service:
    found = find_service(call, find_cluster(call, within), reference)
    if found.status != "ACTIVE":
        raise ServiceError("ServiceNotActiveException", "Service was not ACTIVE.")
    if found.controller != "EXTERNAL":
        raise invalid_parameter("Task sets are for services with an EXTERNAL deployment controller.")
    return found


def _find(of: Service, reference: str) -> TaskSet:
    for one in of.task_sets:
        if reference in (one.arn, one.deployment.id):
            return one
    raise ServiceError("TaskSetNotFoundException", "The specified task set was not found.")


def _percent(scale: Any) -> float:
    given = 100.0 if not scale or scale.get("value") is None else float(scale["value"])
    if not 0 <= given <= 100:
        raise invalid_parameter("a scale is from 0 to 100 percent")
    return given
