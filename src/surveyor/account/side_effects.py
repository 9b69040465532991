"""What an account adds to new resources by itself, and how a create call prevents it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["without_side_effects"]


def without_side_effects(service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parameters of a create call so that it creates nothing else; None if they need no change.

    A cluster of an account whose setting containerInsights is on gets a log group that outlives it (CloudWatch User
    Guide, "Setting up Container Insights on Amazon ECS": /aws/ecs/containerinsights/CLUSTER/performance), and its
    metrics are billed. ecs/CreateClusterRequest.settings: "If this value is specified, it overrides the
    containerInsights value set with PutAccountSetting or PutAccountSettingDefault."
    """
    if (service, operation) == ("ecs", "CreateCluster") and "settings" not in params:
        return {**params, "settings": [{"name": "containerInsights", "value": "disabled"}]}
    return None
