"""A run may have a limited number of Fargate tasks at a time, all workers together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveyor.account.budget import Budget, Spending
from surveyor.account.fargate_tasks import TASKS_FILE, FargateTasks
from surveyor.errors import Inconclusive

FARGATE = {"launchType": "FARGATE"}


def _ask(tasks: FargateTasks, operation: str, **params: Any) -> Any:
    return tasks.before("ecs", operation, {"cluster": "c", **params})


def _create(tasks: FargateTasks, name: str, count: int, **params: Any) -> Any:
    return _ask(tasks, "CreateService", serviceName=name, desiredCount=count, **{**FARGATE, **params})


def test_tasks_of_services_and_single_ones_count_together(tmp_path: Path) -> None:
    """A call that would make it more than the limit is not sent; what is deleted makes room."""
    tasks = FargateTasks(5, tmp_path / TASKS_FILE)
    _create(tasks, "web", 3)
    _ask(tasks, "RunTask", count=2, **FARGATE)
    with pytest.raises(Inconclusive, match=r"may have 5 Fargate tasks at a time, .* would make it 6; --budget tasks=N"):
        _create(tasks, "other", 1)
    _ask(tasks, "StopTask", task="arn:aws:ecs:us-east-1:1:task/c/1")
    _create(tasks, "other", 1)
    _ask(tasks, "DeleteService", service="arn:aws:ecs:us-east-1:1:service/c/web")
    _ask(tasks, "UpdateService", service="other", desiredCount=4)
    assert tasks.started == 3 + 2 + 1 + 3


def test_workers_share_the_limit(tmp_path: Path) -> None:
    """A worker waits while another one has the tasks, and gives up if they stay."""
    first = FargateTasks(4, tmp_path / TASKS_FILE)
    _create(first, "web", 3)
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            _ask(first, "DeleteCluster")

    second = FargateTasks(4, tmp_path / TASKS_FILE, pause)
    _create(second, "web", 2, cluster="d")
    assert len(waits) == 2
    _create(first, "again", 2)
    with pytest.raises(Inconclusive, match="none of another worker ended in time"):
        _create(second, "more", 1, cluster="d")


def test_a_refused_call_takes_no_room(tmp_path: Path) -> None:
    """What a refused call would have started is undone."""
    tasks = FargateTasks(3, tmp_path / TASKS_FILE)
    undo = _create(tasks, "web", 3)
    undo()
    _create(tasks, "web", 3)


@pytest.mark.parametrize(
    "params",
    [
        {"launchType": "EC2", "desiredCount": 1_001},
        {"launchType": None, "desiredCount": 1_001},
        {"desiredCount": "many", "launchType": "EXTERNAL"},
        {"capacityProviderStrategy": [{"capacityProvider": "mine"}], "launchType": None, "desiredCount": 9},
        {"capacityProviderStrategy": "x", "launchType": None},
    ],
)
def test_other_launch_types_do_not_count(params: dict[str, Any]) -> None:
    """Tasks on instances start only where the instances are paid for already."""
    tasks = FargateTasks(1)
    assert _ask(tasks, "CreateService", **{"serviceName": "web", **params}) is None
    _ask(tasks, "UpdateService", service="web", desiredCount=500)
    assert tasks.started == 0


@pytest.mark.parametrize("text", ["", "[", "[1]", "null", '{"c/web": "x"}', "\x00"])
def test_a_file_that_is_cut_short_counts_nothing(tmp_path: Path, text: str) -> None:
    """A worker that was killed while it wrote does not stop the others."""
    file = tmp_path / TASKS_FILE
    file.write_text(text)
    _create(FargateTasks(2, file), "web", 2)


def test_a_spot_task_counts_and_is_budgeted() -> None:
    """Capacity providers of Fargate count; the budget has an hour of each task."""
    spending = Spending(Budget(dollars=0.05, tasks=9))
    strategy = [{"capacityProvider": "FARGATE_SPOT"}]
    spending.count_call("ecs", "RunTask", {"count": 2, "capacityProviderStrategy": strategy})
    with pytest.raises(Inconclusive, match=r"budget of 0\.05 dollars is spent"):
        spending.count_call("ecs", "RunTask", {"count": 2, "capacityProviderStrategy": strategy})
