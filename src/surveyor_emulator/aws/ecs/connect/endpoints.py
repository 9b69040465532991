"""Endpoints of Service Connect: their services and instances in Cloud Map, and the members that proxies know.

ECS Developer Guide, Service Connect concepts and components. A deployment reaches the endpoints that existed when it
began, and no others, whatever tasks it starts later; the members of an endpoint change as Cloud Map's view of it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from surveyor_emulator.aws.cloudmap import instances, services
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_published
from surveyor_emulator.aws.ecs.state import (
    ConnectConfiguration,
    ConnectState,
    Deployment,
    OfferedEndpoint,
    PublishedEndpoint,
    Service,
    Task,
)
from surveyor_emulator.aws.ecs.task_properties import vpc_of
from surveyor_emulator.aws.resource_shares import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.discovery import Member
from surveyor_emulator.runtime.service_connect.bootstrap import resource_name
from surveyor_emulator.runtime.service_connect.values import Endpoint
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = [
    "NO_VPC",
    "announce",
    "deregister",
    "forward_health",
    "has_access",
    "has_path",
    "is_withheld_at_first",
    "publish",
    "refresh",
    "register",
    "retire",
]

MAX_WITHHELD = 480.0
"""Service seconds: "up to 8 minutes" (ECS Developer Guide, Service Connect concepts)."""

RETRY_AFTER = 2.0
RETRY_WITHOUT_ACCESS = 10.0
NO_VPC = "host"
"""The network of tasks that have no network interface."""

BEFORE_SHIFT = ("SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")
Done = Callable[[str | None], object]
"""Called with None after success, else with the reason of the failure."""


def publish(call: Call, service: Service, deployment: Deployment) -> None:
    """Publish the endpoints that a deployment offers, and record which endpoints it can reach."""
    connect = deployment.template.connect
    if connect is None:
        return
    state = call.world.regional(ConnectState, connect.owner, call.region)
    own = {published.endpoint.discovery_name: published for published in _published_by(call, service, connect)}
    for offered in connect.offered:
        published = own.get(offered.discovery_name)
        cloudmap_service = _ensure_cloudmap_service(call, connect, published, offered)
        endpoint = _endpoint(connect, offered, cloudmap_service)
        if published is None:
            state.published[cloudmap_service.id] = PublishedEndpoint(
                endpoint, connect.namespace_id, service.arn, cloudmap_service.arn
            )
            cloudmap_service.view.listeners.append(partial(_view_changed, call, connect.owner, cloudmap_service.id))
        else:
            published.endpoint = endpoint
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    deployment.endpoints = tuple(published.endpoint for published in in_namespace)


def retire(call: Call, service: Service) -> None:
    """Delete the endpoints that a service no longer offers, once nothing is registered in them."""
    if ecs_state(call).services.get((service.cluster.name, service.name)) is not service:
        return  # it was deleted and created again, with the same ARN
    primary = service.primary if service.status == "ACTIVE" else None
    keep = primary.template.connect if primary is not None else None
    kept = {offered.discovery_name for offered in keep.offered} if keep is not None else set()
    for owner, region, state in call.world.everywhere(ConnectState):
        for key, published in list(state.published.items()):
            name = published.endpoint.discovery_name
            if published.service_arn != service.arn or region != call.region or name in kept:
                continue
            try:
                services.delete_service(_cloudmap_call(call, owner), {"Id": key})
            except ServiceError as error:
                if error.code == "ResourceInUse":
                    call.world.clock.call_later(RETRY_AFTER, retire, call, service)
                    continue
            del state.published[key]
            call.note("connect.retired", name)


def register(call: Call, task: Task, done: Done) -> None:
    """Register a task in each Service Connect service that it serves, one after another."""
    connect = task.template.connect
    assert connect is not None
    assert task.service is not None
    remaining = [
        (published, offered)
        for published in _published_by(call, task.service, connect)
        for offered in connect.offered
        if offered.discovery_name == published.endpoint.discovery_name
    ]

    def register_next(problem: str | None) -> None:
        if problem is not None or not remaining:
            done(problem)
            return
        published, offered = remaining.pop()
        task.connect_services.append(published.endpoint.key)
        published.networks[task.id] = vpc_of(call, task) or NO_VPC
        if is_withheld_at_first(task):
            published.withheld.add(task.id)
            call.world.clock.call_later(MAX_WITHHELD, _admit, call, connect.owner, published, task.id)
        if task.deployment is not None and task.deployment.stage in BEFORE_SHIFT:
            published.green.add(task.id)
        request = _registration_request(task, published, offered)
        submit = partial(_send, instances.register_instance, request)
        _submit(call, connect, "RegisterInstance", submit, register_next)

    register_next(None)


def deregister(call: Call, task: Task, done: Done) -> None:
    """Remove a task from all Service Connect services that it is registered in; ``done`` follows the last one."""
    connect = task.template.connect
    keys, task.connect_services = task.connect_services, []
    if connect is None:
        return
    waiting = set(keys)

    def finished(key: str, problem: str | None) -> None:
        waiting.discard(key)
        if problem is not None:
            call.note("connect.not-deregistered", task.id, problem)
        if not waiting:
            done(problem)

    for key in keys:
        submit = partial(_send, instances.deregister_instance, {"ServiceId": key, "InstanceId": task.id})
        _submit(call, connect, "DeregisterInstance", submit, partial(finished, key))


def forward_health(call: Call, task: Task) -> None:
    """Let calls through to a task whose checks have passed for the first time."""
    connect = task.template.connect
    if connect is None or task.health != "HEALTHY":
        return
    state = call.world.regional(ConnectState, connect.owner, call.region)
    for key in task.connect_services:
        published = state.published.get(key)
        if published is not None:
            _admit(call, connect.owner, published, task.id)


def has_access(call: Call, connect: ConnectConfiguration) -> bool:
    """Return whether the namespace belongs to the account, or is shared with it for Service Connect."""
    return connect.owner == call.account or is_shared(call.world, connect.namespace_arn, call.account, for_ecs=True)


def refresh(call: Call, owner: str, published: PublishedEndpoint) -> None:
    """Send the members of an endpoint to the proxies of each network where they have changed."""
    for network in list(published.sent):
        _send_members(call, owner, published, network)


def announce(call: Call, owner: str, published: PublishedEndpoint, network: str) -> None:
    """Send the members of an endpoint to the proxies of a network, now and whenever they change."""
    published.sent.setdefault(network, ((), ()))
    _send_members(call, owner, published, network, always=True)


def _send_members(call: Call, owner: str, published: PublishedEndpoint, network: str, *, always: bool = False) -> None:
    members = _members(call, owner, published, network)
    production: tuple[Member, ...] = tuple(
        sorted(members[key] for key in members if key not in published.green and key not in published.blue)
    )
    test: tuple[Member, ...] = tuple(
        sorted(members[key] for key in members if key in published.green and published.has_test_traffic)
    )
    if always or published.sent[network] != (production, test or production):
        published.sent[network] = (production, test or production)
        discovery = runtime(call.world).discovery
        discovery.put(resource_name(published.endpoint, network), production)
        discovery.put(resource_name(published.endpoint, network, test=True), test or production)
        call.note("connect.members", published.endpoint.discovery_name, f"{len(production)} in {network}")


def is_withheld_at_first(task: Task) -> bool:
    """Return whether calls are withheld from a task that has just registered: its checks have not passed yet."""
    return task.has_health_check and task.health != "HEALTHY"


def has_path(published: PublishedEndpoint, instance: str, network: str) -> bool:
    """Return whether an instance of an endpoint can be reached from a network (a VPC, or `NO_VPC`)."""
    return published.networks.get(instance, network) == network


def _members(call: Call, owner: str, published: PublishedEndpoint, network: str) -> dict[str, Member]:
    """Return the instances that may get calls, by id.

    An instance that cannot be reached from the network has an address that does not answer (there is no peering).
    """
    state = call.world.regional(CloudMapState, owner, call.region)
    cloudmap_service = state.services.get(published.endpoint.key)
    members: dict[str, Member] = {}
    for instance in cloudmap_service.view.members.values() if cloudmap_service is not None else ():
        address, port = instance.attributes.get("AWS_INSTANCE_IPV4"), instance.attributes.get("AWS_INSTANCE_PORT")
        if address is None or port is None or instance.id in published.withheld:
            continue
        reachable = has_path(published, instance.id, network)
        members[instance.id] = (address, int(port)) if reachable else runtime(call.world).blackhole_address()
    return members


def _admit(call: Call, owner: str, published: PublishedEndpoint, identity: str) -> None:
    if identity in published.withheld:
        published.withheld.discard(identity)
        refresh(call, owner, published)


def _view_changed(call: Call, owner: str, key: str) -> None:
    published = call.world.regional(ConnectState, owner, call.region).published.get(key)
    if published is not None:
        refresh(call, owner, published)


def _published_by(call: Call, service: Service, connect: ConnectConfiguration) -> list[PublishedEndpoint]:
    """Return the endpoints of a service in the namespace of a configuration."""
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    return [published for published in in_namespace if published.service_arn == service.arn]


def _endpoint(connect: ConnectConfiguration, offered: OfferedEndpoint, cloudmap_service: CloudMapService) -> Endpoint:
    return Endpoint(
        cloudmap_service.id,
        offered.discovery_name,
        connect.namespace_name,
        offered.alias,
        offered.port,
        offered.protocol,
        offered.idle_timeout,
        offered.request_timeout,
        offered.authority,
        offered.test_header,
    )


def _ensure_cloudmap_service(
    call: Call, connect: ConnectConfiguration, published: PublishedEndpoint | None, offered: OfferedEndpoint
) -> CloudMapService:
    """Return the Cloud Map service of an endpoint; create it if it does not exist."""
    state = call.world.regional(CloudMapState, connect.owner, call.region)
    if published is not None and published.endpoint.key in state.services:
        return state.services[published.endpoint.key]
    request: Any = {"Name": offered.discovery_name, "NamespaceId": connect.namespace_id, "Type": "HTTP"}
    answer: Any = services.create_service(_cloudmap_call(call, connect.owner), request)
    return state.services[answer["Service"]["Id"]]


def _registration_request(task: Task, published: PublishedEndpoint, offered: OfferedEndpoint) -> dict[str, object]:
    port = offered.ingress_port or offered.container_port
    for container in task.containers:
        if container.definition.name == offered.container and task.template.definition.network_mode == "bridge":
            port = container.proxy_ports[offered.container_port]
    attributes = {
        "AWS_INSTANCE_IPV4": task.reachable_address or "",
        "AWS_INSTANCE_PORT": str(port),
        "AvailabilityZone": task.zone,
        "DeploymentId": task.deployment.id.rpartition("/")[2] if task.deployment is not None else "",
    }
    return {"ServiceId": published.endpoint.key, "InstanceId": task.id, "Attributes": attributes}


def _send(operation: Callable[[Call, Any], Any], request: Any, own_call: Call) -> Any:
    return operation(own_call, request)


def _cloudmap_call(call: Call, owner: str, operation: str = "") -> Call:
    consumer = call.account if owner != call.account else None
    return replace(call, account=owner, consumer=consumer, service="servicediscovery", operation=operation)


def _submit(
    call: Call, connect: ConnectConfiguration, operation: str, submit: Callable[[Call], Any], done: Done
) -> None:
    """Call Cloud Map, and ``done`` once its operation has ended.

    While the namespace is no longer shared with this account, try again until it is.
    """
    again = partial(_submit, call, connect, operation, submit, done)
    if not has_access(call, connect):
        call.world.clock.call_later(RETRY_WITHOUT_ACCESS, again)
        return
    try:
        answer = submit(_cloudmap_call(call, connect.owner, operation))
    except ServiceError as error:
        if error.code in ("InstanceNotFound", "ServiceNotFound") and operation == "DeregisterInstance":
            done(None)  # already deregistered
        elif "DuplicateOperationId" in error.members:
            call.world.clock.call_later(RETRY_AFTER, again)
        else:
            done(str(error))
        return
    when_finished(call, str(answer["OperationId"]), done)
