"""Deployments: properties that hold for any order of changes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from surveyor.targets.running import RunningTarget
from tests.emulator.ecs.conftest import Ecs

STEADY = 900.0  # service seconds within which any deployment of this file ends


def check_limits(ecs: Ecs, desired: int, minimum: int, maximum: int) -> None:
    """Check that no more tasks than the maximum run or are pending, and that one deployment is primary."""
    service = ecs.service()
    max_tasks = max(desired * maximum // 100, 0)
    assert service["runningCount"] + service["pendingCount"] <= max_tasks, service["deployments"]
    assert len([entry for entry in service["deployments"] if entry["status"] == "PRIMARY"]) == 1
    assert minimum <= maximum


STEP = st.one_of(
    st.tuples(st.just("scale"), st.integers(0, 6)),
    st.tuples(st.just("deploy"), st.just(0)),
    st.tuples(st.just("stop"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 90)),
)


@pytest.mark.soak
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    desired=st.integers(0, 5),
    minimum=st.sampled_from([0, 50, 100]),
    maximum=st.sampled_from([150, 200]),
    steps=st.lists(STEP, max_size=6),
)
@example(desired=1, minimum=50, maximum=150, steps=[("wait", 12), ("deploy", 0)])
def test_a_service_always_becomes_steady(
    running: RunningTarget, desired: int, minimum: int, maximum: int, steps: list[tuple[str, int]]
) -> None:
    """After any changes the desired count runs, exactly those tasks are registered, and none after deletion."""
    ecs = Ecs(running)
    ecs.define()
    registry = ecs.registry()
    configuration = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    ecs.create(
        count=desired, serviceRegistries=[{"registryArn": registry["Arn"]}], deploymentConfiguration=configuration
    )
    for action, value in steps:
        if action == "scale":
            desired = value
            ecs.ecs.update_service(cluster="shop", service="web", desiredCount=value)
        elif action == "deploy":
            ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)
        elif action == "wait":
            ecs.wait(value)
        else:
            for task in ecs.tasks()[:value]:
                ecs.ecs.stop_task(cluster="shop", task=task["taskArn"])
    # One task at 150 percent leaves no capacity for a second, and 50 percent of it are one task that must run: such a
    # deployment never ends, here as on AWS.
    is_stuck = desired > 0 and desired * maximum // 100 <= desired <= math.ceil(desired * minimum / 100)
    ecs.wait(STEADY)
    service = ecs.service()
    assert service["runningCount"] == desired, (
        service["deployments"],
        [event["message"] for event in service["events"][:5]],
    )
    check_limits(ecs, desired, minimum, maximum)
    if not is_stuck:
        assert [entry["rolloutState"] for entry in service["deployments"]] == ["COMPLETED"]
    listed = {instance["Id"] for instance in ecs.cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
    assert listed == {task["taskArn"].rpartition("/")[2] for task in ecs.tasks()}
    ecs.ecs.delete_service(cluster="shop", service="web", force=True)
    ecs.wait(120)
    assert ecs.tasks() == []
    assert ecs.cloudmap.list_instances(ServiceId=registry["Id"])["Instances"] == []


@pytest.mark.soak
def test_the_minimum_holds_at_every_moment(ecs: Ecs) -> None:
    """Of four tasks with a minimum of 50 percent, two or more run at every second of a deployment."""
    ecs.define()
    ecs.create(count=4, deploymentConfiguration={"minimumHealthyPercent": 50, "maximumPercent": 100})
    ecs.wait(120)
    ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)
    counts = []
    for _ in range(240):
        ecs.wait(1)
        counts.append(ecs.service()["runningCount"])
    assert min(counts) == 2
    assert counts[-1] == 4
    assert len(ecs.service()["deployments"]) == 1


def test_the_circuit_breaker_rolls_back(ecs: Ecs) -> None:
    """A revision that exits at once is abandoned after three tasks, and the service returns to the last good one."""
    ecs.define()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    ecs.create(count=2, deploymentConfiguration=breaker)
    ecs.wait(120)
    failing = ecs.define(command=["sh", "-c", "exit 1"])
    ecs.ecs.update_service(cluster="shop", service="web", taskDefinition=failing)
    ecs.wait(900)
    service: Any = ecs.service()
    assert service["taskDefinition"].endswith(":1")
    assert [entry["rolloutState"] for entry in service["deployments"]] == ["COMPLETED"]
    assert service["runningCount"] == 2
    messages = "\n".join(event["message"] for event in service["events"])
    assert "deployment failed: tasks failed to start." in messages
    assert "rolling back to deployment" in messages


def test_without_a_circuit_breaker_launches_are_delayed_more_each_time(ecs: Ecs) -> None:
    """Tasks that never run are started again without limit, each time after a longer pause."""
    ecs.define(command=["no-such-program"])
    ecs.create(count=1)
    ecs.wait(3_000)
    created = sorted(task["createdAt"].timestamp() for task in ecs.tasks("STOPPED"))
    pauses = [after - before for before, after in pairwise(created)]
    assert len(created) >= 6
    assert pauses[-1] > 4 * pauses[0]
    assert ecs.service()["deployments"][0]["failedTasks"] == len(created)
