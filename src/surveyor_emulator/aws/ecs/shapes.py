"""Shapes of the ECS API: tasks, services, deployments and task sets as answers and events contain them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from surveyor_emulator.core.world import Call

from .lookup import ecs_state, find_published
from .state import Container, Deployment, Service, ServiceRegistry, Task, TaskSet
from .tags import format_tags

__all__ = ["computed_desired_count", "format_service", "format_task", "format_task_set"]

# Member -> attribute of the task; absent as long as it is None.
_OPTIONAL = {
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
_PENDING = ("PROVISIONING", "PENDING", "ACTIVATING")
MAX_EVENTS = 100


def format_task(call: Call, task: Task) -> dict[str, Any]:
    """Return ecs Task."""
    definition = task.template.definition
    no_overrides = [{"name": container.definition.name} for container in task.containers]
    document: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": task.cluster.arn,
        "taskDefinitionArn": definition.arn,
        "containers": [_format_container(task, container) for container in task.containers],
        "attachments": _format_attachments(task),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "overrides": task.overrides or {"containerOverrides": no_overrides},
        "group": task.group,
        "launchType": task.template.launch_type,
        "lastStatus": task.status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health,
        "createdAt": task.created,
        "availabilityZone": task.zone,
        "version": task.version,
        "enableExecuteCommand": False,
        "connectivity": "CONNECTED" if task.status == "RUNNING" else "DISCONNECTED",
        "tags": format_tags(task.tags),
    }
    for key in ("cpu", "memory"):
        if key in definition.document:
            document[key] = definition.document[key]
    if task.template.platform_version is not None:
        document |= {"platformVersion": task.template.platform_version, "platformFamily": "Linux"}
    if task.instance is not None:
        document["containerInstanceArn"] = task.instance.arn
    for key, attribute in _OPTIONAL.items():
        value = getattr(task, attribute)
        if value is not None:
            document[key] = value
    return document


def _format_container(task: Task, container: Container) -> dict[str, Any]:
    document: dict[str, Any] = {
        "containerArn": container.arn,
        "taskArn": task.arn,
        "name": container.definition.name,
        "image": container.definition.image,
        "lastStatus": container.status,
        "healthStatus": container.health,
        "cpu": str(container.definition.document["cpu"]),
        "networkBindings": [
            {"bindIP": "0.0.0.0", "containerPort": container_port, "hostPort": host_port, "protocol": "tcp"}
            for container_port, host_port in container.host_ports.items()
        ],
        "networkInterfaces": [_format_interface(task)] if task.template.network is not None and task.address else [],
    }
    if container.exit_code is not None:
        document["exitCode"] = container.exit_code
    if container.reason is not None:
        document["reason"] = container.reason
    if container.process is not None and container.process.pid:
        document["runtimeId"] = f"{task.id}-{container.process.id}"
    return document


def _format_interface(task: Task) -> dict[str, str]:
    document = {"attachmentId": task.attachment}
    if task.address and not task.ipv6_only:
        document["privateIpv4Address"] = task.address
    if task.ipv6:
        document["ipv6Address"] = task.ipv6
    return document


def _format_attachments(task: Task) -> list[dict[str, Any]]:
    if task.template.network is None:
        return []
    details = {"subnetId": task.subnet, "networkInterfaceId": f"eni-{task.attachment.replace('-', '')[:17]}"}
    if not task.ipv6_only:
        details["privateIPv4Address"] = task.address
    if task.ipv6:
        details["ipv6Address"] = task.ipv6
    status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(task.status, "ATTACHED")
    return [
        {
            "id": task.attachment,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        }
    ]


def format_service(call: Call, service: Service, tasks: Iterable[Task], *, with_tags: bool = False) -> dict[str, Any]:
    """Return ecs Service; ``tasks`` are those of the service that have not stopped."""
    active = list(tasks)
    current = service.primary
    is_external = service.controller == "EXTERNAL"
    document: dict[str, Any] = {
        **service.document,
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "desiredCount": service.desired_count,
        **_format_counts(active),
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": service.circuit_breaker,
            "maximumPercent": service.maximum_percent,
            "minimumHealthyPercent": service.minimum_percent,
            "strategy": "ROLLING" if service.blue_green is None else "BLUE_GREEN",
            **({} if service.blue_green is None else service.blue_green.document),
        },
        "deployments": []
        if is_external
        else [_format_deployment(call, service, deployment, active) for deployment in service.deployments],
        "events": list(reversed(service.events[-MAX_EVENTS:])),
        "createdAt": service.created,
        "createdBy": service.created_by,
        "schedulingStrategy": service.scheduling_strategy,
        "availabilityZoneRebalancing": service.rebalancing,
        "serviceRegistries": _format_registries(current.template.registry if current is not None else None),
        "propagateTags": service.document.get("propagateTags") or "NONE",
    }
    if service.document.get("deploymentController"):
        document["deploymentController"] = {"type": service.controller}
    if service.grace_period:
        document["healthCheckGracePeriodSeconds"] = service.grace_period
    if current is not None and not is_external:
        document["taskDefinition"] = current.template.definition.arn
        document |= _format_launch(current)
    if service.task_sets:
        document["taskSets"] = [format_task_set(call, service, task_set, active) for task_set in service.task_sets]
    if with_tags:
        document["tags"] = format_tags(ecs_state(call).tags.get(service.arn, {}))
    return document


def _format_deployment(call: Call, service: Service, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    connect = deployment.template.connect
    document: dict[str, Any] = {
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": deployment.template.definition.arn,
        "desiredCount": service.desired_count if deployment.status == "PRIMARY" else 0,
        **_format_counts([task for task in tasks if task.deployment is deployment]),
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.reason,
        **_format_launch(deployment),
    }
    if connect is not None:
        document["serviceConnectConfiguration"] = connect.document
        document["serviceConnectResources"] = [
            {"discoveryName": published.endpoint.discovery_name, "discoveryArn": published.discovery_arn}
            for published in find_published(call, connect.owner, connect.namespace_id)
            if published.service_arn == service.arn
        ]
    return document


def format_task_set(call: Call, service: Service, task_set: TaskSet, tasks: Iterable[Task]) -> dict[str, Any]:
    """Return ecs TaskSet; ``tasks`` are those of the service that have not stopped."""
    deployment, stable_since = task_set.deployment, task_set.stable_since
    document: dict[str, Any] = {
        "id": deployment.id,
        "taskSetArn": task_set.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster.arn,
        "status": task_set.status,
        "taskDefinition": deployment.template.definition.arn,
        "computedDesiredCount": computed_desired_count(service, task_set),
        **_format_counts([task for task in tasks if task.deployment is deployment]),
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "scale": {"value": task_set.scale_percent, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if stable_since is not None else "STABILIZING",
        "stabilityStatusAt": stable_since if stable_since is not None else deployment.updated,
        "serviceRegistries": _format_registries(deployment.template.registry),
        "loadBalancers": [],
        "tags": format_tags(ecs_state(call).tags.get(task_set.arn, {})),
        **_format_launch(deployment),
    }
    if deployment.external_id is not None:
        document["externalId"] = deployment.external_id
    return document


def computed_desired_count(service: Service, task_set: TaskSet) -> int:
    """Return ecs TaskSet.computedDesiredCount: the service's count times the scale, rounded up."""
    return -int(-service.desired_count * task_set.scale_percent // 100)


def _format_counts(tasks: list[Task]) -> dict[str, int]:
    return {
        "runningCount": sum(task.status == "RUNNING" for task in tasks),
        "pendingCount": sum(task.status in _PENDING and task.should_run for task in tasks),
    }


def _format_launch(deployment: Deployment) -> dict[str, Any]:
    template = deployment.template
    document: dict[str, Any] = {}
    if template.capacity_provider_strategy:
        document["capacityProviderStrategy"] = list(template.capacity_provider_strategy)
    else:
        document["launchType"] = template.launch_type
    if template.platform_version is not None:
        document |= {"platformVersion": template.platform_version, "platformFamily": "Linux"}
    if template.network is not None:
        document["networkConfiguration"] = template.network.to_document()
    return document


def _format_registries(registry: ServiceRegistry | None) -> list[dict[str, Any]]:
    if registry is None:
        return []
    document = {
        "registryArn": registry.arn,
        "port": registry.port,
        "containerName": registry.container,
        "containerPort": registry.container_port,
    }
    return [{key: value for key, value in document.items() if value is not None}]
