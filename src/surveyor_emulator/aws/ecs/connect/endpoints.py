"""Endpoints of Service Connect: their services and instances in Cloud Map, and what proxies hear of them.

ECS Developer Guide, Service Connect concepts and components. A deployment reaches the endpoints that there were when it
began, and no others, whatever tasks it starts later; who is behind them changes as Cloud Map's view of it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from surveyor_emulator.aws.cloudmap import instances, services
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapService as Discovery
from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.ecs.lookup import find_published
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
from surveyor_emulator.aws.ram.state import is_shared
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.discovery import Member
from surveyor_emulator.runtime.service_connect.bootstrap import resource_name
from surveyor_emulator.runtime.service_connect.values import Endpoint
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = [
    "NO_VPC",
    "deploy",
    "deregister",
    "forward_health",
    "has_access",
    "has_path",
    "is_withheld_at_first",
    "refresh",
    "register",
    "retire",
    "show",
]

LONGEST_WITHHELD = 480.0
"""Service seconds: "up to 8 minutes" (ECS Developer Guide, Service Connect concepts)."""

TRY_AGAIN = 2.0
WITHOUT_ACCESS = 10.0
NO_VPC = "host"
"""The network of tasks that have no interface of their own."""

BEFORE_SHIFT = ("SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT")
Done = Callable[[str | None], object]


def deploy(call: Call, service: Service, deployment: Deployment) -> None:
    """Make what a deployment offers, if it is not there yet, and keep what there is to reach as it begins."""
    wanted = deployment.template.connect
    if wanted is None:
        return
    held = _held(call, wanted)
    for one in wanted.offered:
        found = next((p for p in _own(call, service, wanted) if p.endpoint.discovery_name == one.discovery_name), None)
        discovery = _discovery(call, wanted, found, one)
        endpoint = _endpoint(wanted, one, discovery)
        if found is None:
            held.published[discovery.id] = PublishedEndpoint(endpoint, wanted.namespace_id, service.arn, discovery.arn)
            discovery.view.listeners.append(partial(_changed, call, wanted.owner, discovery.id))
        else:
            found.endpoint = endpoint
    deployment.endpoints = tuple(one.endpoint for one in find_published(call, wanted.owner, wanted.namespace_id))


def retire(call: Call, service: Service, keep: ConnectConfiguration | None = None) -> None:
    """Take away what a service offered and does not any more, once nothing is registered in it."""
    kept = {one.discovery_name for one in keep.offered} if keep is not None else set()
    for owner, region, held in call.world.everywhere(ConnectState):
        for key, one in list(held.published.items()):
            if one.service_arn != service.arn or region != call.region or one.endpoint.discovery_name in kept:
                continue
            try:
                services.delete_service(_acting(call, owner), {"Id": key})
            except ServiceError as problem:
                if problem.code == "ResourceInUse":
                    call.world.clock.call_later(TRY_AGAIN, retire, call, service, keep)
                    continue
            del held.published[key]
            call.note("connect.retired", one.endpoint.discovery_name)


def register(call: Call, task: Task, done: Done) -> None:
    """Register a task in each Service Connect service that it serves, one after another."""
    wanted = task.template.connect
    assert wanted is not None
    if task.service is None:
        done(None)
        return
    left = [
        (one, offered)
        for one in _own(call, task.service, wanted)
        for offered in wanted.offered
        if offered.discovery_name == one.endpoint.discovery_name
    ]

    def next_one(problem: str | None) -> None:
        if problem is not None or not left:
            done(problem)
            return
        one, offered = left.pop()
        task.connect_services.append(one.endpoint.key)
        one.networks[task.id] = vpc_of(call, task) or NO_VPC
        if is_withheld_at_first(task):
            one.withheld.add(task.id)
            call.world.clock.call_later(LONGEST_WITHHELD, _admit, call, wanted.owner, one, task.id)
        if task.deployment is not None and task.deployment.stage in BEFORE_SHIFT:
            one.green.add(task.id)
        ask = partial(_register, call, task, one, offered)
        _submit(call, wanted, "RegisterInstance", ask, next_one)

    next_one(None)


def deregister(call: Call, task: Task, done: Done) -> None:
    """Take a task out of all of them."""
    wanted = task.template.connect
    left, task.connect_services = task.connect_services, []
    if wanted is None or not left:
        done(None)
        return
    waiting = set(left)

    def over(key: str, problem: str | None) -> None:
        waiting.discard(key)
        if problem is not None:
            call.note("connect.not-deregistered", task.id, problem)
        if not waiting:
            done(problem)

    for key in left:
        request: Any = {"ServiceId": key, "InstanceId": task.id}
        ask = partial(_ask, instances.deregister_instance, request)
        _submit(call, wanted, "DeregisterInstance", ask, partial(over, key))


def forward_health(call: Call, task: Task) -> None:
    """Let calls through to a task whose checks have passed for the first time."""
    wanted = task.template.connect
    if wanted is None or task.health != "HEALTHY":
        return
    for key in task.connect_services:
        found = _held(call, wanted).published.get(key)
        if found is not None:
            _admit(call, wanted.owner, found, task.id)


def has_access(call: Call, wanted: ConnectConfiguration) -> bool:
    """Whether the namespace is the account's own, or shared with it for Service Connect."""
    return wanted.owner == call.account or is_shared(call.world, wanted.namespace_arn, call.account, for_ecs=True)


def refresh(call: Call, owner: str, one: PublishedEndpoint) -> None:
    """Tell proxies where who is behind an endpoint has changed."""
    for network in list(one.sent):
        _tell(call, owner, one, network)


def show(call: Call, owner: str, one: PublishedEndpoint, network: str) -> None:
    """Have an endpoint told to proxies of a network, from now on."""
    one.sent.setdefault(network, ((), ()))
    _tell(call, owner, one, network, anew=True)


def _tell(call: Call, owner: str, one: PublishedEndpoint, network: str, *, anew: bool = False) -> None:
    there = _there(call, owner, one, network)
    production: tuple[Member, ...] = tuple(
        sorted(there[key] for key in there if key not in one.green and key not in one.blue)
    )
    test: tuple[Member, ...] = tuple(sorted(there[key] for key in there if key in one.green and one.has_test_traffic))
    if anew or one.sent[network] != (production, test or production):
        one.sent[network] = (production, test or production)
        discovery = runtime(call.world).discovery
        discovery.put(resource_name(one.endpoint, network), production)
        discovery.put(resource_name(one.endpoint, network, test=True), test or production)
        call.note("connect.members", one.endpoint.discovery_name, f"{len(production)} in {network}")


def is_withheld_at_first(task: Task) -> bool:
    """Return whether calls are withheld from a task that has just registered: its checks have not passed yet."""
    return task.has_health_check and task.health != "HEALTHY"


def has_path(one: PublishedEndpoint, instance: str, network: str) -> bool:
    """Return whether an instance of an endpoint can be reached from a network (a VPC, or `NO_VPC`)."""
    return one.networks.get(instance, network) == network


def _there(call: Call, owner: str, one: PublishedEndpoint, network: str) -> dict[str, Member]:
    """Instances that may get calls, by id. What no path leads to is where nobody answers (there is no peering here)."""
    discovery = call.world.regional(CloudMapState, owner, call.region).services.get(one.endpoint.key)
    found: dict[str, Member] = {}
    for instance in discovery.view.members.values() if discovery is not None else ():
        address, port = instance.attributes.get("AWS_INSTANCE_IPV4"), instance.attributes.get("AWS_INSTANCE_PORT")
        if address is None or port is None or instance.id in one.withheld:
            continue
        reached = has_path(one, instance.id, network)
        found[instance.id] = (address, int(port)) if reached else runtime(call.world).blackhole_address()
    return found


def _admit(call: Call, owner: str, one: PublishedEndpoint, identity: str) -> None:
    if identity in one.withheld:
        one.withheld.discard(identity)
        refresh(call, owner, one)


def _changed(call: Call, owner: str, key: str) -> None:
    one = call.world.regional(ConnectState, owner, call.region).published.get(key)
    if one is not None:
        refresh(call, owner, one)


def _held(call: Call, of: ConnectConfiguration) -> ConnectState:
    return call.world.regional(ConnectState, of.owner, call.region)


def _own(call: Call, service: Service, of: ConnectConfiguration) -> list[PublishedEndpoint]:
    return [one for one in find_published(call, of.owner, of.namespace_id) if one.service_arn == service.arn]


def _endpoint(wanted: ConnectConfiguration, one: OfferedEndpoint, discovery: Discovery) -> Endpoint:
    return Endpoint(
        discovery.id,
        one.discovery_name,
        wanted.namespace_name,
        one.alias,
        one.port,
        one.protocol,
        one.idle_timeout,
        one.request_timeout,
        one.authority,
        one.test_header,
    )


def _discovery(
    call: Call, wanted: ConnectConfiguration, found: PublishedEndpoint | None, one: OfferedEndpoint
) -> Discovery:
    """The Cloud Map service of an endpoint, made if need be."""
    held = call.world.regional(CloudMapState, wanted.owner, call.region)
    if found is not None and found.endpoint.key in held.services:
        return held.services[found.endpoint.key]
    request: Any = {"Name": one.discovery_name, "NamespaceId": wanted.namespace_id, "Type": "HTTP"}
    made: Any = services.create_service(_acting(call, wanted.owner), request)
    return held.services[made["Service"]["Id"]]


def _register(call: Call, task: Task, one: PublishedEndpoint, offered: OfferedEndpoint, acting: Call) -> Any:
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
    return instances.register_instance(
        acting, {"ServiceId": one.endpoint.key, "InstanceId": task.id, "Attributes": attributes}
    )


def _ask(operation: Callable[[Call, Any], Any], request: Any, acting: Call) -> Any:
    return operation(acting, request)


def _acting(call: Call, owner: str, operation: str = "") -> Call:
    consumer = call.account if owner != call.account else None
    return replace(call, account=owner, consumer=consumer, service="servicediscovery", operation=operation)


def _submit(call: Call, wanted: ConnectConfiguration, operation: str, ask: Callable[[Call], Any], done: Done) -> None:
    """Ask Cloud Map, and hear how it ends; where its owner has withdrawn the namespace, try again until it is back."""
    again = partial(_submit, call, wanted, operation, ask, done)
    if not has_access(call, wanted):
        call.world.clock.call_later(WITHOUT_ACCESS, again)
        return
    try:
        answer = ask(_acting(call, wanted.owner, operation))
    except ServiceError as problem:
        if problem.code in ("InstanceNotFound", "ServiceNotFound") and operation == "DeregisterInstance":
            done(None)  # somebody was faster
        elif "DuplicateOperationId" in problem.members:
            call.world.clock.call_later(TRY_AGAIN, again)
        else:
            done(str(problem))
        return
    when_finished(call, str(answer["OperationId"]), done)
