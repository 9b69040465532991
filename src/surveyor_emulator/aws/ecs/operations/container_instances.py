"""Container instances: EC2 instances whose user data names a cluster (`ECS_CLUSTER=…`), as the agent reads it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.container_agent import update_container_instances
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, invalid_parameter, make_arn
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.state import Cluster, ContainerInstance, Task
from surveyor_emulator.aws.ecs.tasks import lifecycle
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DeregisterContainerInstanceRequestTypeDef,
        DescribeContainerInstancesRequestTypeDef,
        ListContainerInstancesRequestTypeDef,
        UpdateContainerInstancesStateRequestTypeDef,
    )

__all__ = [
    "deregister_container_instance",
    "describe_container_instances",
    "list_container_instances",
    "update_container_instances_state",
]


def list_container_instances(call: Call, request: ListContainerInstancesRequestTypeDef) -> Document:
    """ARNs, a page at a time."""
    within, wanted = find_cluster(call, request.get("cluster")), request.get("status")
    update_container_instances(call, partial(_gone, call))
    found = [
        one.arn
        for one in ecs_state(call).instances.values()
        if one.cluster is within and (wanted is None or one.status == wanted)
    ]
    shown, token = paginate(found, request)
    answer: dict[str, object] = {"containerInstanceArns": shown}
    return {**answer, "nextToken": token} if token else answer


def describe_container_instances(call: Call, request: DescribeContainerInstancesRequestTypeDef) -> Document:
    """Container instances by id or ARN; those that are not there are failures."""
    update_container_instances(call, partial(_gone, call))
    found, failures = _picked(call, find_cluster(call, request.get("cluster")), request["containerInstances"])
    return {"containerInstances": [_told(call, one) for one in found], "failures": failures}


def update_container_instances_state(call: Call, request: UpdateContainerInstancesStateRequestTypeDef) -> Document:
    """ACTIVE, or DRAINING: its service tasks are replaced elsewhere, and nothing new is placed on it."""
    wanted = request["status"]
    if wanted not in ("ACTIVE", "DRAINING"):
        raise invalid_parameter("status is to be ACTIVE or DRAINING")
    found, failures = _picked(call, find_cluster(call, request.get("cluster")), request["containerInstances"])
    own = call_as_ecs(call.world, call.account, call.region)
    for one in found:
        one.status = wanted
        for service in {id(task.service): task.service for task in ecs_state(call).tasks.values()}.values():
            if service is not None:
                scheduler.run_soon(own, service)
    return {"containerInstances": [_told(call, one) for one in found], "failures": failures}


def deregister_container_instance(call: Call, request: DeregisterContainerInstanceRequestTypeDef) -> Document:
    """Let an instance go; with `force` its tasks are stopped."""
    within = find_cluster(call, request.get("cluster"))
    found, _ = _picked(call, within, [request["containerInstance"]])
    if not found:
        raise invalid_parameter("Referenced container instance not found.")
    one = found[0]
    there = [task for task in ecs_state(call).tasks.values() if task.instance is one and task.status != "STOPPED"]
    if there and not request.get("force"):
        raise invalid_parameter("Found running tasks on the instance.")
    own = call_as_ecs(call.world, call.account, call.region)
    for task in there:
        lifecycle.stop(own, task, "UserInitiated", "Container instance was deregistered", lambda task: None)
        if task.service is not None:
            scheduler.run_soon(own, task.service)
    one.status, one.agent_connected = "INACTIVE", False
    del ecs_state(call).instances[one.arn]
    ecs_state(call).deregistered_instances.add(one.ec2_id)
    return {"containerInstance": _told(call, one)}


def _gone(call: Call, task: Task, why: str) -> None:
    own = call_as_ecs(call.world, call.account, call.region)

    def changed(one: Task) -> None:
        if one.service is not None:
            scheduler.run_soon(own, one.service)

    lifecycle.stop(own, task, "TerminationNotice", why, changed)


def _picked(call: Call, within: Cluster, references: Any) -> tuple[list[ContainerInstance], list[dict[str, str]]]:
    found, failures = [], []
    for reference in references:
        full = (
            reference if reference.startswith("arn:") else make_arn(call, "container-instance", within.name, reference)
        )
        one = ecs_state(call).instances.get(full)
        if one is None or one.cluster is not within:
            failures.append({"arn": full, "reason": "MISSING"})
        else:
            found.append(one)
    if not references:
        raise ServiceError("InvalidParameterException", "Container instances cannot be empty.")
    return found, failures


def _told(call: Call, of: ContainerInstance) -> dict[str, Any]:
    tasks = [one for one in ecs_state(call).tasks.values() if one.instance is of]
    return {
        "containerInstanceArn": of.arn,
        "ec2InstanceId": of.ec2_id,
        "status": of.status,
        "agentConnected": of.agent_connected,
        "runningTasksCount": sum(one.status == "RUNNING" for one in tasks),
        "pendingTasksCount": sum(one.status in ("PROVISIONING", "PENDING", "ACTIVATING") for one in tasks),
        "registeredAt": of.registered,
        "version": 1,
        "versionInfo": {},
        "remainingResources": [],
        "registeredResources": [],
        "attributes": [{"name": "ecs.availability-zone", "value": of.zone}],
        "attachments": [],
        "tags": [],
    }
