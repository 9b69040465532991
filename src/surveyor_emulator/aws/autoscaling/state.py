"""Application Auto Scaling in one account and region: plain data, changed only by the modules beside this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from surveyor_emulator.core.clock import Timer
from surveyor_emulator.core.world import World

__all__ = ["AutoscalingState", "ScalableTarget", "ScalingActivity", "ScheduledAction", "TargetKey", "autoscaling_state"]

ActivityStatus = Literal["Successful", "Failed"]


class TargetKey(NamedTuple):
    """What identifies a scalable target: `service/CLUSTER/NAME` and `ecs:service:DesiredCount`."""

    resource: str
    dimension: str


@dataclass(slots=True, eq=False)
class ScheduledAction:
    """New bounds at a time, or again and again. `timer` is the next run; bounds that are None stay as they are."""

    name: str
    arn: str
    schedule: str
    time_zone: str
    start: float | None
    end: float | None
    minimum: int | None
    maximum: int | None
    created: float
    timer: Timer | None = None


@dataclass(slots=True, eq=False)
class ScalableTarget:
    """The bounds of a service's desired count, and what changes them on schedule."""

    key: TargetKey
    arn: str
    role: str
    minimum: int
    maximum: int
    created: float
    suspended: dict[str, bool] = field(default_factory=dict)
    actions: dict[str, ScheduledAction] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScalingActivity:
    """One change of a desired count; the target may have been deregistered since then."""

    id: str
    key: TargetKey
    description: str
    cause: str
    at: float
    status: ActivityStatus
    message: str


@dataclass(slots=True)
class AutoscalingState:
    """Targets by key, tags by ARN, activities in the order of time."""

    targets: dict[TargetKey, ScalableTarget] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    activities: list[ScalingActivity] = field(default_factory=list)


def autoscaling_state(world: World, account: str, region: str) -> AutoscalingState:
    """Return the state of an account in a region."""
    return world.regional(AutoscalingState, account, region)
