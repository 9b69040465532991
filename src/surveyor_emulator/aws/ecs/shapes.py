"""Shapes of the ECS API: tasks, services, deployments and task sets as answers and events contain them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from surveyor_emulator.core.world import Call

from .lookup import ecs_state, find_published, make_arn
from .proxy_shapes import format_proxy, format_proxy_attachment, format_proxy_override
from .state import Container, Deployment, Service, ServiceLoadBalancer, ServiceRegistry, Task, TaskSet
from .tags import format_tags
from .task_properties import interface_of, private_dns_name

__all__ = [
    "computed_desired_count",
    "format_counts",
    "format_deployment_configuration",
    "format_launch",
    "format_load_balancers",
    "format_registries",
    "format_resolved",
    "format_revision_summary",
    "format_service",
    "format_task",
    "format_task_set",
    "image_digest",
    "mac_address",
    "revision_arn",
    "service_deployment_arn",
]

# Member -> attribute of the task; absent as long as it is None.
_OPTIONAL = {
    "connectivityAt": "connected",
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
ID_LENGTH = 21
STAGES_WITH_TEST_TRAFFIC = (
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
)
FARGATE_STORAGE = 20
"""GiB of ephemeral storage of a Fargate task (Amazon ECS Developer Guide, Fargate task ephemeral storage)."""
# Also in answers about services that were made without them.
_ALWAYS_IN_SERVICE: Mapping[str, object] = {
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
}


def format_task(call: Call, task: Task) -> dict[str, Any]:
    """Return ecs Task."""
    definition = task.template.definition
    document: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": task.cluster.arn,
        "taskDefinitionArn": definition.arn,
        "containers": [
            *_format_sidecars(call, task),
            *format_proxy(task, _format_interfaces(task)),
            *(_format_container(task, container) for container in task.containers),
        ],
        "attachments": _format_attachments(call, task),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "overrides": _format_overrides(call, task),
        "group": task.group,
        "launchType": task.template.launch_type,
        "lastStatus": task.status,
        "desiredStatus": task.desired_status,
        "healthStatus": task.health,
        "createdAt": task.created,
        "availabilityZone": task.zone,
        "version": task.version,
        "enableExecuteCommand": False,
        "tags": format_tags(task.tags),
    }
    for key in ("cpu", "memory"):
        if key in definition.document:
            document[key] = definition.document[key]
    if task.template.platform_version is not None:
        document |= {"platformVersion": task.template.platform_version, "platformFamily": "Linux"}
        document["ephemeralStorage"] = definition.document.get("ephemeralStorage") or {"sizeInGiB": FARGATE_STORAGE}
    if task.capacity_provider is not None:
        document["capacityProviderName"] = task.capacity_provider
    if task.instance is not None:
        document["containerInstanceArn"] = task.instance.arn
    if task.connected is not None:
        document["connectivity"] = "CONNECTED"
    for key, attribute in _OPTIONAL.items():
        value = getattr(task, attribute)
        if value is not None:
            document[key] = value
    return document


def _format_overrides(call: Call, task: Task) -> dict[str, Any]:
    """Return ecs TaskOverride: with an entry for each container, and empty lists where nothing is overridden."""
    overridden = {entry["name"]: entry for entry in task.overrides.get("containerOverrides") or ()}
    names = [container.definition.name for container in task.containers]
    return {
        "inferenceAcceleratorOverrides": [],
        **task.overrides,
        "containerOverrides": [
            *format_proxy_override(call, task),
            *(overridden.get(name, {"name": name}) for name in names),
        ],
    }


def _format_sidecars(call: Call, task: Task) -> list[dict[str, Any]]:
    """Return the container of GuardDuty's agent, which is in no task definition (GuardDuty User Guide, How Runtime
    Monitoring works with Fargate: "attaches itself to each container within the Amazon ECS Fargate task").
    """
    if call.world.settings.sidecars == "none" or task.template.platform_version is None:
        return []
    suffix = task.id[:8]
    document: dict[str, Any] = {
        "containerArn": f"{task.arn.replace(':task/', ':container/')}/{suffix}",
        "taskArn": task.arn,
        "name": f"aws-guardduty-agent-{suffix}",
        "lastStatus": task.status if task.status in ("RUNNING", "STOPPED") else "PENDING",
        "healthStatus": "UNKNOWN",
        "cpu": "0",
        "networkBindings": [],
        "networkInterfaces": _format_interfaces(task),
    }
    return [document | ({"exitCode": 0} if task.status == "STOPPED" else {})]


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
            {"bindIP": "0.0.0.0", "containerPort": container_port, "hostPort": host_port, "protocol": "tcp"}  # noqa: S104  # in answers
            for container_port, host_port in container.host_ports.items()
        ],
        "networkInterfaces": _format_interfaces(task),
    }
    if task.pull_stopped is not None:
        document["imageDigest"] = image_digest(container.definition.image)
    for key in ("memory", "memoryReservation"):
        if container.definition.document.get(key):
            document[key] = str(container.definition.document[key])
    if container.exit_code is not None:
        document["exitCode"] = container.exit_code
    if container.reason is not None:
        document["reason"] = container.reason
    if container.process is not None and container.process.pid:
        document["runtimeId"] = f"{task.id}-{container.process.id}"
    return document


def image_digest(image: str) -> str:
    """Return the digest of an image. No image is pulled here, so it is that of the name."""
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def mac_address(task: Task) -> str:
    """Return the MAC address of a task's network interface."""
    return ":".join(["0a", *(task.attachment[start : start + 2] for start in range(24, 34, 2))])


def _format_interfaces(task: Task) -> list[dict[str, str]]:
    return [_format_interface(task)] if task.template.network is not None and task.address else []


def _format_interface(task: Task) -> dict[str, str]:
    document = {"attachmentId": task.attachment}
    if task.address and not task.ipv6_only:
        document["privateIpv4Address"] = task.address
    if task.ipv6:
        document["ipv6Address"] = task.ipv6
    return document


def _format_attachments(call: Call, task: Task) -> list[dict[str, Any]]:
    status = {"PROVISIONING": "PRECREATED", "STOPPED": "DELETED"}.get(task.status, "ATTACHED")
    if task.template.network is None:
        return format_proxy_attachment(task, status)
    details = {"subnetId": task.subnet}
    if task.address is not None:  # the interface exists
        details["networkInterfaceId"] = interface_of(task)
        details["macAddress"] = mac_address(task)
        if not task.ipv6_only:
            details["privateDnsName"] = private_dns_name(call.region, task.address)
            details["privateIPv4Address"] = task.address
    if task.ipv6:
        details["ipv6Address"] = task.ipv6
    return [
        *format_proxy_attachment(task, status),
        {
            "id": task.attachment,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [{"name": name, "value": value} for name, value in details.items() if value],
        },
    ]


def format_service(call: Call, service: Service, tasks: Iterable[Task], *, with_tags: bool = False) -> dict[str, Any]:
    """Return ecs Service; ``tasks`` are those of the service that have not stopped."""
    active = list(tasks)
    current = service.primary
    is_external = service.controller == "EXTERNAL"
    document: dict[str, Any] = {
        **_ALWAYS_IN_SERVICE,
        **service.document,
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": service.cluster.arn,
        "status": service.status,
        "desiredCount": service.desired_count,
        **format_counts(active),
        "deploymentConfiguration": format_deployment_configuration(service),
        "deployments": []
        if is_external
        else [_format_deployment(call, service, deployment, active) for deployment in service.deployments],
        "events": list(reversed(service.events[-MAX_EVENTS:])),
        "createdAt": service.created,
        "createdBy": service.created_by,
        "deploymentController": {"type": service.controller},
        "schedulingStrategy": service.scheduling_strategy,
        "availabilityZoneRebalancing": service.rebalancing,
        "serviceRegistries": format_registries(current.template.registry if current is not None else None),
        "propagateTags": service.document.get("propagateTags") or "NONE",
        "healthCheckGracePeriodSeconds": service.grace_period,
        "resourceManagementType": "CUSTOMER",
    }
    if current is not None and not is_external:
        document["taskDefinition"] = current.template.definition.arn
        document["currentServiceRevisions"] = [
            format_revision_summary(call, service, deployment, active) for deployment in service.deployments
        ]
        document |= format_launch(current)
        document["loadBalancers"] = format_load_balancers(current.template.load_balancers)
        if current.template.requested_platform is not None:
            document["platformVersion"] = current.template.requested_platform
    if service.task_sets:
        document["taskSets"] = [format_task_set(call, service, task_set, active) for task_set in service.task_sets]
    if with_tags:
        document["tags"] = format_tags(ecs_state(call).tags.get(service.arn, {}))
    return document


def revision_arn(call: Call, service: Service, revision: str) -> str:
    """Return the ARN of a service revision."""
    return make_arn(call, "service-revision", service.cluster.name, service.name, revision)


def service_deployment_arn(call: Call, service: Service, deployment: Deployment) -> str:
    """Return the ARN of a service deployment; its id has 21 characters and is not that of the deployment."""
    digest = hashlib.sha256(deployment.id.encode()).digest()
    identity = base64.urlsafe_b64encode(digest).decode()[:ID_LENGTH]
    return make_arn(call, "service-deployment", service.cluster.name, service.name, identity)


def format_revision_summary(
    call: Call, service: Service, deployment: Deployment, tasks: Iterable[Task]
) -> dict[str, Any]:
    """Return ecs ServiceRevisionSummary; ``tasks`` are those of the service that have not stopped."""
    is_current = any(deployment is other for other in service.deployments)
    counts = format_counts([task for task in tasks if task.deployment is deployment])
    return {
        "arn": revision_arn(call, service, deployment.revision),
        "requestedTaskCount": deployment.desired_count if is_current else 0,
        "runningTaskCount": counts["runningCount"],
        "pendingTaskCount": counts["pendingCount"],
        **_format_weights(service, deployment),
    }


def _format_weights(service: Service, deployment: Deployment) -> dict[str, float]:
    """Return the weights of a revision while traffic is shifted; a service that does not shift any has none."""
    shifting = next((other for other in service.history if deployment.revision in other.revision_percents), None)
    if shifting is None:
        return {}
    is_target = deployment.revision == shifting.revision
    has_test = shifting.stage in STAGES_WITH_TEST_TRAFFIC
    return {
        "requestedProductionTrafficWeight": shifting.revision_percents[deployment.revision],
        "requestedTestTrafficWeight": 100.0 if is_target == has_test else 0.0,
    }


def format_deployment_configuration(service: Service) -> dict[str, Any]:
    """Return ecs DeploymentConfiguration."""
    return {
        "deploymentCircuitBreaker": service.circuit_breaker,
        "maximumPercent": service.maximum_percent,
        "minimumHealthyPercent": service.minimum_percent,
        **(
            {"strategy": "ROLLING", "bakeTimeInMinutes": round((service.bake_seconds or 0) / 60)}
            if service.strategy is None
            else service.strategy.document
        ),
        **({"earlySuccessCriteria": service.early_success} if service.early_success else {}),
    }


def _format_deployment(call: Call, service: Service, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    connect = deployment.template.connect
    document: dict[str, Any] = {
        "id": deployment.id,
        "status": deployment.status,
        "taskDefinition": deployment.template.definition.arn,
        "desiredCount": deployment.desired_count,
        **format_counts([task for task in tasks if task.deployment is deployment]),
        "failedTasks": deployment.failed_tasks,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "rolloutState": deployment.rollout_state,
        "rolloutStateReason": deployment.reason,
        **format_launch(deployment),
    }
    if connect is not None:
        names = {offered.discovery_name for offered in connect.offered}
        document["serviceConnectConfiguration"] = connect.document
        document["serviceConnectResources"] = [
            {"discoveryName": published.endpoint.discovery_name, "discoveryArn": published.discovery_arn}
            for published in find_published(call, connect.owner, connect.namespace_id)
            if published.endpoint.discovery_name in names
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
        **format_counts([task for task in tasks if task.deployment is deployment]),
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "scale": {"value": task_set.scale_percent, "unit": "PERCENT"},
        "stabilityStatus": "STEADY_STATE" if stable_since is not None else "STABILIZING",
        "stabilityStatusAt": stable_since if stable_since is not None else deployment.updated,
        "serviceRegistries": format_registries(deployment.template.registry),
        "loadBalancers": [],
        "tags": format_tags(ecs_state(call).tags.get(task_set.arn, {})),
        **format_launch(deployment),
    }
    if deployment.external_id is not None:
        document["externalId"] = deployment.external_id
    return document


def computed_desired_count(service: Service, task_set: TaskSet) -> int:
    """Return ecs TaskSet.computedDesiredCount: the service's count times the scale, rounded up."""
    return -int(-service.desired_count * task_set.scale_percent // 100)


def format_counts(tasks: list[Task]) -> dict[str, int]:
    """Return how many of the tasks run, and how many are pending."""
    return {
        "runningCount": sum(task.status == "RUNNING" for task in tasks),
        "pendingCount": sum(task.status in _PENDING and task.should_run for task in tasks),
    }


def format_launch(deployment: Deployment) -> dict[str, Any]:
    """Return where the tasks of a deployment are launched, and their network."""
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


def format_load_balancers(load_balancers: Iterable[ServiceLoadBalancer]) -> list[dict[str, Any]]:
    """Return loadBalancers."""
    documents: list[dict[str, Any]] = []
    for entry in load_balancers:
        advanced = {
            "alternateTargetGroupArn": entry.alternate,
            "productionListenerRule": entry.production_rule,
            "testListenerRule": entry.test_rule,
            "roleArn": entry.role,
        }
        document = {"targetGroupArn": entry.primary, "containerName": entry.container, "containerPort": entry.port}
        given = {name: value for name, value in advanced.items() if value}
        documents.append({**document, "advancedConfiguration": given} if given else document)
    return documents


def format_resolved(load_balancers: Iterable[ServiceLoadBalancer]) -> list[dict[str, Any]]:
    """Return ecs ServiceRevisionLoadBalancer of each: the target group that the revision's tasks are in."""
    return [
        {"targetGroupArn": entry.group, **({"productionListenerRule": rule} if (rule := entry.production_rule) else {})}
        for entry in load_balancers
    ]


def format_registries(registry: ServiceRegistry | None) -> list[dict[str, Any]]:
    """Return serviceRegistries."""
    if registry is None:
        return []
    document = {
        "registryArn": registry.arn,
        "port": registry.port,
        "containerName": registry.container,
        "containerPort": registry.container_port,
    }
    return [{key: value for key, value in document.items() if value is not None}]
