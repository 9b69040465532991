"""A task in Cloud Map: registered before it runs, its health passed on, deregistered when it stops.

ECS Developer Guide, Use service discovery to connect Amazon ECS services with DNS names: which attributes an instance
gets, and that with a custom check it starts UNHEALTHY until the containers' own checks have passed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.aws.cloudmap import instances
from surveyor_emulator.aws.cloudmap.health import update_instance_custom_health_status
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapService as Discovery
from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.ecs.service_principal import send_service_action
from surveyor_emulator.aws.ecs.state import Health, Task
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["deregister", "discovery", "forward_health", "initial_health", "instance_attributes", "register"]

Done = Callable[[str | None], object]
"""Called with None when it has succeeded, else with why it has not."""


def discovery(call: Call, task: Task) -> Discovery | None:
    """The Cloud Map service that the task belongs in, if it still exists."""
    registry = task.template.registry
    held = call.world.regional(CloudMapState, call.account, call.region)
    return held.services.get(registry.service_id) if registry is not None else None


def register(call: Call, task: Task, done: Done) -> None:
    """Register the task's address under its id."""
    found = discovery(call, task)
    if found is None:
        done("the service registry does not exist")
        return
    task.registered_in = found.id
    health: Health | None = None
    attributes = instance_attributes(call, task)
    if found.custom_health:
        health = initial_health(task)
        attributes["AWS_INIT_HEALTH_STATUS"] = health
    task.reported_health = health

    def over(problem: str | None) -> None:
        if problem is not None:
            task.registered_in = None
        done(problem)

    _submit(
        call,
        task,
        "RegisterInstance",
        lambda acting: instances.register_instance(
            acting, {"ServiceId": found.id, "InstanceId": task.id, "Attributes": attributes}
        ),
        over,
    )


def deregister(call: Call, task: Task, done: Done) -> None:
    """Take the task out of Cloud Map; at once done where it is not in it."""
    where, task.registered_in = task.registered_in, None
    if where is None:
        done(None)
        return
    _submit(
        call,
        task,
        "DeregisterInstance",
        lambda acting: instances.deregister_instance(acting, {"ServiceId": where, "InstanceId": task.id}),
        done,
    )


def forward_health(call: Call, task: Task) -> None:
    """Pass the health of the task's containers on, where Cloud Map has a custom check and it has changed.

    A task whose checks have failed is deregistered, not marked (ECS Developer Guide, service discovery considerations).
    """
    found = discovery(call, task)
    health = task.health
    if found is None or not found.custom_health or task.registered_in is None or health == "UNKNOWN":
        return
    if health == task.reported_health:
        return
    task.reported_health = health
    if health == "UNHEALTHY":
        deregister(call, task, lambda problem: None)
        return
    acting = replace(call, service="servicediscovery", operation="UpdateInstanceCustomHealthStatus")
    try:
        update_instance_custom_health_status(acting, {"ServiceId": found.id, "InstanceId": task.id, "Status": health})
    except ServiceError as problem:
        call.note("ecs.task.health-not-told", task.id, str(problem))


def _submit(call: Call, task: Task, operation: str, ask: Callable[[Call], object], done: Done) -> None:
    """Ask Cloud Map, after whatever it is doing with the same instance, and hear how that ends."""
    acting = replace(call, service="servicediscovery", operation=operation)
    try:
        answer = ask(acting)
    except ServiceError as problem:
        running = problem.members.get("DuplicateOperationId")
        if running is not None:
            when_finished(acting, running, lambda _: _submit(call, task, operation, ask, done))
            return
        if problem.code == "RequestLimitExceeded" and task.service is not None:
            detail = {"clusterArn": task.cluster.arn, "createdAt": call.now}
            send_service_action(call, task.service.arn, "ERROR", "SERVICE_DISCOVERY_OPERATION_THROTTLED", detail)
        done(str(problem))
        return
    assert isinstance(answer, dict)
    when_finished(acting, str(answer["OperationId"]), done)


def initial_health(task: Task) -> Health:
    """Return the health that a task is registered with: UNHEALTHY until the checks of its containers have passed."""
    return "UNHEALTHY" if task.has_health_check and task.health != "HEALTHY" else "HEALTHY"


def instance_attributes(call: Call, task: Task) -> dict[str, str]:
    """Return the attributes that ECS gives a task's instance in Cloud Map."""
    found = {
        "AVAILABILITY_ZONE": task.zone,
        "REGION": call.region,
        "ECS_CLUSTER_NAME": task.cluster.name,
        "ECS_TASK_DEFINITION_FAMILY": task.template.definition.family,
    }
    if task.service is not None:
        found["ECS_SERVICE_NAME"] = task.service.name
    if task.reachable_address is not None and not task.ipv6_only:
        found["AWS_INSTANCE_IPV4"] = task.reachable_address
    if task.ipv6 is not None:
        found["AWS_INSTANCE_IPV6"] = task.ipv6
    port = _port(task)
    if port is not None:
        found["AWS_INSTANCE_PORT"] = str(port)
    if task.instance is not None:
        found["EC2_INSTANCE_ID"] = task.instance.ec2_id
    if task.deployment is not None and task.deployment.external_id is not None:
        found["ECS_TASK_SET_EXTERNAL_ID"] = task.deployment.external_id
    return found


def _port(task: Task) -> int | None:
    """By name of a container's port, where bridge mode gave it another on the host; or as the registry says."""
    registry = task.template.registry
    assert registry is not None
    if registry.port is not None:
        return registry.port
    for one in task.containers:
        if one.definition.name == registry.container and registry.container_port is not None:
            return one.host_ports.get(registry.container_port, registry.container_port)
    return None
