"""Operations on target groups and their targets. ECS registers and deregisters tasks with the same operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.task_runtime import runtime

from . import proxy
from .lookup import elb_state, find_target_group, invalid_value, load_balancers_of, new_arn
from .state import Target, TargetGroup, TargetHealthCheck

__all__ = [
    "create_target_group",
    "delete_target_group",
    "deregister_targets",
    "describe_target_group_attributes",
    "describe_target_groups",
    "describe_target_health",
    "modify_target_group_attributes",
    "register_targets",
]

DELAY = "deregistration_delay.timeout_seconds"
MAX_DELAY = 3_600
Request = Mapping[str, Any]


def create_target_group(call: Call, request: Request) -> Document:
    """CreateTargetGroup: HTTP, targets of the type ip."""
    name, state = str(request["Name"]), elb_state(call)
    if any(existing.name == name for existing in state.groups.values()):
        raise ServiceError("DuplicateTargetGroupName", f"A target group with the name '{name}' exists")
    if request.get("TargetType") != "ip" or (request.get("Protocol") or "HTTP") != "HTTP":
        raise ServiceError("UnsupportedFeature", "this target offers HTTP target groups of the type ip")
    port = int(request.get("Port") or 0)
    if not port:
        raise invalid_value("A port must be specified")
    default = TargetHealthCheck()
    check = TargetHealthCheck(
        str(request.get("HealthCheckPath") or default.path),
        int(request.get("HealthCheckIntervalSeconds") or default.interval),
        int(request.get("HealthCheckTimeoutSeconds") or default.timeout),
        int(request.get("HealthyThresholdCount") or default.healthy_threshold),
        int(request.get("UnhealthyThresholdCount") or default.unhealthy_threshold),
    )
    if not 5 <= check.interval <= 300 or not 2 <= check.timeout <= 120 or check.timeout >= check.interval:
        raise invalid_value("An interval is 5 to 300 s, a timeout 2 to 120 s and less than the interval")
    group = TargetGroup(new_arn(call, "targetgroup", name), name, port, str(request.get("VpcId") or ""), check)
    state.groups[group.arn] = group
    return {"TargetGroups": [_describe(call, group)]}


def describe_target_groups(call: Call, request: Request) -> Document:
    """DescribeTargetGroups, by ARN, by name, or all."""
    arns, names = request.get("TargetGroupArns") or (), request.get("Names") or ()
    for arn in arns:
        find_target_group(call, arn)
    matching = [
        group
        for group in elb_state(call).groups.values()
        if (not arns or group.arn in arns) and (not names or group.name in names)
    ]
    if names and not matching:
        raise ServiceError("TargetGroupNotFound", f"Target groups {sorted(names)} not found")
    return {"TargetGroups": [_describe(call, group) for group in matching]}


def delete_target_group(call: Call, request: Request) -> Document:
    """DeleteTargetGroup, unless a listener uses it."""
    arn = request["TargetGroupArn"]
    group = elb_state(call).groups.get(arn)
    if group is not None and load_balancers_of(call, group):
        raise ServiceError("ResourceInUse", f"Target group '{arn}' is currently in use by a listener")
    elb_state(call).groups.pop(arn, None)
    return {}


def modify_target_group_attributes(call: Call, request: Request) -> Document:
    """ModifyTargetGroupAttributes: the deregistration delay."""
    group = find_target_group(call, request["TargetGroupArn"])
    delay = group.delay
    for attribute in request["Attributes"]:
        if attribute["Key"] != DELAY:
            raise ServiceError("UnsupportedFeature", f"this target offers the attribute {DELAY} only")
        if not str(attribute["Value"]).isdecimal() or int(attribute["Value"]) > MAX_DELAY:
            raise invalid_value(f"{DELAY} is from 0 to {MAX_DELAY}")
        delay = float(attribute["Value"])
    group.delay = delay
    return describe_target_group_attributes(call, request)


def describe_target_group_attributes(call: Call, request: Request) -> Document:
    """DescribeTargetGroupAttributes."""
    group = find_target_group(call, request["TargetGroupArn"])
    return {"Attributes": [{"Key": DELAY, "Value": f"{group.delay:.0f}"}]}


def register_targets(call: Call, request: Request) -> Document:
    """RegisterTargets: they get requests once their checks pass."""
    group = find_target_group(call, request["TargetGroupArn"])
    for entry in request["Targets"]:
        address, port = _endpoint(group, entry)
        group.targets[address, port] = Target(address, port)
        call.note("target.registered", group.name, f"{address}:{port}")
    proxy.publish_targets(group, runtime(call.world).discovery)
    return {}


def deregister_targets(call: Call, request: Request) -> Document:
    """DeregisterTargets: they get no new requests, and are removed after the delay."""
    group = find_target_group(call, request["TargetGroupArn"])
    endpoints = [_endpoint(group, entry) for entry in request["Targets"]]
    for address, port in endpoints:
        if (address, port) not in group.targets:
            raise ServiceError("InvalidTarget", f"The target {address} is not registered")
    for endpoint in endpoints:
        address, port = endpoint
        target = group.targets[endpoint]
        target.state = "draining"
        call.note("target.draining", group.name, f"{address}:{port}")

        def remove(endpoint: tuple[str, int] = endpoint, target: Target = target) -> None:
            if group.targets.get(endpoint) is target:
                del group.targets[endpoint]

        call.world.clock.call_later(group.delay, remove)
    proxy.publish_targets(group, runtime(call.world).discovery)
    return {}


def describe_target_health(call: Call, request: Request) -> Document:
    """DescribeTargetHealth."""
    group = find_target_group(call, request["TargetGroupArn"])
    is_used = bool(load_balancers_of(call, group))
    return {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": target.address, "Port": target.port},
                "HealthCheckPort": str(target.port),
                "TargetHealth": {"State": target.state if is_used else "unused"},
            }
            for target in group.targets.values()
        ]
    }


def _endpoint(group: TargetGroup, entry: Mapping[str, Any]) -> tuple[str, int]:
    """Return address and port of a TargetDescription; the port of the group by default."""
    return str(entry["Id"]), int(entry.get("Port") or group.port)


def _describe(call: Call, group: TargetGroup) -> dict[str, object]:
    return {
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": "HTTP",
        "Port": group.port,
        "VpcId": group.vpc,
        "TargetType": "ip",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": group.check.path,
        "HealthCheckIntervalSeconds": group.check.interval,
        "HealthCheckTimeoutSeconds": group.check.timeout,
        "HealthyThresholdCount": group.check.healthy_threshold,
        "UnhealthyThresholdCount": group.check.unhealthy_threshold,
        "LoadBalancerArns": load_balancers_of(call, group),
    }
