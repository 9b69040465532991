"""Target groups and what is in them. ECS registers and deregisters tasks here as anybody would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.task_runtime import runtime

from . import proxy
from .find import arn, group, invalid, state
from .state import HealthCheck, Target, TargetGroup

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
LONGEST_DELAY = 3_600
Request = Mapping[str, Any]


def create_target_group(call: Call, request: Request) -> Document:
    """CreateTargetGroup: HTTP, targets of the type ip."""
    name, held = str(request["Name"]), state(call)
    if any(one.name == name for one in held.groups.values()):
        raise ServiceError("DuplicateTargetGroupName", f"A target group with the name '{name}' exists")
    if request.get("TargetType") != "ip" or (request.get("Protocol") or "HTTP") != "HTTP":
        raise ServiceError("UnsupportedFeature", "this target offers HTTP target groups of the type ip")
    port = int(request.get("Port") or 0)
    if not port:
        raise invalid("A port must be specified")
    default = HealthCheck()
    check = HealthCheck(
        str(request.get("HealthCheckPath") or default.path),
        int(request.get("HealthCheckIntervalSeconds") or default.interval),
        int(request.get("HealthCheckTimeoutSeconds") or default.timeout),
        int(request.get("HealthyThresholdCount") or default.healthy),
        int(request.get("UnhealthyThresholdCount") or default.unhealthy),
    )
    if not 5 <= check.interval <= 300 or not 2 <= check.timeout <= 120 or check.timeout >= check.interval:
        raise invalid("An interval is 5 to 300 s, a timeout 2 to 120 s and less than the interval")
    made = TargetGroup(arn(call, "targetgroup", name), name, port, str(request.get("VpcId") or ""), check)
    held.groups[made.arn] = made
    return {"TargetGroups": [_told(call, made)]}


def describe_target_groups(call: Call, request: Request) -> Document:
    """DescribeTargetGroups, by ARN, by name, or all."""
    arns, names = request.get("TargetGroupArns") or (), request.get("Names") or ()
    for one in arns:
        group(call, one)
    wanted = [
        one for one in state(call).groups.values() if (not arns or one.arn in arns) and (not names or one.name in names)
    ]
    if names and not wanted:
        raise ServiceError("TargetGroupNotFound", f"Target groups {sorted(names)} not found")
    return {"TargetGroups": [_told(call, one) for one in wanted]}


def delete_target_group(call: Call, request: Request) -> Document:
    """DeleteTargetGroup, unless a listener uses it."""
    reference = request["TargetGroupArn"]
    if any(one.group.arn == reference for of in state(call).balancers.values() for one in of.listeners):
        raise ServiceError("ResourceInUse", f"Target group '{reference}' is currently in use by a listener")
    state(call).groups.pop(reference, None)
    return {}


def modify_target_group_attributes(call: Call, request: Request) -> Document:
    """ModifyTargetGroupAttributes: the deregistration delay."""
    found = group(call, request["TargetGroupArn"])
    for one in request["Attributes"]:
        if one["Key"] != DELAY:
            raise ServiceError("UnsupportedFeature", f"this target offers the attribute {DELAY} only")
        if not str(one["Value"]).isdecimal() or int(one["Value"]) > LONGEST_DELAY:
            raise invalid(f"{DELAY} is from 0 to {LONGEST_DELAY}")
        found.delay = float(one["Value"])
    return describe_target_group_attributes(call, request)


def describe_target_group_attributes(call: Call, request: Request) -> Document:
    """DescribeTargetGroupAttributes."""
    return {"Attributes": [{"Key": DELAY, "Value": f"{group(call, request['TargetGroupArn']).delay:.0f}"}]}


def register_targets(call: Call, request: Request) -> Document:
    """RegisterTargets: they get requests once their checks pass."""
    found = group(call, request["TargetGroupArn"])
    for one in request["Targets"]:
        place = (str(one["Id"]), int(one.get("Port") or found.port))
        found.targets[place] = Target(*place)
        call.note("target.registered", found.name, f"{place[0]}:{place[1]}")
    proxy.tell(found, runtime(call.world).discovery)
    return {}


def deregister_targets(call: Call, request: Request) -> Document:
    """DeregisterTargets: they get no new requests, and are gone after the delay."""
    found = group(call, request["TargetGroupArn"])
    for one in request["Targets"]:
        place = (str(one["Id"]), int(one.get("Port") or found.port))
        target = found.targets.get(place)
        if target is None:
            raise ServiceError("InvalidTarget", f"The target {place[0]} is not registered")
        target.state = "draining"
        call.note("target.draining", found.name, f"{place[0]}:{place[1]}")

        def gone(place: tuple[str, int] = place, target: Target = target) -> None:
            if found.targets.get(place) is target:
                del found.targets[place]

        call.world.clock.call_later(found.delay, gone)
    proxy.tell(found, runtime(call.world).discovery)
    return {}


def describe_target_health(call: Call, request: Request) -> Document:
    """DescribeTargetHealth."""
    found = group(call, request["TargetGroupArn"])
    used = any(one.group is found for of in state(call).balancers.values() for one in of.listeners)
    return {
        "TargetHealthDescriptions": [
            {
                "Target": {"Id": one.address, "Port": one.port},
                "HealthCheckPort": str(one.port),
                "TargetHealth": {"State": one.state if used else "unused"},
            }
            for one in found.targets.values()
        ]
    }


def _told(call: Call, of: TargetGroup) -> dict[str, object]:
    balancers = [one.arn for one in state(call).balancers.values() if any(two.group is of for two in one.listeners)]
    return {
        "TargetGroupArn": of.arn,
        "TargetGroupName": of.name,
        "Protocol": "HTTP",
        "Port": of.port,
        "VpcId": of.vpc,
        "TargetType": "ip",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": of.check.path,
        "HealthCheckIntervalSeconds": of.check.interval,
        "HealthCheckTimeoutSeconds": of.check.timeout,
        "HealthyThresholdCount": of.check.healthy,
        "UnhealthyThresholdCount": of.check.unhealthy,
        "LoadBalancerArns": balancers,
    }
