"""The limits of experiments with a service of others hold for each fault, whatever changes meanwhile."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.chaos.safety_limits import ExperimentStopped, LimitExceeded, SafetyLimits, TaskChange
from surveyor.chaos.service_counts import ScalingRange, ServiceCounts, read_counts
from tests.chaos.counted_service import THEIRS, CountedService, experiment_with

SIZES = (0, 1, 3, 200, 500)
SHARES = ((0.5, None), (0.5, 1), (0.29, None), (1.0, 7), (0.01, 500))


def stops(service: CountedService) -> int:
    """Return how many calls of StopTask there were."""
    return service.changes.count("StopTask")


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("share", "most"), SHARES)
def test_stopped_tasks_stay_within_both_limits(tmp_path: Path, count: int, share: float, most: int | None) -> None:
    """One more task than both limits allow is refused before any call; as many as they allow are stopped."""
    limits = SafetyLimits(max_task_share=share, max_tasks=most, min_healthy=0)
    allowed = min(math.floor(round(share * count, 6)), count if most is None else most)
    service = CountedService(count)
    with experiment_with(service, tmp_path, limits) as run:
        with pytest.raises(LimitExceeded), run.fault("task.stop", run.pick(min(allowed + 1, count)) if count else []):
            raise LimitExceeded if allowed == count else AssertionError
        if allowed < count:
            assert service.changes == []
            if allowed:
                with run.fault("task.stop", run.pick(allowed)):
                    assert stops(service) == allowed
                with pytest.raises(ExperimentStopped, match="already are"), run.fault("task.stop", run.pick(1)):
                    raise AssertionError("one more")
            assert stops(service) == allowed


@pytest.mark.parametrize("count", SIZES[1:])
def test_the_count_stays_within_all_limits(tmp_path: Path, count: int) -> None:
    """By itself the fault scales as far as allowed; a given count beyond a limit or the autoscaling is refused."""
    service = CountedService(count, range=(1, count + 2))
    with experiment_with(service, tmp_path, SafetyLimits(max_task_share=1.0, max_tasks=5)) as run:
        with run.fault("service.scale"):
            assert service.desired == min(count + 5, count + 2, 2 * count)
        assert service.desired == count
        before = list(service.changes)
        for refused in (count + 3, count + 6, 100_000, 0.4):
            with pytest.raises(ExperimentStopped), run.fault("service.scale", count=refused):
                raise AssertionError(f"{count} to {refused}")
        assert service.changes == before


def test_scaling_in_counts_as_stopped_tasks(tmp_path: Path) -> None:
    """From 10 to 4 takes six tasks away: more than half; to 5 is allowed, but nothing besides meanwhile."""
    service = CountedService(10)
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        with (
            pytest.raises(LimitExceeded, match="6 of 10 tasks would be disrupted at a time, at most 5 may be"),
            run.fault("service.scale", count=4),
        ):
            raise AssertionError("beyond the limit")
        with run.fault("service.scale", count=5):
            assert service.desired == 5


def test_faults_at_the_same_time_count_together(tmp_path: Path) -> None:
    """Half may be disrupted by all faults together; a task that is disturbed twice counts once."""
    service = CountedService(4)
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        first, second, third, _ = run.tasks()
        with run.fault("registry.deregister-live", [first, second]):
            with run.fault("task.stop", [second]):
                pass
            with pytest.raises(ExperimentStopped, match="3 of 4"), run.fault("task.stop", [third]):
                raise AssertionError("a third")


def test_two_scale_outs_count_together(tmp_path: Path) -> None:
    """The limit is a share of the tasks before the experiment, not of those that it has added."""
    service = CountedService(4)
    with (
        experiment_with(service, tmp_path, SafetyLimits()) as run,
        run.fault("service.scale", count=6),
        pytest.raises(ExperimentStopped, match="3 tasks would be added to 4, at most 2"),
        run.fault("service.scale", count=7),
    ):
        raise AssertionError("beyond the limit")


def test_tasks_that_vanish_meanwhile_end_a_fault_half_way(tmp_path: Path) -> None:
    """Autoscaling takes the service from 200 tasks to 20 while 100 are being stopped: the others are not touched."""

    def scale_in(service: CountedService) -> None:
        if stops(service) == 10:
            service.desired = 20
            for name in list(service.tasks)[:180]:
                service.tasks[name] = "STOPPED"

    service = CountedService(200, meanwhile=scale_in)
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        with pytest.raises(ExperimentStopped, match="at most 10 may be"), run.fault("task.stop", run.tasks()[100:]):
            raise AssertionError("it did not end half-way")
        assert 10 <= stops(service) <= 15


def test_a_deployment_of_another_user_ends_an_experiment(tmp_path: Path) -> None:
    """A fault does not begin during a deployment that is not of the experiment, even after one that is."""
    service = CountedService(4, deployments=2)
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        with pytest.raises(LimitExceeded, match="a deployment of another user"), run.fault("task.stop", run.pick(1)):
            raise AssertionError("during a deployment")
        service.deployments = 1
        with run.fault("service.deploy"):
            service.deployments = 2
            with run.fault("task.stop", run.pick(1)):
                assert stops(service) == 1
            ours, service.primary = service.primary, "ecs-svc/theirs"
            with run.fault("registry.ttl"):
                pass  # it changes no task
            with pytest.raises(ExperimentStopped, match="a deployment of another user"), run.fault("service.deploy"):
                raise AssertionError("during a deployment of another user")
            service.primary = ours
            with run.fault("service.scale", count=5):
                service.primary = "ecs-svc/theirs"  # what the answer to setting the count back shows is not ours
            with pytest.raises(ExperimentStopped, match="a deployment of another user"), run.fault("service.deploy"):
                raise AssertionError("during a deployment of another user")
            service.primary, service.deployments = "ecs-svc/1", 2  # ECS rolled back to what was there at rest
            with run.fault("service.scale", count=5):
                assert service.desired == 5


@pytest.mark.parametrize(
    ("count", "percent", "limits", "why"),
    [
        (4, 100, SafetyLimits(), ""),
        (4, 50, SafetyLimits(), ""),
        (4, 25, SafetyLimits(), "3 of 4 tasks would be disrupted at a time, at most 2"),
        (1, 0, SafetyLimits(max_task_share=1.0), "0 of 1 tasks would remain"),
        (4, 100, SafetyLimits(max_tasks=3), "a deployment replaces all 4 tasks, at most 3"),
    ],
)
def test_a_deployment_may_stop_what_its_percentages_say(
    tmp_path: Path, count: int, percent: int, limits: SafetyLimits, why: str
) -> None:
    """Tasks that a deployment may stop before it has started others count as disrupted."""
    service = CountedService(count, minimum_percent=percent)
    with experiment_with(service, tmp_path, limits) as run:
        if not why:
            with run.fault("service.deploy"):
                assert service.changes == ["UpdateService deploys"]
            return
        with pytest.raises(LimitExceeded, match=why), run.fault("service.deploy"):
            raise AssertionError("beyond the limit")
        assert service.changes == []


def test_an_autoscaling_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Without the permission the options alone limit; it is asked for once."""
    service = CountedService(4, refused="AccessDeniedException")
    assert read_counts(service.client, THEIRS).scaling == ScalingRange(unknown="AccessDeniedException")
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        assert run.guard.scaling().unknown == "AccessDeniedException"
        service.refused, service.range = "", (1, 4)
        with run.fault("service.scale"):
            assert service.desired == 6


def test_a_service_at_its_maximum_gets_no_task(tmp_path: Path) -> None:
    """Where autoscaling allows no more, scaling out is refused with its maximum."""
    service = CountedService(4, range=(2, 4))
    with experiment_with(service, tmp_path, SafetyLimits()) as run:
        with (
            pytest.raises(LimitExceeded, match="the maximum capacity of its autoscaling is 4"),
            run.fault("service.scale"),
        ):
            raise AssertionError("beyond the maximum")
        assert service.changes == []


@given(
    st.integers(0, 600), st.integers(0, 600), st.integers(0, 600), st.floats(0.01, 1), st.integers(0, 9),
    st.none() | st.integers(0, 600),
)  # fmt: skip
def test_what_is_permitted_is_within_all_limits(
    desired: int, running: int, victims: int, share: float, minimum: int, most: int | None
) -> None:
    """Permitted victims leave enough healthy tasks, and with those that are missing they are not too many."""
    healthy = [str(number) for number in range(running)]
    chosen = frozenset(healthy[:victims])
    limits = SafetyLimits(max_task_share=share, max_tasks=most, min_healthy=minimum)
    refused = limits.refusal(TaskChange(chosen), ServiceCounts(desired, frozenset(healthy)), frozenset(), 0)
    lost = max(0, desired - running) + len(chosen)
    is_within = lost <= share * desired + 1e-6 and (most is None or lost <= most) and running - len(chosen) >= minimum
    assert refused == "" if not chosen else bool(refused) != is_within
