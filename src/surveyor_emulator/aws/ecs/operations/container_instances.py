"""Operations on container instances: EC2 instances whose user data names a cluster (`ECS_CLUSTER=…`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, invalid_parameter, make_arn, paginate
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.services import scheduler
from surveyor_emulator.aws.ecs.state import Cluster, ContainerInstance
from surveyor_emulator.aws.ecs.tags import format_tags
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
    """Return the ARNs of a cluster's container instances, a page at a time."""
    cluster, status = find_cluster(call, request.get("cluster")), request.get("status")
    scheduler.update_hosts(call)
    matching = [
        instance.arn
        for instance in ecs_state(call).instances.values()
        if instance.cluster is cluster and (status is None or instance.status == status)
    ]
    arns, token = paginate(matching, request)
    answer: dict[str, object] = {"containerInstanceArns": arns}
    return {**answer, "nextToken": token} if token else answer


def describe_container_instances(call: Call, request: DescribeContainerInstancesRequestTypeDef) -> Document:
    """Return container instances by id or ARN; unknown ones are failures."""
    scheduler.update_hosts(call)
    instances, failures = _find(call, find_cluster(call, request.get("cluster")), request["containerInstances"])
    return {"containerInstances": [_describe(call, instance) for instance in instances], "failures": failures}


def update_container_instances_state(call: Call, request: UpdateContainerInstancesStateRequestTypeDef) -> Document:
    """Set instances to ACTIVE or DRAINING: no task is placed on a draining one, and its service tasks are replaced."""
    status = request["status"]
    if status not in ("ACTIVE", "DRAINING"):
        raise invalid_parameter("status must be ACTIVE or DRAINING")
    cluster = find_cluster(call, request.get("cluster"))
    instances, failures = _find(call, cluster, request["containerInstances"])
    for instance in instances:
        instance.status = status
    for service in ecs_state(call).services.values():
        if service.cluster is cluster:
            scheduler.run_soon(call, service)
    return {"containerInstances": [_describe(call, instance) for instance in instances], "failures": failures}


def deregister_container_instance(call: Call, request: DeregisterContainerInstanceRequestTypeDef) -> Document:
    """Remove an instance from its cluster; with `force` its tasks are stopped."""
    cluster = find_cluster(call, request.get("cluster"))
    instances, _ = _find(call, cluster, [request["containerInstance"]])
    if not instances:
        raise invalid_parameter("Referenced container instance not found.")
    instance = instances[0]
    tasks = [task for task in ecs_state(call).tasks.values() if task.instance is instance and task.status != "STOPPED"]
    if tasks and not request.get("force"):
        raise invalid_parameter("Found running tasks on the instance.")
    own_call = call_as_ecs(call.world, call.account, call.region)
    for task in tasks:
        scheduler.stop_task(own_call, task, "UserInitiated", "Container instance was deregistered")
    instance.status, instance.agent_connected = "INACTIVE", False
    del ecs_state(call).instances[instance.arn]
    ecs_state(call).deregistered_instances.add(instance.ec2_id)
    return {"containerInstance": _describe(call, instance)}


def _find(call: Call, cluster: Cluster, references: Any) -> tuple[list[ContainerInstance], list[dict[str, str]]]:
    """Return the instances that exist, and a failure for each that does not."""
    found, failures = [], []
    for reference in references:
        is_arn = reference.startswith("arn:")
        arn = reference if is_arn else make_arn(call, "container-instance", cluster.name, reference)
        instance = ecs_state(call).instances.get(arn)
        if instance is None or instance.cluster is not cluster:
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(instance)
    return found, failures


def _describe(call: Call, instance: ContainerInstance) -> dict[str, Any]:
    tasks = [task for task in ecs_state(call).tasks.values() if task.instance is instance]
    return {
        "containerInstanceArn": instance.arn,
        "ec2InstanceId": instance.ec2_id,
        "status": instance.status,
        "agentConnected": instance.agent_connected,
        "runningTasksCount": sum(task.should_run for task in tasks),
        "pendingTasksCount": sum(task.status in ("PROVISIONING", "PENDING", "ACTIVATING") for task in tasks),
        "registeredAt": instance.registered,
        "attributes": [{"name": "ecs.availability-zone", "value": instance.zone}],
        "tags": format_tags(ecs_state(call).tags.get(instance.arn, {})),
    }
