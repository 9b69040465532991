"""Scheduled actions: they set the bounds of a scalable target, and bring the desired count within them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .activities import scale_within_bounds
from .lookup import find_target, invalid, matches, own_state, page
from .schedules import next_run
from .state import ScalableTarget, ScheduledAction

__all__ = ["cancel", "delete_scheduled_action", "describe_scheduled_actions", "put_scheduled_action"]


def put_scheduled_action(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle PutScheduledAction: create one, or change what is given; start and end that are not given are deleted."""
    target, name = find_target(call, request), str(request["ScheduledActionName"])
    before, bounds = target.actions.get(name), request.get("ScalableTargetAction") or {}
    schedule = str(request.get("Schedule") or (before.schedule if before is not None else ""))
    if not schedule:
        raise invalid("Schedule is required to create a scheduled action")
    minimum = bounds.get("MinCapacity", before.minimum if before is not None else None)
    maximum = bounds.get("MaxCapacity", before.maximum if before is not None else None)
    if minimum is None and maximum is None:
        raise invalid("ScalableTargetAction needs MinCapacity, MaxCapacity or both")
    if min(value for value in (minimum, maximum) if value is not None) < 0 or (
        minimum is not None and maximum is not None and minimum > maximum
    ):
        raise invalid("Maximum capacity cannot be less than minimum capacity, and neither can be negative")
    start, end = _seconds(request.get("StartTime")), _seconds(request.get("EndTime"))
    time_zone = str(request.get("Timezone") or (before.time_zone if before is not None else ""))
    due = next_run(schedule, time_zone, start, call.now)
    if due is None:
        raise invalid(f"The schedule {schedule} is in the past")
    if before is not None:
        cancel(before)
    base = target.arn.replace(":scalable-target/", ":scheduledAction:", 1)
    arn = before.arn if before is not None else f"{base}:resource/ecs/{target.key.resource}:scheduledActionName/{name}"
    created = before.created if before is not None else call.now
    action = ScheduledAction(name, arn, schedule, time_zone, start, end, minimum, maximum, created)
    target.actions[name] = action
    _plan(call, target, action, due)
    return {}


def describe_scheduled_actions(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DescribeScheduledActions."""
    names = request.get("ScheduledActionNames")
    known = [
        (target, action)
        for key, target in own_state(call).targets.items()
        if matches(key, request)
        for action in target.actions.values()
        if not names or action.name in names
    ]
    found, token = page(known, request)
    return {"ScheduledActions": [_shape(target, action) for target, action in found], **token}


def delete_scheduled_action(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteScheduledAction."""
    target, name = find_target(call, request), str(request["ScheduledActionName"])
    action = target.actions.pop(name, None)
    if action is None:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scheduled action found for service namespace: ecs, resource ID: {target.key.resource}, scalable "
            f"dimension: {target.key.dimension}, scheduled action name: {name}",
        )
    cancel(action)
    return {}


def cancel(action: ScheduledAction) -> None:
    """Let an action not run any more."""
    if action.timer is not None:
        action.timer.cancel()
        action.timer = None


def _plan(call: Call, target: ScalableTarget, action: ScheduledAction, due: float) -> None:
    if action.end is None or due <= action.end:
        action.timer = call.world.clock.call_at(due, _run, call, target, action)


def _run(call: Call, target: ScalableTarget, action: ScheduledAction) -> None:
    """Set the bounds of the target, and scale within them (application-autoscaling/ScalableTargetAction)."""
    due = next_run(action.schedule, action.time_zone, action.start, call.now)
    action.timer = None
    if due is None:
        del target.actions[action.name]
    else:
        _plan(call, target, action, due)
    if target.suspended.get("ScheduledScalingSuspended"):
        return
    minimum = target.minimum if action.minimum is None else action.minimum
    maximum = target.maximum if action.maximum is None else action.maximum
    # One given bound moves the other one, so that there is a count between them.
    target.minimum = min(minimum, maximum) if action.minimum is None else minimum
    target.maximum = max(minimum, maximum) if action.maximum is None else maximum
    scale_within_bounds(call, target, f"scheduled action name {action.name} was triggered")


def _seconds(moment: object) -> float | None:
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else None


def _shape(target: ScalableTarget, action: ScheduledAction) -> dict[str, object]:
    bounds = {"MinCapacity": action.minimum, "MaxCapacity": action.maximum}
    optional = {"Timezone": action.time_zone or None, "StartTime": action.start, "EndTime": action.end}
    return {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "ServiceNamespace": "ecs",
        "Schedule": action.schedule,
        "ResourceId": target.key.resource,
        "ScalableDimension": target.key.dimension,
        "ScalableTargetAction": {name: value for name, value in bounds.items() if value is not None},
        "CreationTime": action.created,
        **{name: value for name, value in optional.items() if value is not None},
    }
