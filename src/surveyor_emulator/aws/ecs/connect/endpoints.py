"""Endpoints of Service Connect: their services and instances in Cloud Map, and the members that proxies know.

ECS Developer Guide, Service Connect concepts and components. A deployment reaches the endpoints that existed when it
began, and no others, whatever tasks it starts later; the members of an endpoint change as Cloud Map's view of it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from surveyor_emulator.aws.cloudmap import services
from surveyor_emulator.aws.cloudmap.state import CloudMapService, CloudMapState
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_published
from surveyor_emulator.aws.ecs.state import (
    ClientService,
    ConnectConfiguration,
    ConnectState,
    Deployment,
    OfferedEndpoint,
    PublishedEndpoint,
    Service,
    Task,
)
from surveyor_emulator.aws.ecs.task_properties import task_set_arn, vpc_of
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.discovery import Member
from surveyor_emulator.runtime.service_connect.bootstrap import resource_name, share_key
from surveyor_emulator.runtime.service_connect.values import Endpoint
from surveyor_emulator.runtime.task_runtime import runtime

from . import cloudmap_calls
from .cloudmap_calls import RETRY_AFTER, Done, cloudmap_call, ensure_services

__all__ = [
    "NO_VPC",
    "announce",
    "deregister",
    "forward_health",
    "has_path",
    "is_withheld_at_first",
    "publish",
    "refresh",
    "register",
    "retire",
]

MAX_WITHHELD = 480.0
"""Service seconds: "up to 8 minutes" (ECS Developer Guide, Service Connect concepts)."""

CLIENT_NAME = "aws-ecs-sc.client.{}.{}"
MAX_NAME_LENGTH = 127
LONGEST_RETRY = 600.0  # service seconds
"""servicediscovery ServiceName."""

NO_VPC = "host"
"""The network of tasks that have no network interface."""


def publish(call: Call, service: Service, deployment: Deployment) -> None:
    """Publish the endpoints that a deployment offers, and record which endpoints it can reach.

    A service that offers none gets a Cloud Map service for its tasks. A refusal is an error of ECS and leaves nothing.
    """
    connect = deployment.template.connect
    if connect is None:
        return
    if connect.offered:
        _publish_offered(call, service, connect)
    else:
        _publish_client(call, service, connect)
    in_namespace = find_published(call, connect.owner, connect.namespace_id)
    deployment.endpoints = tuple(published.endpoint for published in in_namespace)


def _publish_offered(call: Call, service: Service, connect: ConnectConfiguration) -> None:
    state = call.world.regional(ConnectState, connect.owner, call.region)
    own = {published.endpoint.discovery_name: published for published in _published_by(call, service, connect)}
    keys = {name: published.endpoint.key for name, published in own.items()}
    names = [offered.discovery_name for offered in connect.offered]
    cloudmap_services = ensure_services(call, connect, service, {name: keys.get(name) for name in names})
    for offered in connect.offered:
        cloudmap_service = cloudmap_services[offered.discovery_name]
        published = own.get(offered.discovery_name)
        endpoint = _endpoint(connect, offered, cloudmap_service)
        if published is None or published.endpoint.key != cloudmap_service.id:
            state.published.pop(published.endpoint.key if published is not None else "", None)  # deleted by hand
            state.published[cloudmap_service.id] = PublishedEndpoint(
                endpoint, connect.namespace_id, service.arn, cloudmap_service.arn
            )
            cloudmap_service.view.listeners.append(partial(_view_changed, call, connect.owner, cloudmap_service.id))
        else:
            published.endpoint = endpoint


def _publish_client(call: Call, service: Service, connect: ConnectConfiguration) -> None:
    state = call.world.regional(ConnectState, connect.owner, call.region)
    name = CLIENT_NAME.format(call.world.new_uuid(), service.name)[:MAX_NAME_LENGTH]
    key = _client_service_of(call, service, connect)
    [cloudmap_service] = ensure_services(call, connect, service, {name: key}).values()
    state.clients.pop(key or "", None)
    state.clients[cloudmap_service.id] = ClientService(connect.namespace_id, service.arn)


def retire(call: Call, service: Service, after: float = RETRY_AFTER) -> None:
    """Delete the endpoints that a service no longer offers, once nothing is registered in them.

    What is still in use is tried again ``after`` some service seconds, then in longer and longer intervals. A service
    that was deleted and created again has the same ARN: what counts is the present one.
    """
    present = ecs_state(call).services.get((service.cluster.name, service.name), service)
    primary = present.primary if present.status == "ACTIVE" else None
    keep = primary.template.connect if primary is not None else None
    kept = {(keep.namespace_id, offered.discovery_name) for offered in keep.offered} if keep is not None else set()
    kept_client = ClientService(keep.namespace_id, service.arn) if keep is not None and not keep.offered else None
    in_use = False
    for owner, region, state in call.world.everywhere(ConnectState):
        if region != call.region:
            continue
        unused = [
            key
            for key, published in state.published.items()
            if published.service_arn == service.arn
            and (published.namespace_id, published.endpoint.discovery_name) not in kept
        ]
        unused += [
            key for key, client in state.clients.items() if client.service_arn == service.arn and client != kept_client
        ]
        for key in unused:
            try:
                services.delete_service(cloudmap_call(call, owner), {"Id": key})
            except ServiceError as error:
                if error.code == "ResourceInUse":
                    in_use = True
                    continue
            state.published.pop(key, None)
            state.clients.pop(key, None)
            call.note("connect.retired", key)
    if in_use:
        call.world.clock.call_later(after, retire, call, service, min(2 * after, LONGEST_RETRY))


def register(call: Call, task: Task, done: Done) -> None:
    """Register a task in each Service Connect service that it serves, or in that of its client service."""
    connect = task.template.connect
    assert connect is not None
    assert task.service is not None
    published_by_name = {
        published.endpoint.discovery_name: published for published in _published_by(call, task.service, connect)
    }
    remaining: list[tuple[str, dict[str, str]]] = []
    for offered in connect.offered:
        published = published_by_name.get(offered.discovery_name)
        if published is not None:
            _prepare_endpoint(call, connect.owner, published, task)
            remaining.append((published.endpoint.key, _endpoint_attributes(call, task, offered)))
    client = _client_service_of(call, task.service, connect)
    if not connect.offered and client is not None:
        remaining.append((client, _task_attributes(call, task)))

    def register_next(problem: str | None) -> None:
        if problem is not None or not remaining:
            done(problem)
            return
        key, attributes = remaining.pop()
        task.connect_services.append(key)
        request = {"ServiceId": key, "InstanceId": task.id, "Attributes": attributes}
        cloudmap_calls.register(call, connect, request, register_next)

    register_next(None)


def _prepare_endpoint(call: Call, owner: str, published: PublishedEndpoint, task: Task) -> None:
    """Note where a task is, and whether calls are withheld from it, before it is registered."""
    published.networks[task.id] = vpc_of(call, task) or NO_VPC
    if is_withheld_at_first(task):
        published.withheld.add(task.id)
        call.world.clock.call_later(MAX_WITHHELD, _admit, call, owner, published, task.id)
    if task.deployment is not None and task.deployment.stage not in (None, "CLEAN_UP"):
        published.green.add(task.id)


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
        request = {"ServiceId": key, "InstanceId": task.id}
        cloudmap_calls.deregister(call, connect, request, partial(finished, key))


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


def refresh(call: Call, owner: str, published: PublishedEndpoint) -> None:
    """Send the members of an endpoint to the proxies of each network where they have changed, and the share."""
    for network in list(published.sent):
        _send_members(call, owner, published, network)
    runtime(call.world).discovery.put_share(share_key(published.endpoint), published.green_percent)


def announce(call: Call, owner: str, published: PublishedEndpoint, network: str) -> None:
    """Send the members of an endpoint to the proxies of a network, now and whenever they change."""
    published.sent.setdefault(network, ((), (), 0.0))
    _send_members(call, owner, published, network, always=True)


def _send_members(call: Call, owner: str, published: PublishedEndpoint, network: str, *, always: bool = False) -> None:
    members = _members(call, owner, published, network)
    usable = {key: member for key, member in members.items() if key not in published.leaving}
    production = tuple(sorted(member for key, member in usable.items() if key not in published.green))
    is_open = published.has_test_traffic or published.green_percent > 0
    test = tuple(sorted(member for key, member in usable.items() if key in published.green and is_open))
    sent = (production, test, published.green_percent)
    if always or published.sent[network] != sent:
        published.sent[network] = sent
        discovery = runtime(call.world).discovery
        weighted = _weighted(production, test, published.green_percent) if test else production
        discovery.put(resource_name(published.endpoint, network), weighted)
        discovery.put(resource_name(published.endpoint, network, "blue"), production)
        discovery.put(resource_name(published.endpoint, network, "green"), test or production)
        call.note("connect.members", published.endpoint.discovery_name, f"{len(production)} in {network}")


def _weighted(blue: Sequence[Member], green: Sequence[Member], green_percent: float) -> tuple[Member, ...]:
    """Return all members, with weights that make the shares."""
    tenths = round(green_percent * 10)
    weights = ((blue, (1_000 - tenths) * max(len(green), 1)), (green, tenths * max(len(blue), 1)))
    return tuple(sorted(member._replace(weight=weight) for group, weight in weights for member in group if weight))


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
        reached = address, int(port)
        if not has_path(published, instance.id, network):
            reached = runtime(call.world).blackhole.address()
        members[instance.id] = Member(*reached, zone=instance.attributes.get("AvailabilityZone", ""))
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


def _client_service_of(call: Call, service: Service, connect: ConnectConfiguration) -> str | None:
    """Return the id of the Cloud Map service of a client in the namespace of a configuration; None if it has none."""
    clients = call.world.regional(ConnectState, connect.owner, call.region).clients
    own = ClientService(connect.namespace_id, service.arn)
    return next((key for key, client in clients.items() if client == own), None)


def _endpoint_attributes(call: Call, task: Task, offered: OfferedEndpoint) -> dict[str, str]:
    port = offered.ingress_port or offered.container_port
    for container in task.containers:
        if container.definition.name == offered.container and task.template.definition.network_mode == "bridge":
            port = container.proxy_ports[offered.container_port]
    idle, request = offered.configured_timeouts
    return {
        **_task_attributes(call, task),
        "AWS_INSTANCE_PORT": str(port),
        "IdleTimeoutInSeconds": str(idle),
        "PerRequestTimeoutInSeconds": str(request),
    }


def _task_attributes(call: Call, task: Task) -> dict[str, str]:
    return {
        "AWS_INSTANCE_IPV4": task.reachable_address or "",
        "AvailabilityZone": task.zone,
        "DeploymentId": task_set_arn(call, task),
    }
