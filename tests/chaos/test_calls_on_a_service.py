"""What experiments with a service of others send: a proxy before the target records all calls."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from surveyor.account.ownership import is_read
from surveyor.clock import WallClock
from surveyor.proxies import HttpProxy, ProxyResponse, Upstream
from tests.chaos.shared_service import ACCOUNT, CREDENTIALS, SharedService, shared_service, target_file

pytestmark = pytest.mark.soak


@dataclass
class RecordedCalls:
    """A proxy before the target, which answers for Application Auto Scaling itself if it has a `range`.

    `refused`: the operation that it refuses.
    """

    proxy: HttpProxy
    operations: list[str] = field(default_factory=list)
    range: tuple[int, int] | None = None
    refused: str = ""

    @property
    def changes(self) -> list[str]:
        """Return the operations that changed something."""
        return [operation for operation in self.operations if not is_read(operation)]


@contextmanager
def recording(endpoint: str) -> Iterator[RecordedCalls]:
    """Yield the calls that are sent through a proxy."""
    upstream = Upstream(endpoint)

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> ProxyResponse:
        target = next((text for name, text in headers.items() if name.lower() == "x-amz-target"), "")
        found = re.search(rb"(?:^|&)Action=(\w+)", body)
        operation = target.rpartition(".")[2] or (found[1].decode() if found else "")
        if operation:
            recorded.operations.append(operation)
        if operation == "DescribeScalableTargets" and recorded.range is not None:
            bounds = {"MinCapacity": recorded.range[0], "MaxCapacity": recorded.range[1]}
            return ProxyResponse.from_json(200, {"ScalableTargets": [{"ResourceId": "service/shop/web", **bounds}]})
        if operation and operation == recorded.refused:
            return ProxyResponse.from_json(400, {"__type": "AccessDeniedException", "Message": "refused by a test"})
        return upstream(method, path, headers, body)

    recorded = RecordedCalls(HttpProxy(answer))
    recorded.proxy.start()
    try:
        yield recorded
    finally:
        recorded.proxy.close()
        upstream.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedService]:
    """Yield one service of two tasks for all tests of this file, each of which must leave it unchanged."""
    with shared_service() as service:
        yield service


@pytest.fixture
def calls(shared: SharedService) -> Iterator[RecordedCalls]:
    """Yield the calls of one test."""
    with recording(shared.running.endpoint) as recorded:
        yield recorded


def chaos(shared: SharedService, calls: RecordedCalls, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `surveyor chaos` with the service through the proxy."""
    target = target_file(folder, calls.proxy.url)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    assert shared.running.process is not None
    options = ("--target", str(target), "--account", ACCOUNT, "--service", "shop/web", "--out", str(folder / "out"))
    return subprocess.run(
        [sys.executable, "-m", "surveyor", "chaos", *words, *options],
        capture_output=True,
        text=True,
        env={**kept, **CREDENTIALS, "SURVEYOR_TOKEN": shared.running.process.token},
        timeout=120,
        check=False,
    )


def test_the_list_for_a_service_sends_only_reads(shared: SharedService, calls: RecordedCalls, tmp_path: Path) -> None:
    """`--list --service` says of each experiment and fault whether it can be done, and why not."""
    run = chaos(shared, calls, tmp_path, "--list")
    assert run.returncode == 0, run.stdout + run.stderr
    lines = {line.split()[0]: line for line in run.stdout.splitlines() if line.startswith("  ")}
    assert lines["kill-one-of-many"].endswith("  yes")
    assert "no: 98 tasks would be added to 2, at most 1 may be" in lines["scale-10-100-10"]
    assert "no: share.withdraw needs" in lines["share-withdrawn"]
    assert lines["task.stop"].endswith("  yes")
    assert "no: share.withdraw needs" in lines["share.withdraw"]
    assert "shop/web is not scaled by Application Auto Scaling" in run.stdout
    assert "seed 7" not in run.stderr
    assert calls.changes == []
    assert shared.is_restored()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "reason", "tags"),
    [
        (("task.stop", "--max-tasks", "0", "--dry-run"), "at most 0 may be (--max-tasks 0)", set()),
        (
            ("service.scale",),
            "no task may be added to the 2 of the service: the maximum capacity",
            {"TagResource", "UntagResource"},
        ),
    ],
)
def test_what_is_refused_changes_nothing_and_ends_with_5(
    shared: SharedService, calls: RecordedCalls, tmp_path: Path, words: tuple[str, ...], reason: str, tags: set[str]
) -> None:
    """A dry run and a run within limits that allow nothing change nothing, and say why."""
    calls.range = (1, 2)
    run = chaos(shared, calls, tmp_path, "--fault", *words)
    assert run.returncode == 5, run.stdout + run.stderr
    assert reason in run.stdout + run.stderr
    assert {*calls.changes} == tags
    assert shared.is_restored()


def test_an_experiment_stops_no_more_tasks_than_allowed(
    shared: SharedService, calls: RecordedCalls, tmp_path: Path
) -> None:
    """Of two tasks one is stopped; the report names the service with its settings."""
    more = ("--duration", "5", "--max-error-rate", "1")
    run = chaos(shared, calls, tmp_path, "--fault", "task.stop", "--max-tasks", "1", *more)
    assert calls.operations.count("StopTask") == 1, run.stdout + run.stderr
    assert [call for call in calls.changes if call not in ("StopTask", "TagResource", "UntagResource")] == []
    assert re.search(r"any-fault: about \d+ s at 10 service seconds per second", run.stderr)
    header = (tmp_path / "out" / "histories" / "any-fault.jsonl").read_text("utf-8").partition("\n")[0]
    for text in ('"service":"shop/web"', '"TTL":"20 s"', '"start of a task":"', '"called":":8080/"'):
        assert text in header
    WallClock().eventually(shared.is_restored, within=30)


def test_an_alarm_that_rings_ends_an_experiment(shared: SharedService, calls: RecordedCalls, tmp_path: Path) -> None:
    """An alarm that does not exist, and one in ALARM, are refused with 2 before anything is tagged."""
    cloudwatch = shared.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="Shop", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1.0, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    for name, reason in (("eror", "has no alarm 'eror'"), ("errors", "'errors' is in ALARM already")):
        run = chaos(shared, calls, tmp_path, "--fault", "task.stop", "--stop-on-alarm", name)
        assert run.returncode == 2, run.stdout + run.stderr
        assert reason in run.stderr
    assert calls.changes == []


def test_an_undo_that_is_refused_is_named_and_repeated_by_a_sweep(
    shared: SharedService, calls: RecordedCalls, tmp_path: Path
) -> None:
    """What the target refuses to undo is in the output with exit code 4, and a sweep undoes it once it may."""
    calls.refused = "DeregisterInstance"
    run = chaos(shared, calls, tmp_path, "--fault", "registry.ghost", "--duration", "2", "--max-error-rate", "1")
    assert run.returncode == 4, run.stdout + run.stderr
    assert "not undone: registry.ghost; once it can be, surveyor sweep " in run.stderr
    assert "ghost" in shared.instances()
    calls.refused = ""
    assert shared.running.process is not None
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    sweep = subprocess.run(
        [sys.executable, "-m", "surveyor", "sweep", str(tmp_path)],
        env={**kept, **CREDENTIALS, "SURVEYOR_TOKEN": shared.running.process.token},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (sweep.returncode, "undone: registry.ghost" in sweep.stdout) == (0, True), sweep.stdout + sweep.stderr
    WallClock().eventually(shared.is_restored, within=30)
