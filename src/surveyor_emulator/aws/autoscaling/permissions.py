"""The permissions that requests to Application Auto Scaling need (Service Authorization Reference).

Targets have random ids in their ARNs, and only what changes one has a resource; reads have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource, fill
from surveyor_emulator.aws.iam.permission_request import Keys
from surveyor_emulator.core.world import Call

from .lookup import own_state
from .state import TargetKey

__all__ = ["permission_requests"]

_TARGET = "arn:aws:application-autoscaling:{region}:{account}:scalable-target/{name}"


def _targets(call: Call, params: Mapping[str, Any]) -> list[NamedResource]:
    key = TargetKey(str(params.get("ResourceId")), str(params.get("ScalableDimension")))
    state = own_state(call)
    target = state.targets.get(key)
    if target is None:
        return [NamedResource(fill(_TARGET, call, "*"))]
    return [NamedResource(target.arn, tags=state.tags.get(target.arn, {}))]


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    members = (("service-namespace", "ServiceNamespace"), ("scalable-dimension", "ScalableDimension"))
    return {f"application-autoscaling:{key}": (str(params[name]),) for key, name in members if params.get(name)}


permission_requests = ActionTable(
    types=[
        (_targets, "DeleteScheduledAction DeregisterScalableTarget PutScheduledAction RegisterScalableTarget"),
    ],
    without="DescribeScalableTargets DescribeScalingActivities DescribeScheduledActions",
    keys=_keys,
).permission_requests
