"""Scaling activities: what brings a desired count within its bounds, and the list of what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ecs.operations.services import update_service
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import find_service, matches, own_state, page
from .state import ActivityStatus, ScalableTarget, ScalingActivity

__all__ = ["ROLE", "describe_scaling_activities", "scale_within_bounds"]

ROLE = "AWSServiceRoleForApplicationAutoScaling_ECSService"
"""The service-linked role of ECS services (Application Auto Scaling User Guide, service-linked roles)."""


def scale_within_bounds(call: Call, target: ScalableTarget, cause: str) -> None:
    """Set the desired count of a target's service to the nearest one within its bounds; nothing if it is there.

    application-autoscaling/RegisterScalableTarget; of a service that does not exist the count is not changed.
    """
    service = find_service(call, target.key)
    if service is None:
        return
    count = min(max(service.desired_count, target.minimum), target.maximum)
    if count == service.desired_count:
        return
    _, cluster, name = target.key.resource.split("/")
    status: ActivityStatus = "Successful"
    message = f"Successfully set desired count to {count}. Change successfully fulfilled by ecs."
    try:
        update_service(_call_by_role(call), {"cluster": cluster, "service": name, "desiredCount": count})
    except ServiceError as error:
        status, message = "Failed", f"Failed to set desired count to {count}. Reason: {error.message}"
    activity = ScalingActivity(
        call.world.new_uuid(), target.key, f"Setting desired count to {count}.", cause, call.now, status, message
    )
    own_state(call).activities.append(activity)
    call.note("autoscaling.activity", target.key.resource, f"{activity.description} {cause}")


def describe_scaling_activities(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DescribeScalingActivities, the latest first."""
    known = [activity for activity in own_state(call).activities if matches(activity.key, request)]
    found, token = page(known[::-1], request)
    return {"ScalingActivities": [_shape(activity) for activity in found], **token}


def _call_by_role(call: Call) -> Call:
    principal = f"arn:aws:sts::{call.account}:assumed-role/{ROLE}/AutoScaling-UpdateDesiredCapacity"
    return Call(call.world, call.account, call.region, principal, "ecs", "UpdateService")


def _shape(activity: ScalingActivity) -> dict[str, object]:
    return {
        "ActivityId": activity.id,
        "ServiceNamespace": "ecs",
        "ResourceId": activity.key.resource,
        "ScalableDimension": activity.key.dimension,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.at,
        "EndTime": activity.at,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
    }
