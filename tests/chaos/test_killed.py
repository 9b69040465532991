"""Whoever runs an experiment is killed in the middle of faults: a watchdog undoes all of them, and nothing is left."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.chaos.undo_log import open_entries
from surveyor.clock import WallClock
from surveyor.targets.sweep import standing_in
from tests.chaos.town import Town, kill, run_faults, town

WITHIN = 30.0  # wall seconds: tasks that were killed or scaled in have to be replaced, too


@pytest.fixture(scope="module")
def place() -> Iterator[Town]:
    """One for all tests of this file: each leaves it as it was, or fails."""
    with town() as made:
        yield made


def undone(folder: Path) -> bool:
    """Whether the watchdog has undone all that the journals tell of."""
    journals = list((folder / "out" / "histories").glob("undo-*.jsonl"))
    return bool(journals) and not any(open_entries(path) for path in journals)


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
def test_everything_is_undone_after_kill_minus_nine(place: Town, tmp_path: Path, faults: tuple[str, ...]) -> None:
    """On a service that is somebody else's: it is whole again, the ghost is gone, and so is the experiment's tag."""
    assert place.is_whole()
    kill(run_faults(faults, place, tmp_path, "--service", "shop/web", "--survivors", "0"))
    WallClock().eventually(lambda: undone(tmp_path), within=WITHIN)
    WallClock().eventually(place.is_whole, within=WITHIN)


def test_what_an_experiment_made_is_taken_away(place: Town, tmp_path: Path) -> None:
    """On a service of its own, by the ledger: nothing stands, and the account lists what it listed before."""
    before = place.client("ecs").list_clusters()["clusterArns"], place.client("servicediscovery").list_namespaces()
    kill(run_faults(("task.pause", "service.scale"), place, tmp_path))
    WallClock().eventually(lambda: undone(tmp_path) and not standing_in(tmp_path / "out"), within=2 * WITHIN)
    after = place.client("ecs").list_clusters()["clusterArns"], place.client("servicediscovery").list_namespaces()
    assert before[0] == after[0]
    assert before[1]["Namespaces"] == after[1]["Namespaces"]


def test_ctrl_c_undoes_by_itself(place: Town, tmp_path: Path) -> None:
    """Nobody has to be watched for that; the history says that it was stopped."""
    runner = run_faults(("task.pause", "registry.ghost"), place, tmp_path, "--service", "shop/web")
    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=60) != 0
    assert undone(tmp_path)
    WallClock().eventually(place.is_whole, within=WITHIN)
    history = (tmp_path / "out" / "histories" / "any-fault.jsonl").read_text("utf-8")
    assert '"stopped":"KeyboardInterrupt' in history.splitlines()[-1]


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("shop/none", "there is no service none in the cluster shop"),
        ("shop/shy", "the service shy has not opted in: tag it surveyor:chaos=allowed"),
        ("shop/idle", "shop/idle has no tasks: there is nobody to do anything to"),
        ("shop/alone", "shop/alone is in no registry"),
        ("shop/web", "1 of 2 tasks would survive, at least 2 have to"),
    ],
)
def test_a_service_that_may_not_be_touched_is_not(place: Town, tmp_path: Path, service: str, says: str) -> None:
    """It is not there, did not opt in, has nobody, is in no registry, or too few would survive: one line."""
    place.others()
    with pytest.raises(AssertionError, match=says):
        run_faults(("task.kill",), place, tmp_path, "--service", service, "--survivors", "2")
    assert place.is_whole()


def test_a_second_runner_is_refused(place: Town, tmp_path: Path) -> None:
    """In one line, and the first one goes on."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = run_faults(("registry.throttle",), place, tmp_path / "a", "--service", "shop/web")
    try:
        with pytest.raises(AssertionError, match="has an experiment going on with this service: one at a time"):
            run_faults(("registry.throttle",), place, tmp_path / "b", "--service", "shop/web")
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        first.wait(timeout=60)
    WallClock().eventually(place.is_whole, within=WITHIN)
