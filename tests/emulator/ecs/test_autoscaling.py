"""Application Auto Scaling keeps the desired count of a service within bounds, and changes them on schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.ecs.conftest import Ecs

TARGET = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/shop/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}


@pytest.fixture
def scaling(ecs: Ecs) -> Any:
    """Return the client of an account with a service `web` of two tasks."""
    ecs.define()
    ecs.create(count=2)
    return ecs.client("application-autoscaling")


def at(ecs: Ecs, seconds: float) -> str:
    """Return a schedule that many service seconds from now."""
    assert ecs.running.control is not None
    moment = datetime.fromtimestamp(ecs.running.control.now(), UTC) + timedelta(seconds=seconds)
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def code(call: Any, **params: Any) -> str:
    """Return the code of the error with which a call is refused."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    return str(raised.value.response["Error"]["Code"])


def test_registering_moves_the_count_into_the_bounds(ecs: Ecs, scaling: Any) -> None:
    """A service of two tasks gets three with bounds from 3 to 5, and one with bounds of 1; both are activities."""
    scaling.register_scalable_target(**TARGET, MinCapacity=3, MaxCapacity=5)
    ecs.wait(5)
    assert ecs.service()["desiredCount"] == 3
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=1)
    ecs.wait(5)
    assert ecs.service()["desiredCount"] == 1
    activities = scaling.describe_scaling_activities(ServiceNamespace="ecs")["ScalingActivities"]
    assert [found["Description"] for found in activities] == [
        "Setting desired count to 1.",
        "Setting desired count to 3.",
    ]
    assert {found["StatusCode"] for found in activities} == {"Successful"}


def test_a_target_is_described_until_it_is_deregistered(ecs: Ecs, scaling: Any) -> None:
    """What is not given stays as it is; ResourceIds chooses; a target that is gone is not found."""
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=5)
    scaling.register_scalable_target(**TARGET, MaxCapacity=7, SuspendedState={"ScheduledScalingSuspended": True})
    [found] = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=[TARGET["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 7)
    assert found["SuspendedState"]["ScheduledScalingSuspended"]
    others = scaling.describe_scalable_targets(ServiceNamespace="ecs", ResourceIds=["service/shop/api"])
    assert others["ScalableTargets"] == []
    scaling.deregister_scalable_target(**TARGET)
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    assert code(scaling.deregister_scalable_target, **TARGET) == "ObjectNotFoundException"


def test_a_scheduled_action_changes_bounds_and_count(ecs: Ecs, scaling: Any) -> None:
    """At its time an action sets the bounds, scales to the minimum, and is gone."""
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=3)
    action = {"ScheduledActionName": "noon", "ScalableTargetAction": {"MinCapacity": 4}}
    scaling.put_scheduled_action(**TARGET, **action, Schedule=at(ecs, 30))
    ecs.wait(20)
    assert ecs.service()["desiredCount"] == 2
    ecs.wait(20)
    assert ecs.service()["desiredCount"] == 4
    [found] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (4, 4)
    assert scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"] == []


def test_a_rate_repeats_until_it_is_deleted_or_suspended(ecs: Ecs, scaling: Any) -> None:
    """Each minute a count that was changed returns to the minimum, not while scheduled scaling is suspended."""
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=3)
    action = {"ScheduledActionName": "each", "ScalableTargetAction": {"MinCapacity": 3}}
    scaling.put_scheduled_action(**TARGET, **action, Schedule="rate(1 minute)")
    for _ in range(2):
        ecs.wait(60)
        assert ecs.service()["desiredCount"] == 3
        ecs.ecs.update_service(cluster="shop", service="web", desiredCount=1)
    scaling.register_scalable_target(**TARGET, MinCapacity=1, SuspendedState={"ScheduledScalingSuspended": True})
    ecs.wait(60)
    assert ecs.service()["desiredCount"] == 1
    scaling.delete_scheduled_action(**TARGET, ScheduledActionName="each")
    assert code(scaling.delete_scheduled_action, **TARGET, ScheduledActionName="each") == "ObjectNotFoundException"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 1}, "ValidationException"),
        ({"MinCapacity": 1}, "ValidationException"),
        ({"MinCapacity": 1, "MaxCapacity": 1, "ResourceId": "service/shop/none"}, "ValidationException"),
        ({"MinCapacity": 1, "MaxCapacity": 1, "ResourceId": "web"}, "ValidationException"),
        ({"MinCapacity": 1, "MaxCapacity": 1, "ServiceNamespace": "dynamodb"}, "NotOffered"),
    ],
    ids=str,
)
def test_targets_that_are_not_valid_are_refused(scaling: Any, change: dict[str, Any], expected: str) -> None:
    """Bounds in the wrong order, bounds that are missing, and resources that are none or not offered are refused."""
    assert code(scaling.register_scalable_target, **{**TARGET, **change}) == expected


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("at(2001-01-01T00:00:00)", "ValidationException"),
        ("at(noon)", "ValidationException"),
        ("rate(0 minutes)", "ValidationException"),
        ("cron(0 12 * * ? *)", "NotOffered"),
    ],
)
def test_schedules_that_are_not_valid_are_refused(scaling: Any, schedule: str, expected: str) -> None:
    """A moment in the past, and text that is no schedule, are refused; so is cron, which is not offered."""
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=3)
    action = {"ScheduledActionName": "a", "ScalableTargetAction": {"MinCapacity": 2}, "Schedule": schedule}
    assert code(scaling.put_scheduled_action, **TARGET, **action) == expected
