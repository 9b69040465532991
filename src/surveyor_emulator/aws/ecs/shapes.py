"""Tasks, services, deployments and task sets as the API tells them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surveyor_emulator.aws.ecs.lookup import find_published
from surveyor_emulator.core.world import Call

from . import tags
from .lookup import ecs_state
from .state import Container, Deployment, Service, ServiceRegistry, Task, TaskSet

__all__ = ["format_service", "format_task", "format_task_set"]

_LATER = {
    "connectivityAt": "started",
    "pullStartedAt": "pull_started",
    "pullStoppedAt": "pull_stopped",
    "startedAt": "started",
    "stoppingAt": "stopping",
    "executionStoppedAt": "execution_stopped",
    "stoppedAt": "stopped",
    "stopCode": "stop_code",
    "stoppedReason": "stopped_reason",
    "startedBy": "started_by",
}
_WAITING = ("PROVISIONING", "PENDING", "ACTIVATING")


def format_task(call: Call, of: Task) -> dict[str, Any]:
    """ecs Task."""
    definition = of.template.definition
    told: dict[str, Any] = {
        "taskArn": of.arn,
        "clusterArn": of.cluster.arn,
        "taskDefinitionArn": definition.arn,
        "containers": [_container(of, one) for one in of.containers],
        "attachments": _attachments(of),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "overrides": of.overrides or {"containerOverrides": [{"name": one.definition.name} for one in of.containers]},
        "group": of.group,
        "launchType": of.template.launch_type,
        "lastStatus": of.status,
        "desiredStatus": of.desired_status,
        "healthStatus": of.health,
        "createdAt": of.created,
        "availabilityZone": of.zone,
        "version": of.version,
        "enableExecuteCommand": False,
        "connectivity": "CONNECTED" if of.status == "RUNNING" else "DISCONNECTED",
        "tags": tags.format_tags(of.tags),
    }
    for key in ("cpu", "memory"):
        if key in definition.document:
            told[key] = definition.document[key]
    if of.template.platform_version is not None:
        told |= {"platformVersion": of.template.platform_version, "platformFamily": "Linux"}
    if of.instance is not None:
        told["containerInstanceArn"] = of.instance.arn
    for key, name in _LATER.items():
        value = getattr(of, name)
        if value is not None:
            told[key] = value
    return told


def _container(task: Task, of: Container) -> dict[str, Any]:
    told: dict[str, Any] = {
        "containerArn": of.arn,
        "taskArn": task.arn,
        "name": of.definition.name,
        "image": of.definition.image,
        "lastStatus": of.status,
        "healthStatus": of.health,
        "cpu": str(of.definition.document["cpu"]),
        "networkBindings": [
            {"bindIP": "0.0.0.0", "containerPort": inside, "hostPort": outside, "protocol": "tcp"}
            for inside, outside in of.host_ports.items()
        ],
        "networkInterfaces": [_interface(task)] if task.template.network is not None and task.address else [],
    }
    if of.exit_code is not None:
        told["exitCode"] = of.exit_code
    if of.reason is not None:
        told["reason"] = of.reason
    if of.process is not None and of.process.pid:
        told["runtimeId"] = f"{task.id}-{of.process.id}"
    return told


def _interface(task: Task) -> dict[str, str]:
    told = {"attachmentId": task.attachment}
    if task.address and not task.ipv6_only:
        told["privateIpv4Address"] = task.address
    if task.ipv6:
        told["ipv6Address"] = task.ipv6
    return told


def _attachments(of: Task) -> list[dict[str, Any]]:
    if of.template.network is None:
        return []
    details = {"subnetId": of.subnet, "networkInterfaceId": f"eni-{of.attachment.replace('-', '')[:17]}"}
    if not of.ipv6_only:
        details["privateIPv4Address"] = of.address
    if of.ipv6:
        details["ipv6Address"] = of.ipv6
    status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(of.status, "ATTACHED")
    return [
        {
            "id": of.attachment,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        }
    ]


def format_service(call: Call, of: Service, tasks: Iterable[Task], *, with_tags: bool = False) -> dict[str, Any]:
    """ecs Service."""
    mine = list(tasks)
    current = of.primary
    told: dict[str, Any] = {
        **of.document,
        "serviceArn": of.arn,
        "serviceName": of.name,
        "clusterArn": of.cluster.arn,
        "status": of.status,
        "desiredCount": of.desired_count,
        **_counts(mine),
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": of.circuit_breaker,
            "maximumPercent": of.maximum_percent,
            "minimumHealthyPercent": of.minimum_percent,
            "strategy": "ROLLING" if of.blue_green is None else "BLUE_GREEN",
            **({} if of.blue_green is None else of.blue_green.document),
        },
        "deployments": []
        if of.controller == "EXTERNAL"
        else [_deployment(call, of, one, mine) for one in of.deployments],
        "events": list(reversed(of.events[-100:])),
        "createdAt": of.created,
        "createdBy": of.created_by,
        "schedulingStrategy": of.scheduling_strategy,
        "availabilityZoneRebalancing": of.rebalancing,
        "serviceRegistries": _registries(current.template.registry if current is not None else None),
        "propagateTags": of.document.get("propagateTags") or "NONE",
    }
    if of.document.get("deploymentController"):
        told["deploymentController"] = {"type": of.controller}
    if of.grace_period:
        told["healthCheckGracePeriodSeconds"] = of.grace_period
    if current is not None and of.controller != "EXTERNAL":
        told["taskDefinition"] = current.template.definition.arn
        told |= _launch(current)
    if of.task_sets:
        told["taskSets"] = [format_task_set(call, of, one, mine) for one in of.task_sets]
    if with_tags:
        told["tags"] = tags.format_tags(ecs_state(call).tags.get(of.arn, {}))
    return told


def _deployment(call: Call, of: Service, one: Deployment, tasks: list[Task]) -> dict[str, Any]:
    mine = [task for task in tasks if task.deployment is one]
    told: dict[str, Any] = {
        "id": one.id,
        "status": one.status,
        "taskDefinition": one.template.definition.arn,
        "desiredCount": of.desired_count if one.status == "PRIMARY" else 0,
        **_counts(mine),
        "failedTasks": one.failed_tasks,
        "createdAt": one.created,
        "updatedAt": one.updated,
        "rolloutState": one.rollout_state,
        "rolloutStateReason": one.reason,
        **_launch(one),
    }
    if one.template.connect is not None:
        told["serviceConnectConfiguration"] = one.template.connect.document
        told["serviceConnectResources"] = [
            {"discoveryName": two.endpoint.discovery_name, "discoveryArn": two.discovery_arn}
            for two in find_published(call, one.template.connect.owner, one.template.connect.namespace_id)
            if two.service_arn == of.arn
        ]
    return told


def format_task_set(call: Call, service: Service, of: TaskSet, tasks: Iterable[Task]) -> dict[str, Any]:
    """ecs TaskSet."""
    one = of.deployment
    mine = [task for task in tasks if task.deployment is one]
    stable = of.stable_since is not None
    told: dict[str, Any] = {
        "id": one.id,
        "taskSetArn": of.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "status": of.status,
        "taskDefinition": one.template.definition.arn,
        "computedDesiredCount": computed_desired_count(service, of),
        **_counts(mine),
        "createdAt": one.created,
        "updatedAt": one.updated,
        "scale": {"value": of.scale_percent, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if stable else "STABILIZING",
        "stabilityStatusAt": of.stable_since if of.stable_since is not None else one.updated,
        "serviceRegistries": _registries(one.template.registry),
        "loadBalancers": [],
        "tags": tags.format_tags(ecs_state(call).tags.get(of.arn, {})),
        **_launch(one),
    }
    if one.external_id is not None:
        told["externalId"] = one.external_id
    if of.started_by is not None:
        told["startedBy"] = of.started_by
    return told


def computed_desired_count(service: Service, of: TaskSet) -> int:
    """ecs TaskSet.computedDesiredCount: the service's count times the scale, rounded up."""
    return -int(-service.desired_count * of.scale_percent // 100)


def _counts(tasks: list[Task]) -> dict[str, int]:
    return {
        "runningCount": sum(one.status == "RUNNING" for one in tasks),
        "pendingCount": sum(one.status in _WAITING and one.should_run for one in tasks),
    }


def _launch(of: Deployment) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if of.template.capacity_provider_strategy:
        told["capacityProviderStrategy"] = list(of.template.capacity_provider_strategy)
    else:
        told["launchType"] = of.template.launch_type
    if of.template.platform_version is not None:
        told |= {"platformVersion": of.template.platform_version, "platformFamily": "Linux"}
    if of.template.network is not None:
        told["networkConfiguration"] = of.template.network.to_document()
    return told


def _registries(of: ServiceRegistry | None) -> list[dict[str, Any]]:
    if of is None:
        return []
    told = {
        "registryArn": of.arn,
        "port": of.port,
        "containerName": of.container,
        "containerPort": of.container_port,
    }
    return [{key: value for key, value in told.items() if value is not None}]
