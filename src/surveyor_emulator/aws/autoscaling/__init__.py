"""Application Auto Scaling of ECS services: scalable targets, scheduled actions and what they did.

Of scaling policies it has nothing: they follow metrics, and the counts that they set are within the same bounds.
"""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.aws.handler import Handler

from . import activities, scheduled_actions, targets

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "DeleteScheduledAction": scheduled_actions.delete_scheduled_action,
    "DeregisterScalableTarget": targets.deregister_scalable_target,
    "DescribeScalableTargets": targets.describe_scalable_targets,
    "DescribeScalingActivities": activities.describe_scaling_activities,
    "DescribeScheduledActions": scheduled_actions.describe_scheduled_actions,
    "PutScheduledAction": scheduled_actions.put_scheduled_action,
    "RegisterScalableTarget": targets.register_scalable_target,
}
