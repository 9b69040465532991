"""The process of an experiment is killed while faults are in effect: a watchdog undoes all of them."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.chaos.undo_log import open_entries
from surveyor.clock import WallClock
from surveyor.targets.sweep import existing_resources
from tests.chaos.shared_service import SharedService, kill, run_faults, shared_service

pytestmark = pytest.mark.soak

UNDO_TIMEOUT = 30.0  # wall seconds: tasks that were killed or scaled in have to be replaced, too


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedService]:
    """Yield one service for all tests of this file, each of which must leave it unchanged."""
    with shared_service() as service:
        yield service


def is_undone(folder: Path) -> bool:
    """Return whether the watchdog has undone all that the undo logs list."""
    logs = list((folder / "out" / "histories").glob("undo-*.jsonl"))
    return bool(logs) and not any(open_entries(path) for path in logs)


@pytest.mark.parametrize(
    "faults",
    [
        ("task.pause", "service.scale", "registry.ghost", "registry.throttle", "dns.servfail"),
        ("task.unhealthy", "registry.deregister-live", "task.ignore-sigterm", "registry.stale", "dns.nxdomain"),
        ("task.kill", "registry.ttl"),
        ("task.stop", "service.deploy"),
    ],
    ids=" ".join,
)
def test_all_faults_are_undone_after_sigkill(shared: SharedService, tmp_path: Path, faults: tuple[str, ...]) -> None:
    """An existing service is restored after SIGKILL: it is steady, without the ghost and the experiment's tag."""
    assert shared.is_restored()
    limits = ("--min-healthy", "0", "--max-task-share", "1", "--max-error-rate", "1")
    kill(run_faults(faults, shared, tmp_path, "--service", "shop/web", *limits))
    WallClock().eventually(lambda: is_undone(tmp_path), within=UNDO_TIMEOUT)
    WallClock().eventually(shared.is_restored, within=UNDO_TIMEOUT)


def test_the_resources_of_a_killed_experiment_are_deleted(shared: SharedService, tmp_path: Path) -> None:
    """A temporary service is deleted by its ledger, and the account lists what it listed before."""
    before = shared.client("ecs").list_clusters()["clusterArns"], shared.client("servicediscovery").list_namespaces()
    kill(run_faults(("task.pause", "service.scale"), shared, tmp_path))
    WallClock().eventually(
        lambda: is_undone(tmp_path) and not existing_resources(tmp_path / "out"), within=2 * UNDO_TIMEOUT
    )
    after = shared.client("ecs").list_clusters()["clusterArns"], shared.client("servicediscovery").list_namespaces()
    assert before[0] == after[0]
    assert before[1]["Namespaces"] == after[1]["Namespaces"]


def test_ctrl_c_undoes_without_the_watchdog(shared: SharedService, tmp_path: Path) -> None:
    """Ctrl-C undoes the faults, and the history records that the experiment was stopped, and which service it was."""
    more = ("--service", "shop/web", "--max-error-rate", "1")
    runner = run_faults(("task.pause", "registry.ghost"), shared, tmp_path, *more)
    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=60) != 0
    assert is_undone(tmp_path)
    WallClock().eventually(shared.is_restored, within=UNDO_TIMEOUT)
    lines = (tmp_path / "out" / "histories" / "any-fault.jsonl").read_text("utf-8").splitlines()
    assert '"stopped":"KeyboardInterrupt' in lines[-1]
    settings = json.loads(lines[0])["service"]
    assert settings["service"] == "shop/web"
    assert settings["tasks"] == "2"
    assert settings["stopTimeout"] == "30 s (default)"


@pytest.mark.parametrize(
    ("service", "message"),
    [
        ("shop/none", "there is no service none in the cluster shop"),
        ("shop/shy", "the service shy has not opted in to chaos: tag it surveyor:chaos=allowed"),
        ("shop/idle", "the service shop/idle has no tasks: its desired count is 0"),
        ("shop/alone", "shop/alone is in no registry"),
        ("shop/web", "1 of 2 tasks would remain, at least 2 must"),
    ],
)
def test_a_service_that_must_not_be_disrupted_is_refused(
    shared: SharedService, tmp_path: Path, service: str, message: str
) -> None:
    """A missing service, one without opt-in, tasks or registry, and one with too few tasks are refused in one line."""
    shared.create_others()
    with pytest.raises(AssertionError, match=message):
        run_faults(("task.kill",), shared, tmp_path, "--service", service, "--min-healthy", "2")
    assert shared.is_restored()


def test_a_second_runner_is_refused(shared: SharedService, tmp_path: Path) -> None:
    """A second experiment with the same service is refused, and the first one continues."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run_faults(("registry.throttle",), shared, tmp_path / "a", "--service", "shop/web")
    try:
        with pytest.raises(AssertionError, match="has an experiment in progress with this service: only one may run"):
            run_faults(("registry.throttle",), shared, tmp_path / "b", "--service", "shop/web")
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(timeout=60)
    WallClock().eventually(shared.is_restored, within=UNDO_TIMEOUT)


def test_a_dry_run_neither_tags_nor_calls_an_existing_service(shared: SharedService, tmp_path: Path) -> None:
    """A dry run prints the victim of an existing service, and leaves no tag and no event."""
    runner = run_faults(("task.stop",), shared, tmp_path, "--service", "shop/web", "--dry-run", wait=False)
    assert runner.wait(timeout=60) == 0, (tmp_path / "log").read_text("utf-8")
    assert "any-fault: seed 7: task.stop: " in (tmp_path / "log").read_text("utf-8")
    assert shared.is_restored()
    undo_log = (tmp_path / "out" / "histories" / "undo-main.jsonl").read_text("utf-8")
    assert '"begin"' not in undo_log
