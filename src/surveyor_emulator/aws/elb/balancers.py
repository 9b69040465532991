"""Load balancers and their listeners; a proxy works for each as soon as it has a listener."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.route53.load_balancers import places
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.envoy.admin import Silent
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.pace import wall_per_second
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

from . import proxy
from .find import arn, balancer, group, invalid, state
from .state import Listener, LoadBalancer

__all__ = [
    "create_listener",
    "create_load_balancer",
    "delete_listener",
    "delete_load_balancer",
    "describe_listeners",
    "describe_load_balancers",
]

LOOK_AT_TARGETS = 1.0
"""Service seconds between two looks at what the proxy's checks say."""

log = logging.getLogger(__name__)
Request = Mapping[str, Any]


def create_load_balancer(call: Call, request: Request) -> Document:
    """CreateLoadBalancer, of the type application."""
    name, held = str(request["Name"]), state(call)
    if (request.get("Type") or "application") != "application":
        raise ServiceError("UnsupportedFeature", "this target offers load balancers of the type application only")
    if any(one.name == name for one in held.balancers.values()):
        raise ServiceError("DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists")
    subnets = tuple(request.get("Subnets") or ())
    known = ec2_state(call.world, call.account, call.region).subnets
    for one in subnets:
        if one not in known:
            raise ServiceError("SubnetNotFound", f"The subnet ID '{one}' does not exist")
    if not subnets:
        raise invalid("A load balancer needs subnets")
    scheme = str(request.get("Scheme") or "internet-facing")
    front = "internal-" if scheme == "internal" else ""
    dns_name = f"{front}{name}-{call.world.new_id(10, '0123456789')}.{call.region}.elb.amazonaws.com"
    address = runtime(call.world).addresses.take()
    made = LoadBalancer(
        arn(call, "loadbalancer/app", name), name, dns_name, scheme, known[subnets[0]].vpc, subnets, call.now, address
    )
    held.balancers[made.arn] = made
    places(call.world)[f"{dns_name.lower()}."] = address
    call.note("load-balancer.created", name)
    return {"LoadBalancers": [_told(made)]}


def describe_load_balancers(call: Call, request: Request) -> Document:
    """DescribeLoadBalancers, by ARN, by name, or all."""
    arns, names = request.get("LoadBalancerArns") or (), request.get("Names") or ()
    for one in arns:
        balancer(call, one)
    there = state(call).balancers.values()
    missing = set(names) - {one.name for one in there}
    if missing:
        raise ServiceError("LoadBalancerNotFound", f"Load balancers {sorted(missing)} not found")
    wanted = [one for one in there if (not arns or one.arn in arns) and (not names or one.name in names)]
    return {"LoadBalancers": [_told(one) for one in wanted]}


def delete_load_balancer(call: Call, request: Request) -> Document:
    """DeleteLoadBalancer, with its listeners; one that is not there is no error."""
    found = state(call).balancers.pop(request["LoadBalancerArn"], None)
    if found is not None:
        found.listeners.clear()
        places(call.world).pop(f"{found.dns_name.lower()}.", None)
        _renew(call, found)
    return {}


def create_listener(call: Call, request: Request) -> Document:
    """CreateListener: HTTP, forwarding to one target group."""
    of = balancer(call, request["LoadBalancerArn"])
    port, [action, *more] = int(request["Port"]), list(request["DefaultActions"])
    if (request.get("Protocol") or "HTTP") != "HTTP" or action["Type"] != "forward" or more:
        raise ServiceError("UnsupportedFeature", "this target offers HTTP listeners that forward to one target group")
    if any(one.port == port for one in of.listeners):
        raise ServiceError("DuplicateListener", f"A listener already exists on port {port}")
    target = action.get("TargetGroupArn") or ""
    made = Listener(arn(call, "listener/app", of.name), port, group(call, str(target)))
    of.listeners.append(made)
    _renew(call, of)
    return {"Listeners": [_told_listener(of, made)]}


def describe_listeners(call: Call, request: Request) -> Document:
    """DescribeListeners of a load balancer, or by ARN."""
    wanted, of = request.get("ListenerArns") or (), request.get("LoadBalancerArn")
    there = [balancer(call, of)] if of else state(call).balancers.values()
    return {
        "Listeners": [
            _told_listener(one, two) for one in there for two in one.listeners if not wanted or two.arn in wanted
        ]
    }


def delete_listener(call: Call, request: Request) -> Document:
    """DeleteListener."""
    for of in state(call).balancers.values():
        for one in of.listeners:
            if one.arn == request["ListenerArn"]:
                of.listeners.remove(one)
                _renew(call, of)
                return {}
    raise ServiceError("ListenerNotFound", f"Listener '{request['ListenerArn']}' not found")


def _renew(call: Call, of: LoadBalancer) -> None:
    of.version += 1
    call.world.clock.run(_restart(call, of, of.version))


async def _restart(call: Call, of: LoadBalancer, version: int) -> None:
    """A proxy that has the listeners that there are now, in place of the one before."""
    run = runtime(call.world)
    supervisor = run.supervisor
    if of.proxy is not None:
        before, of.proxy = of.proxy, None
        await before.stop(supervisor)
    if not of.listeners or version != of.version:
        return
    try:
        started = await proxy.start(supervisor, run.discovery, of, wall_per_second(call.world))
    except CannotStart as problem:
        log.warning("load balancer %s: %s", of.name, problem)
        return
    if version != of.version:
        await started.stop(supervisor)
        return
    of.proxy = started
    call.world.clock.call_later(LOOK_AT_TARGETS, _look, call, of, version)


def _look(call: Call, of: LoadBalancer, version: int) -> None:
    if of.proxy is not None and version == of.version:
        call.world.clock.run(_observe(call, of, version))


async def _observe(call: Call, of: LoadBalancer, version: int) -> None:
    """Tell targets what the proxy's checks say of them."""
    assert of.proxy is not None
    try:
        well = await proxy.healthy(of.proxy)
    except Silent:
        well = {}
    for listener in of.listeners:
        for place, target in listener.group.targets.items():
            if target.state == "draining":
                continue
            if place in well.get(listener.group.name, ()):
                target.state = "healthy"
            elif target.state == "healthy":
                target.state = "unhealthy"
    call.world.clock.call_later(LOOK_AT_TARGETS, _look, call, of, version)


def _told(of: LoadBalancer) -> dict[str, object]:
    return {
        "LoadBalancerArn": of.arn,
        "LoadBalancerName": of.name,
        "DNSName": of.dns_name,
        "Scheme": of.scheme,
        "VpcId": of.vpc,
        "Type": "application",
        "State": {"Code": "active"},
        "CreatedTime": of.created,
        "IpAddressType": "ipv4",
        "AvailabilityZones": [{"SubnetId": one} for one in of.subnets],
    }


def _told_listener(of: LoadBalancer, one: Listener) -> dict[str, object]:
    return {
        "ListenerArn": one.arn,
        "LoadBalancerArn": of.arn,
        "Port": one.port,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": one.group.arn}],
    }
