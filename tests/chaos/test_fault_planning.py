"""What can be done on a service of others, and how: means of a fault, limits, and how long experiments take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surveyor.chaos.actions import ActionContext, ApiAction, TaskSignal
from surveyor.chaos.durations import describe_seconds, experiment_seconds
from surveyor.chaos.fault_planning import plan_fault, refusal_of
from surveyor.chaos.faults import FAULTS
from surveyor.chaos.safety_limits import SafetyLimits
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.layout import find_layout
from surveyor.observers.service_under_test import ServiceTask
from surveyor.observers.tasks import describe_tasks
from tests.chaos.counted_service import THEIRS, CountedService

FEATURES = frozenset({"ecs", "cloudmap", "dns", "ecs-processes"})


def planning(service: CountedService, features: frozenset[str] = FEATURES, **limits: Any) -> dict[str, Any]:
    """Return the arguments of plans for a service of others whose tasks run another program."""
    theirs = replace(THEIRS, workload=False)
    return {
        "service": theirs,
        "features": features,
        "guard": ServiceGuard(SafetyLimits(**limits), theirs, service.client),
        "context": ActionContext(service.client, None),
    }


def running(service: CountedService) -> list[ServiceTask]:
    """Return the tasks of a service."""
    return list(describe_tasks(service, THEIRS, {}).values())


def test_tasks_of_others_are_killed_by_stop_task() -> None:
    """Without signals a task that runs another program is stopped by ECS, and the plan says so."""
    service = CountedService(3)
    victim = running(service)[0]
    planned = plan_fault(FAULTS["task.kill"], [victim], {}, **planning(service))
    assert [action.method for action in planned.plan.begin if isinstance(action, ApiAction)] == ["stop_task"]
    assert planned.subject == f"{victim}, by StopTask: SIGTERM, and SIGKILL after the stopTimeout"
    by_signal = plan_fault(FAULTS["task.kill"], [victim], {}, **planning(service, FEATURES | {"task-signals"}))
    assert isinstance(by_signal.plan.begin[0], TaskSignal)
    assert by_signal.description == "by SIGKILL"


@pytest.mark.parametrize(
    ("count", "name", "reason"),
    [
        (1, "task.stop", "1 of 1 tasks would be disrupted at a time, at most 0 may be"),
        (1, "service.scale", "no task may be added to the 1 of the service: --max-task-share"),
        (3, "task.stop", ""),
        (3, "az.lose", ""),
        (4, "az.lose", ""),
        (5, "service.scale", ""),
        (500, "task.stop", ""),
        (500, "service.scale", ""),
        (0, "task.stop", "no victim: the service has no running task to choose from"),
        (3, "task.pause", "task.pause needs tasks that run surveyor_agents.workload"),
        (3, "registry.deregister-live", ""),
    ],
)
def test_a_list_says_what_the_limits_allow(count: int, name: str, reason: str) -> None:
    """Each fault is judged with one victim, or the largest zone, also of a service of 0, 1 or 500 tasks."""
    service = CountedService(count)
    said = refusal_of(FAULTS[name], running(service), **planning(service))
    assert said.startswith(reason) if reason else not said
    assert service.changes == []


def test_a_zone_that_is_too_large_is_refused() -> None:
    """Of five tasks in three zones the largest zone has two: more than a fifth."""
    service = CountedService(5)
    said = refusal_of(FAULTS["az.lose"], running(service), **planning(service, max_task_share=0.2))
    assert said.startswith("2 of 5 tasks would be disrupted at a time, at most 1 may be")


def test_a_task_that_is_not_registered_cannot_be_deregistered() -> None:
    """A plan that cannot be undone is refused in words, not by the error of GetInstance."""
    service = CountedService(3)
    service.instances.clear()
    said = refusal_of(FAULTS["registry.deregister-live"], running(service), **planning(service))
    assert "is not registered with attributes" in said


@pytest.mark.parametrize(
    ("name", "duration", "expected"),
    [
        ("kill_one_of_many", 30.0, 15 + 20 + 20 + 75 + 30),
        ("any_fault", 100.0, 15 + 100 + 75 + 30),
        ("resolver_that_lies", 30.0, 15 + 3 * (15 + 10 + 10) + 75 + 30),
    ],
)
def test_durations_follow_the_steps_of_an_experiment(name: str, duration: float, expected: float) -> None:
    """Warm-up, waits with the names of the file, loops and the time until the service is steady are added."""
    assert experiment_seconds(find_layout().chaos / f"{name}.py", duration=duration, steady=30) == expected


def test_an_experiment_of_the_users_has_a_duration(tmp_path: Path) -> None:
    """A file with other steps is estimated, and what is no number counts nothing."""
    file = tmp_path / "own.py"
    file.write_text("SECONDS = 7\ndef test_own(run):\n    for _ in range(3):\n        run.wait(2 * SECONDS)\n", "utf-8")
    assert experiment_seconds(file, duration=30) == 15 + 3 * 14
    assert describe_seconds(57, 57) == "about 57 s"
    assert describe_seconds(57, 200) == "about 1 to 3 minutes"
