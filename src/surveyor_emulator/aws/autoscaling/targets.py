"""Scalable targets: the bounds between which Application Auto Scaling keeps the desired count of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .activities import ROLE, scale_within_bounds
from .lookup import find_service, find_target, invalid, key_of, matches, own_state, page
from .scheduled_actions import cancel
from .state import ScalableTarget

__all__ = ["deregister_scalable_target", "describe_scalable_targets", "register_scalable_target"]

_SUSPENDABLE = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
_ROLE = "aws-service-role/ecs.application-autoscaling.amazonaws.com/" + ROLE


def register_scalable_target(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle RegisterScalableTarget: register, or change what is given; the count moves into the bounds soon."""
    key, state = key_of(request), own_state(call)
    target, bounds = state.targets.get(key), {name: request.get(name) for name in ("MinCapacity", "MaxCapacity")}
    if find_service(call, key) is None:
        raise invalid(f"ECS service doesn't exist: {key.resource}")
    if target is None and (missing := [name for name, value in bounds.items() if value is None]):
        raise invalid(f"{missing[0]} cannot be null when registering a scalable target")
    minimum, maximum = (
        given if given is not None else present
        for given, present in zip(
            bounds.values(), (target.minimum, target.maximum) if target is not None else (0, 0), strict=True
        )
    )
    if not 0 <= minimum <= maximum:
        raise invalid("Maximum capacity cannot be less than minimum capacity, and neither can be negative")
    if target is None:
        identity = call.world.new_id(36, "0123456789abcdef")
        arn = f"arn:aws:application-autoscaling:{call.region}:{call.account}:scalable-target/{identity}"
        role = str(request.get("RoleARN") or f"arn:aws:iam::{call.account}:role/{_ROLE}")
        target = state.targets[key] = ScalableTarget(key, arn, role, minimum, maximum, call.now)
        state.tags[arn] = {str(name): str(value) for name, value in (request.get("Tags") or {}).items()}
    target.minimum, target.maximum = minimum, maximum
    target.suspended |= {name: bool(value) for name, value in (request.get("SuspendedState") or {}).items()}
    call.note("autoscaling.target", key.resource, f"{minimum} to {maximum}")
    call.world.later(
        call.world.settings.scheduler, scale_within_bounds, call, target, "the bounds of the target were set"
    )
    return {"ScalableTargetARN": target.arn}


def describe_scalable_targets(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DescribeScalableTargets."""
    wanted = request.get("ResourceIds")
    known = [
        target
        for key, target in own_state(call).targets.items()
        if matches(key, request) and (not wanted or key.resource in wanted)
    ]
    found, token = page(known, request)
    return {"ScalableTargets": [_shape(target) for target in found], **token}


def deregister_scalable_target(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeregisterScalableTarget, which deletes the scheduled actions too."""
    target = find_target(call, request)
    for action in target.actions.values():
        cancel(action)
    target.actions.clear()
    del own_state(call).targets[target.key]
    own_state(call).tags.pop(target.arn, None)
    return {}


def _shape(target: ScalableTarget) -> dict[str, object]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": target.key.resource,
        "ScalableDimension": target.key.dimension,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role,
        "CreationTime": target.created,
        "SuspendedState": {name: target.suspended.get(name, False) for name in _SUSPENDABLE},
        "ScalableTargetARN": target.arn,
    }
