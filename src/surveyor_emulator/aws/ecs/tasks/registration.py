"""A task in Cloud Map: registered before it runs, its health forwarded, deregistered when it stops.

ECS Developer Guide, Use service discovery to connect Amazon ECS services with DNS names: which attributes an instance
gets, and that with a custom check it starts UNHEALTHY until the containers' own checks have passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.aws.cloudmap import instances
from surveyor_emulator.aws.cloudmap.health import update_instance_custom_health_status
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ecs.service_principal import send_service_action
from surveyor_emulator.aws.ecs.state import Health, Task
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["Done", "deregister", "forward_health", "initial_health", "instance_attributes", "register"]

Done = Callable[[str | None], object]
"""Called with None after success, else with the reason of the failure."""


def register(call: Call, task: Task, done: Done) -> None:
    """Register the task's address under its id."""
    service = _find_cloudmap_service(call, task)
    if service is None:
        done("the service registry does not exist")
        return
    task.registered_in = service.id
    health: Health | None = None
    attributes = instance_attributes(call, task)
    if service.custom_health:
        health = initial_health(task)
        attributes["AWS_INIT_HEALTH_STATUS"] = health
    task.reported_health = health

    def finished(problem: str | None) -> None:
        if problem is not None:
            task.registered_in = None
        done(problem)

    _submit(
        call,
        task,
        "RegisterInstance",
        lambda own_call: instances.register_instance(
            own_call, {"ServiceId": service.id, "InstanceId": task.id, "Attributes": attributes}
        ),
        finished,
    )


def deregister(call: Call, task: Task, done: Done) -> None:
    """Deregister the task; ``done`` is called at once if it is not registered."""
    service_id, task.registered_in = task.registered_in, None
    if service_id is None:
        done(None)
        return
    _submit(
        call,
        task,
        "DeregisterInstance",
        lambda own_call: instances.deregister_instance(own_call, {"ServiceId": service_id, "InstanceId": task.id}),
        done,
    )


def forward_health(call: Call, task: Task) -> None:
    """Forward the health of the task's containers to Cloud Map, if it has a custom check and the health has changed.

    A task whose checks have failed is deregistered, not marked (ECS Developer Guide, service discovery considerations).
    """
    service = _find_cloudmap_service(call, task)
    health = task.health
    if service is None or not service.custom_health or task.registered_in is None or health == "UNKNOWN":
        return
    if health == task.reported_health:
        return
    task.reported_health = health
    if health == "UNHEALTHY":
        deregister(call, task, lambda problem: None)
        return
    own_call = replace(call, service="servicediscovery", operation="UpdateInstanceCustomHealthStatus")
    try:
        update_instance_custom_health_status(
            own_call, {"ServiceId": service.id, "InstanceId": task.id, "Status": health}
        )
    except ServiceError as error:
        call.note("ecs.task.health-not-forwarded", task.id, str(error))


def _find_cloudmap_service(call: Call, task: Task) -> CloudMapService | None:
    """Return the Cloud Map service of the task's registry; None if there is none or it was deleted."""
    registry = task.template.registry
    state = call.world.regional(CloudMapState, call.account, call.region)
    return state.services.get(registry.service_id) if registry is not None else None


def _submit(call: Call, task: Task, operation: str, submit: Callable[[Call], object], done: Done) -> None:
    """Call Cloud Map, after any operation in progress on the same instance, and ``done`` once it has ended."""
    own_call = replace(call, service="servicediscovery", operation=operation)
    try:
        answer = submit(own_call)
    except ServiceError as error:
        in_progress = error.members.get("DuplicateOperationId")
        if in_progress is not None:
            when_finished(own_call, in_progress, lambda _: _submit(call, task, operation, submit, done))
            return
        if error.code == "RequestLimitExceeded" and task.service is not None:
            detail = {"clusterArn": task.cluster.arn, "createdAt": call.now}
            send_service_action(call, task.service.arn, "ERROR", "SERVICE_DISCOVERY_OPERATION_THROTTLED", detail)
        done(str(error))
        return
    assert isinstance(answer, dict)
    when_finished(own_call, str(answer["OperationId"]), done)


def initial_health(task: Task) -> Health:
    """Return the health that a task is registered with: UNHEALTHY until the checks of its containers have passed."""
    return "UNHEALTHY" if task.has_health_check and task.health != "HEALTHY" else "HEALTHY"


def instance_attributes(call: Call, task: Task) -> dict[str, str]:
    """Return the attributes that ECS gives a task's instance in Cloud Map."""
    attributes = {
        "AVAILABILITY_ZONE": task.zone,
        "REGION": call.region,
        "ECS_CLUSTER_NAME": task.cluster.name,
        "ECS_TASK_DEFINITION_FAMILY": task.template.definition.family,
    }
    if task.service is not None:
        attributes["ECS_SERVICE_NAME"] = task.service.name
    if task.reachable_address is not None and not task.ipv6_only:
        attributes["AWS_INSTANCE_IPV4"] = task.reachable_address
    if task.ipv6 is not None:
        attributes["AWS_INSTANCE_IPV6"] = task.ipv6
    port = _registered_port(task)
    if port is not None:
        attributes["AWS_INSTANCE_PORT"] = str(port)
    if task.instance is not None:
        attributes["EC2_INSTANCE_ID"] = task.instance.ec2_id
    if task.deployment is not None and task.deployment.external_id is not None:
        attributes["ECS_TASK_SET_EXTERNAL_ID"] = task.deployment.external_id
    return attributes


def _registered_port(task: Task) -> int | None:
    """Return the port of the registry, or that of its container: the host's port in bridge mode."""
    registry = task.template.registry
    assert registry is not None
    if registry.port is not None:
        return registry.port
    for container in task.containers:
        if container.definition.name == registry.container and registry.container_port is not None:
            return container.host_ports.get(registry.container_port, registry.container_port)
    return None
