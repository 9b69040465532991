"""Each attempt is joined with the task that it reached, as far as that is known."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.history import JoinedAttempt, joined_attempts
from surveyor.load.attempt_figures import is_of_side
from surveyor.observers.service_under_test import parse_task
from tests.checkers.simulated_services import SimulatedService, call, deployments, history_of, phase, tasks

OLD, NEW = "127.0.0.1", "127.0.0.2"
DEPLOYED = {"d": {"status": "IN_PROGRESS", "created": 20.0, "revision": "web:2", "from_revision": ["web:1"]}}


def state(address: str, status: str = "RUNNING", **values: Any) -> dict[str, Any]:
    """Return a task as ECS describes it."""
    return {"status": status, "address": address, "zone": "a", **values}


def joined(*operations: dict[str, Any]) -> list[JoinedAttempt]:
    """Return the attempts of a history with these operations."""
    return joined_attempts(history_of(SimulatedService((), period=1e9, calls=1e9).but(*operations)))


def deployment(**states: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what is observed of a deployment from 20 s on, which starts a task at 22 s and stops the old one at 40."""
    old: dict[str, Any] = {"revision": "web:1", "created": -50.0}
    new: dict[str, Any] = {"revision": "web:2", "created": 22.0}
    known = states or DEPLOYED
    return [
        tasks(1, old=state(OLD, **old)),
        deployments(21, "d", **known),
        tasks(30, old=state(OLD, **old), new=state(NEW, **new)),
        tasks(40, old=state(OLD, "STOPPING", **old), new=state(NEW, **new)),
        tasks(50, old=state(OLD, "STOPPED", **old), new=state(NEW, **new)),
    ]


def test_the_task_is_known_by_its_address_at_that_time() -> None:
    """An attempt has its task, with revision, deployment, zone, life and phase; after its end, too.

    Between the last snapshot that shows a task running and the first that shows it stopping, it may be stopping.
    """
    found = joined(
        *deployment(),
        phase(0, 21, "before"),
        phase(21, 60, "deployment"),
        call(10, 10.1, OLD, client="dns"),
        call(29, 29.1, OLD, client="dns"),
        call(35, 35.1, NEW, client="dns"),
        call(36, 36.1, OLD, client="dns"),
        call(45, 45.1, OLD, client="dns"),
        call(55, 55.1, OLD, error="refused", client="dns"),
    )
    rows = [(one.task, one.revision, one.side, one.life, one.phase, one.outcome) for one in found]
    assert rows == [
        ("old", "web:1", "old", "running", "before", "ok"),
        ("old", "web:1", "old", "running", "deployment", "ok"),
        ("new", "web:2", "new", "running", "deployment", "ok"),
        ("old", "web:1", "old", "leaving", "deployment", "ok"),
        ("old", "web:1", "old", "leaving", "deployment", "ok"),
        ("old", "web:1", "old", "ended", "deployment", "fail"),
    ]
    assert [(one.deployment, one.zone, one.client) for one in found][2] == ("arn/d", "a", "dns")


def test_a_forced_deployment_of_the_same_revision_is_known_by_time() -> None:
    """Task definitions do not differ: tasks that were created since its beginning are new."""
    forced = {"d": {"status": "IN_PROGRESS", "created": 20.0, "revision": "web:1", "from_revision": ["web:1"]}}
    old: dict[str, Any] = {"revision": "web:1", "created": -50.0}
    new: dict[str, Any] = {"revision": "web:1", "created": 22.0}
    seen = [
        tasks(1, old=state(OLD, **old)),
        deployments(21, "d", **forced),
        tasks(30, old=state(OLD, **old), new=state(NEW, **new)),
    ]
    assert [one.side for one in joined(*seen, call(25, 25.1, OLD), call(29, 29.1, NEW))] == ["old", "new"]


@pytest.mark.parametrize(
    ("created", "rolled_back", "side"),
    [(22.0, None, "new"), (22.0, 40.0, "new"), (45.0, 40.0, "old"), (60.0, None, "")],
)
def test_tasks_of_a_rollback_and_of_a_later_deployment(created: float, rolled_back: float | None, side: str) -> None:
    """A task that a rollback starts is an old one again; one of a later deployment is neither."""
    first: dict[str, Any] = {"status": "IN_PROGRESS", "created": 20.0, "revision": "web:1", "from_revision": ["web:1"]}
    if rolled_back is not None:
        first["rolled_back"] = rolled_back
    known = {"d": first, "e": {"status": "IN_PROGRESS", "created": 55.0, "revision": "web:3"}}
    seen = [deployments(70, "d", **known), tasks(71, new=state(NEW, revision="web:1", created=created))]
    assert [one.side for one in joined(*seen, call(72, 72.1, NEW))] == [side]


def test_what_is_not_known_stays_empty() -> None:
    """A load balancer's address, a task that was never listed, and two tasks with one address have no task."""
    seen = [
        *deployment(),
        tasks(60, x=state("127.0.0.9"), y=state("127.0.0.9")),
        tasks(70, x=state("127.0.0.9"), y=state("127.0.0.9")),
    ]
    calls = [call(45, 45.1, "10.0.0.1"), call(65, 65.1, "127.0.0.9"), call(66, 66.1, "", error="no address known")]
    assert [(one.task, one.side, one.life) for one in joined(*seen, *calls)] == [("", "", "")] * 3


def test_a_task_that_names_itself_is_known_behind_a_load_balancer() -> None:
    """The id in an answer says more than the address that was called."""
    [found] = joined(*deployment(), call(45, 45.1, "10.0.0.1", task="new"))
    assert (found.task, found.side) == ("new", "new")


def test_an_older_history_has_no_revisions() -> None:
    """Attempts of a history without revisions and deployments have their task, and no side."""
    [found] = joined(tasks(1, old=state(OLD)), tasks(40, old=state(OLD)), call(35, 35.1, OLD))
    assert (found.task, found.revision, found.deployment, found.side) == ("old", "", "", "")


@pytest.mark.parametrize("scaled_in", [True, False])
def test_what_follows_a_stopped_new_task_is_no_fault_of_its_revision(*, scaled_in: bool) -> None:
    """A new task that ended by itself counts after its end, and one that a desired count stopped does not."""
    new: dict[str, Any] = {"revision": "web:2", "created": 22.0}
    end = {"scaled_in": True} if scaled_in else {}
    found = joined(
        deployments(21, "d", **DEPLOYED),
        tasks(30, new=state(NEW, **new)),
        tasks(40, new=state(NEW, "STOPPING", **new, **end)),
        tasks(50, new=state(NEW, "STOPPED", **new, **end)),
        call(25, 25.1, NEW),
        call(45, 45.1, NEW, error="refused"),
        call(55, 55.1, NEW, error="refused"),
    )
    assert [is_of_side(one, "new") for one in found] == [True, not scaled_in, not scaled_in]
    assert not any(is_of_side(one, "old") for one in found)


@pytest.mark.parametrize(
    ("code", "reason", "scaled_in"),
    [
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", True),
        ("UserInitiated", "Task stopped by user", True),
        ("ServiceSchedulerInitiated", "Task failed container health checks", False),
        ("ServiceSchedulerInitiated", "", False),
        ("EssentialContainerExited", "Essential container in task exited", False),
        ("TaskFailedToStart", "CannotPullContainerError", False),
    ],
)
def test_code_and_reason_say_why_a_task_is_stopped(code: str, reason: str, *, scaled_in: bool) -> None:
    """The scheduler's code stands for a scale-in and for a failed health check."""
    described = {"taskArn": "arn:aws:ecs:us-east-1:1:task/c/1", "stopCode": code, "stoppedReason": reason}
    assert parse_task(described).state().scaled_in is scaled_in
