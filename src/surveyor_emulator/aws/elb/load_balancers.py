"""Operations on load balancers and their listeners; a load balancer with a listener has a running proxy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from surveyor_emulator.aws.ec2.assigned_addresses import assign_address, release_address
from surveyor_emulator.aws.ec2.groups import groups_of
from surveyor_emulator.aws.ec2.interfaces import Interface, attach, default_group, detach
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.aws.route53.load_balancers import own_load_balancers
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.envoy.admin import AdminUnavailable
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.addresses import Exhausted
from surveyor_emulator.runtime.tasks.pace import wall_per_second
from surveyor_emulator.runtime.tasks.supervisor import CannotStart

from . import proxy
from .lookup import (
    elb_state,
    find_listener,
    find_load_balancer,
    find_target_group,
    invalid_value,
    new_arn,
    new_rule_arn,
)
from .state import Listener, LoadBalancer, Rule

__all__ = [
    "create_listener",
    "create_load_balancer",
    "delete_listener",
    "delete_load_balancer",
    "describe_listeners",
    "describe_load_balancers",
    "renew_proxy",
]

HEALTH_POLL = 1.0
"""Service seconds between two reads of the health that the proxy has observed."""

log = logging.getLogger(__name__)
Request = Mapping[str, Any]


def create_load_balancer(call: Call, request: Request) -> Document:
    """CreateLoadBalancer, of the type application."""
    name, state = str(request["Name"]), elb_state(call)
    if (request.get("Type") or "application") != "application":
        raise ServiceError("UnsupportedFeature", "this target offers load balancers of the type application only")
    if any(existing.name == name for existing in state.load_balancers.values()):
        raise ServiceError("DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists")
    subnets = tuple(request.get("Subnets") or ())
    known = ec2_state(call.world, call.account, call.region).subnets
    for subnet in subnets:
        if subnet not in known:
            raise ServiceError("SubnetNotFound", f"The subnet ID '{subnet}' does not exist")
    if not subnets:
        raise invalid_value("A load balancer needs subnets")
    vpc = known[subnets[0]].vpc
    groups = _groups(call, request.get("SecurityGroups") or (), vpc)
    scheme = str(request.get("Scheme") or "internet-facing")
    prefix = "internal-" if scheme == "internal" else ""
    dns_name = f"{prefix}{name}-{call.world.new_id(10, '0123456789')}.{call.region}.elb.amazonaws.com"
    try:
        address = assign_address(call, subnets[0])
    except Exhausted:
        raise ServiceError("InvalidSubnet", "The specified subnet is out of available addresses.") from None
    arn = new_arn(call, "loadbalancer/app", name)
    load_balancer = LoadBalancer(arn, name, dns_name, scheme, vpc, subnets, call.now, address, groups)
    faces_internet = scheme == "internet-facing"
    attach(
        call.world,
        Interface(arn, call.account, call.region, vpc, subnets[0], groups, address, faces_internet=faces_internet),
    )
    state.load_balancers[arn] = load_balancer
    own_load_balancers(call.world)[f"{dns_name.lower()}."] = address
    call.note("load-balancer.created", name)
    return {"LoadBalancers": [_describe(load_balancer)]}


def _groups(call: Call, named: Sequence[str], vpc: str) -> tuple[str, ...]:
    """Return the security groups of a load balancer, by default that of its VPC (elbv2/CreateLoadBalancer)."""
    known = groups_of(ec2_state(call.world, call.account, call.region))
    for group in named:
        if group not in known or known[group].vpc != vpc:
            raise ServiceError("InvalidSecurityGroup", f"The security group '{group}' does not exist in {vpc}")
    return tuple(named) or (default_group(vpc),)


def describe_load_balancers(call: Call, request: Request) -> Document:
    """DescribeLoadBalancers, by ARN, by name, or all."""
    arns, names = request.get("LoadBalancerArns") or (), request.get("Names") or ()
    for arn in arns:
        find_load_balancer(call, arn)
    existing = elb_state(call).load_balancers.values()
    missing = set(names) - {load_balancer.name for load_balancer in existing}
    if missing:
        raise ServiceError("LoadBalancerNotFound", f"Load balancers {sorted(missing)} not found")
    matching = [
        load_balancer
        for load_balancer in existing
        if (not arns or load_balancer.arn in arns) and (not names or load_balancer.name in names)
    ]
    return {"LoadBalancers": [_describe(load_balancer) for load_balancer in matching]}


def delete_load_balancer(call: Call, request: Request) -> Document:
    """DeleteLoadBalancer, with its listeners; an unknown ARN is not an error."""
    load_balancer = elb_state(call).load_balancers.pop(request["LoadBalancerArn"], None)
    if load_balancer is not None:
        load_balancer.listeners.clear()
        detach(call.world, load_balancer.arn)
        own_load_balancers(call.world).pop(f"{load_balancer.dns_name.lower()}.", None)
        release_address(call, load_balancer.subnets[0], load_balancer.address)
        renew_proxy(call, load_balancer)
    return {}


def create_listener(call: Call, request: Request) -> Document:
    """CreateListener: HTTP, forwarding to one target group."""
    load_balancer = find_load_balancer(call, request["LoadBalancerArn"])
    port, [action, *more] = int(request["Port"]), list(request["DefaultActions"])
    if (request.get("Protocol") or "HTTP") != "HTTP" or action["Type"] != "forward" or more:
        raise ServiceError("UnsupportedFeature", "this target offers HTTP listeners that forward to one target group")
    if any(listener.port == port for listener in load_balancer.listeners):
        raise ServiceError("DuplicateListener", f"A listener already exists on port {port}")
    arn = new_arn(call, "listener/app", load_balancer.name)
    group = find_target_group(call, str(action.get("TargetGroupArn") or ""))
    default = Rule(new_rule_arn(call, arn), None, "*", group)
    listener = Listener(arn, port, [default])
    load_balancer.listeners.append(listener)
    renew_proxy(call, load_balancer)
    return {"Listeners": [_describe_listener(load_balancer, listener)]}


def describe_listeners(call: Call, request: Request) -> Document:
    """DescribeListeners of a load balancer, or by ARN."""
    arns, arn = request.get("ListenerArns") or (), request.get("LoadBalancerArn")
    load_balancers = [find_load_balancer(call, arn)] if arn else elb_state(call).load_balancers.values()
    return {
        "Listeners": [
            _describe_listener(load_balancer, listener)
            for load_balancer in load_balancers
            for listener in load_balancer.listeners
            if not arns or listener.arn in arns
        ]
    }


def delete_listener(call: Call, request: Request) -> Document:
    """DeleteListener."""
    load_balancer, listener = find_listener(call, request["ListenerArn"])
    load_balancer.listeners.remove(listener)
    renew_proxy(call, load_balancer)
    return {}


def renew_proxy(call: Call, load_balancer: LoadBalancer) -> None:
    """Start the proxy of a load balancer again, with its current listeners and rules."""
    load_balancer.version += 1
    call.world.clock.run(_restart_proxy(call, load_balancer, load_balancer.version))


async def _restart_proxy(call: Call, load_balancer: LoadBalancer, version: int) -> None:
    """Replace the proxy by one that has the current listeners."""
    run = runtime(call.world)
    supervisor = run.supervisor
    if load_balancer.proxy is not None:
        before, load_balancer.proxy = load_balancer.proxy, None
        await before.stop(supervisor)
        run.discovery.leave(load_balancer.name)
    if not load_balancer.listeners or version != load_balancer.version:
        return
    try:
        started = await proxy.start(supervisor, run.discovery, load_balancer, wall_per_second(call.world))
    except CannotStart as error:
        log.warning("load balancer %s: %s", load_balancer.name, error)
        return
    if version != load_balancer.version:
        await started.stop(supervisor)
        return
    load_balancer.proxy = started
    call.world.clock.call_later(HEALTH_POLL, _poll_health, call, load_balancer, version)


def _poll_health(call: Call, load_balancer: LoadBalancer, version: int) -> None:
    if load_balancer.proxy is not None and version == load_balancer.version:
        call.world.clock.run(_update_targets(call, load_balancer, version))


async def _update_targets(call: Call, load_balancer: LoadBalancer, version: int) -> None:
    """Set the state of each target from the proxy's checks."""
    assert load_balancer.proxy is not None
    try:
        healthy = await proxy.find_healthy_targets(load_balancer.proxy)
    except AdminUnavailable:
        healthy = {}
    for group in dict.fromkeys(group for listener in load_balancer.listeners for group in listener.groups):
        for endpoint, target in group.targets.items():
            if target.state == "draining":
                continue
            if endpoint in healthy.get(group.name, ()):
                target.state = "healthy"
            elif target.state == "healthy":
                target.state = "unhealthy"
    call.world.clock.call_later(HEALTH_POLL, _poll_health, call, load_balancer, version)


def _describe(load_balancer: LoadBalancer) -> dict[str, object]:
    return {
        "LoadBalancerArn": load_balancer.arn,
        "LoadBalancerName": load_balancer.name,
        "DNSName": load_balancer.dns_name,
        "Scheme": load_balancer.scheme,
        "VpcId": load_balancer.vpc,
        "SecurityGroups": list(load_balancer.security_groups),
        "Type": "application",
        "State": {"Code": "active"},
        "CreatedTime": load_balancer.created,
        "IpAddressType": "ipv4",
        "AvailabilityZones": [{"SubnetId": subnet} for subnet in load_balancer.subnets],
    }


def _describe_listener(load_balancer: LoadBalancer, listener: Listener) -> dict[str, object]:
    return {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": load_balancer.arn,
        "Port": listener.port,
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": listener.rules[-1].group.arn}],
    }
