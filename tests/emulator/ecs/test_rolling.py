"""Deployments: what holds in whatever order a service is changed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor.targets.running import RunningTarget
from tests.emulator.ecs.conftest import Ecs

STEADY = 900.0  # service seconds within which any deployment ends here


def limits(ecs: Ecs, desired: int, minimum: int, maximum: int) -> None:
    """At this moment: no more than the maximum runs or is pending, and nothing is registered twice."""
    service = ecs.service()
    most = max(desired * maximum // 100, 0)
    assert service["runningCount"] + service["pendingCount"] <= most, service["deployments"]
    assert len([one for one in service["deployments"] if one["status"] == "PRIMARY"]) == 1
    assert minimum <= maximum


STEP = st.one_of(
    st.tuples(st.just("scale"), st.integers(0, 6)),
    st.tuples(st.just("deploy"), st.just(0)),
    st.tuples(st.just("stop"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.integers(1, 90)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    desired=st.integers(0, 5),
    minimum=st.sampled_from([0, 50, 100]),
    maximum=st.sampled_from([150, 200]),
    steps=st.lists(STEP, max_size=6),
)
def test_it_always_becomes_steady(
    running: RunningTarget, desired: int, minimum: int, maximum: int, steps: list[tuple[str, int]]
) -> None:
    """Whatever is done, in the end the desired count runs, each is registered, and no other process is left."""
    ecs = Ecs(running)
    ecs.define()
    registry = ecs.registry()
    configuration = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    ecs.create(
        count=desired, serviceRegistries=[{"registryArn": registry["Arn"]}], deploymentConfiguration=configuration
    )
    for what, value in steps:
        if what == "scale":
            desired = value
            ecs.ecs.update_service(cluster="shop", service="web", desiredCount=value)
        elif what == "deploy":
            ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)
        elif what == "wait":
            ecs.wait(value)
        else:
            for task in ecs.tasks()[:value]:
                ecs.ecs.stop_task(cluster="shop", task=task["taskArn"])
    # One task at 150 percent has no room for a second: such a deployment never ends, here as on AWS.
    stuck = desired * maximum // 100 <= desired and minimum == 100 and desired > 0
    ecs.wait(STEADY)
    service = ecs.service()
    assert service["runningCount"] == desired, (
        service["deployments"],
        [one["message"] for one in service["events"][:5]],
    )
    limits(ecs, desired, minimum, maximum)
    if not stuck:
        assert [one["rolloutState"] for one in service["deployments"]] == ["COMPLETED"]
    listed = {one["Id"] for one in ecs.cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
    assert listed == {one["taskArn"].rpartition("/")[2] for one in ecs.tasks()}
    ecs.ecs.delete_service(cluster="shop", service="web", force=True)
    ecs.wait(120)
    assert ecs.tasks() == []
    assert ecs.cloudmap.list_instances(ServiceId=registry["Id"])["Instances"] == []


def test_the_minimum_holds_at_every_moment(ecs: Ecs) -> None:
    """Four tasks, half of them needed: looked at every second of a deployment, two or more run."""
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


def test_a_breaker_rolls_back(ecs: Ecs) -> None:
    """A revision that exits at once is given up after three tasks, and the last good one comes back."""
    ecs.define()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    ecs.create(count=2, deploymentConfiguration=breaker)
    ecs.wait(120)
    bad = ecs.define(command=["sh", "-c", "exit 1"])
    ecs.ecs.update_service(cluster="shop", service="web", taskDefinition=bad)
    ecs.wait(900)
    service: Any = ecs.service()
    assert service["taskDefinition"].endswith(":1")
    assert [one["rolloutState"] for one in service["deployments"]] == ["COMPLETED"]
    assert service["runningCount"] == 2
    told = "\n".join(one["message"] for one in service["events"])
    assert "deployment failed: tasks failed to start." in told
    assert "rolling back to deployment" in told


def test_without_a_breaker_it_tries_ever_later(ecs: Ecs) -> None:
    """Tasks that never run are started again and again, each time after a longer pause."""
    ecs.define(command=["no-such-program"])
    ecs.create(count=1)
    ecs.wait(3_000)
    stopped = sorted(one["createdAt"].timestamp() for one in ecs.tasks("STOPPED"))
    pauses = [after - before for before, after in pairwise(stopped)]
    assert len(stopped) >= 6
    assert pauses[-1] > 4 * pauses[0]
    assert ecs.service()["deployments"][0]["failedTasks"] == len(stopped)
