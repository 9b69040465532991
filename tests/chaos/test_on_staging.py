"""Experiments with services of others in an account in use: limits, autoscaling, other users, dry runs, kills."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from surveyor.chaos.service_counts import primary_deployment
from surveyor.chaos.undo_log import open_entries
from surveyor.clock import WallClock
from tests.account.test_untouched import Recorder, recording
from tests.chaos.kills import kill_one, watchdogs
from tests.chaos.services_on_staging import (
    COUNTER,
    SLEEPER,
    Staged,
    during,
    run_chaos,
    scalable,
    staged,
    start_chaos,
)
from tests.in_vpc.staging_account import run_surveyor

pytestmark = pytest.mark.soak

READS = {"GetCallerIdentity", "POST /getresourceshares"}
TAGS = {"TagResource", "UntagResource"}
LARGE_SCALE = 5.0
"""Service seconds per second where 200 tasks are polled: more would keep this machine from anything else."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Staged]:
    """Yield an account in use with the service `web` of three tasks, which each test leaves as it was."""
    with staged() as made:
        made.create("web", 3)
        yield made


def changes(recorder: Recorder) -> list[str]:
    """Return the operations that changed something besides the tag of the run."""
    return [name for name, _ in recorder.changing() if name not in READS | TAGS]


def counts_set(recorder: Recorder) -> list[int]:
    """Return the desired counts that were set, in order."""
    texts = [text.partition(" ")[2] for name, text in recorder.changing() if name == "UpdateService"]
    return [json.loads(text)["desiredCount"] for text in texts]


def test_a_dry_run_of_everything_changes_nothing_and_calls_nothing(shop: Staged, tmp_path: Path) -> None:
    """No call but reads reaches the account, and no request any task; so does the list of what can be done."""
    before = shop.counted("web")
    with recording(shop.account.endpoint) as (url, recorder):
        code, output = run_chaos(shop, "web", tmp_path / "dry", "kill-one-of-many", "--dry-run", endpoint=url)
        assert code == 0, output
        code, listed = run_chaos(shop, "web", tmp_path / "list", "--list", endpoint=url)  # a dry run of each
        assert code == 0, listed
        assert "add --enable" not in listed
    assert "kill-one-of-many: seed 7: task.kill: " in output
    assert "by StopTask: SIGTERM, and SIGKILL after the stopTimeout" in output
    assert [name for name, _ in recorder.changing() if name not in READS] == []
    assert recorder.calls
    assert shop.counted("web") == {task: number + 1 for task, number in before.items()}


def test_three_tasks_lose_no_more_than_one(shop: Staged, tmp_path: Path) -> None:
    """With half of three allowed one task is stopped; two at a time, a zone of two, are refused before any call."""
    with recording(shop.account.endpoint) as (url, recorder):
        code, output = run_chaos(shop, "web", tmp_path / "half", "kill-half", endpoint=url)
        assert (code, changes(recorder)) == (5, []), output
        assert "2 of 3 tasks would be disrupted at a time, at most 1 may be" in output
        words = ("any-fault", "--fault", "task.kill", "--duration", "5", "--max-error-rate", "1")
        run_chaos(shop, "web", tmp_path / "one", *words, endpoint=url)
    assert changes(recorder) == ["StopTask"]
    shop.is_whole("web", 3)


def test_autoscaling_bounds_and_changes_the_count(shop: Staged, tmp_path: Path) -> None:
    """The count rises to the maximum capacity and no further; what a scheduled action sets meanwhile stays."""
    scaling = shop.scaling()
    scaling.register_scalable_target(**scalable("web"), MinCapacity=3, MaxCapacity=4)
    words = ("any-fault", "--fault", "service.scale", "--max-task-share", "1", "--max-error-rate", "1")
    with recording(shop.account.endpoint) as (url, recorder):
        runner = start_chaos(shop, "web", tmp_path / "out", *words, "--duration", "60", endpoint=url)

        def scale_out() -> None:
            action = {"ScheduledActionName": "noon", "ScalableTargetAction": {"MinCapacity": 6, "MaxCapacity": 8}}
            moment = datetime.fromtimestamp(shop.shop.clock.now(), UTC) + timedelta(seconds=5)
            scaling.put_scheduled_action(**scalable("web"), **action, Schedule=f"at({moment:%Y-%m-%dT%H:%M:%S})")

        during(runner, tmp_path / "out", 1, scale_out)
        runner.wait(timeout=240)
    output = (tmp_path / "out.log").read_text("utf-8")
    assert counts_set(recorder) == [4], output
    assert "not undone, since another user changed it: the desired count of web is 6, the fault set 4" in output
    assert shop.service("web")["desiredCount"] == 6
    scaling.deregister_scalable_target(**scalable("web"))
    shop.shop.ecs.update_service(cluster="store", service="web", desiredCount=3)
    shop.is_whole("web", 3)


def test_a_ttl_that_another_user_sets_stays(shop: Staged, tmp_path: Path) -> None:
    """The TTL is not set back once it is another one than that of the fault."""
    cloudmap, registry = shop.shop.cloudmap, shop.registry("web")
    words = ("any-fault", "--fault", "registry.ttl", "--max-error-rate", "1")
    runner = start_chaos(shop, "web", tmp_path / "out", *words, "--duration", "40")

    def set_ttl(seconds: int) -> None:
        service = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": seconds}]}}

        def accepted() -> bool:
            try:
                cloudmap.update_service(Id=registry, Service=service)
            except ClientError as error:
                if error.response["Error"]["Code"] != "DuplicateRequest":
                    raise
                return False
            return True

        WallClock().eventually(accepted, within=60)  # until the update of the fault, or of its undo, has ended

    during(runner, tmp_path / "out", 1, lambda: set_ttl(77))
    runner.wait(timeout=240)
    assert "the TTL of the A records is 77 s, not the 300 s of the fault" in (tmp_path / "out.log").read_text("utf-8")
    assert [record["TTL"] for record in cloudmap.get_service(Id=registry)["Service"]["DnsConfig"]["DnsRecords"]] == [77]
    set_ttl(15)
    shop.is_whole("web", 3)


def test_a_machine_that_is_lost_leaves_what_a_sweep_undoes(shop: Staged, tmp_path: Path) -> None:
    """The runner and its watchdog are killed together: `surveyor sweep` undoes the faults by the undo log."""
    out = tmp_path / "run"
    faults = ("registry.ghost", "registry.ttl", "service.scale")
    words = [word for fault in faults for word in ("--fault", fault)]
    limits = ("--max-task-share", "1", "--max-error-rate", "1", "--duration", "3000")
    runner = start_chaos(shop, "web", out, "any-fault", *words, *limits)

    def lose() -> None:
        held = run_surveyor(shop.account, "sweep", str(tmp_path))
        assert held.returncode == 3, held.stdout + held.stderr
        assert "its experiment, or what undoes it, is still running on this machine" in held.stderr
        for pid in [*watchdogs(out), runner.pid]:
            os.kill(pid, signal.SIGKILL)
        runner.wait()

    during(runner, out, len(faults), lose)
    assert set(shop.differences("web", 3)) >= {"the run's tag is left", "the TTLs are [300]"}
    swept = run_surveyor(shop.account, "sweep", str(tmp_path))
    assert swept.returncode == 0, swept.stdout + swept.stderr
    assert swept.stdout.count("undone: ") == len(faults) + 1
    shop.is_whole("web", 3)
    assert not open_entries(out / "histories" / "undo-main.jsonl")


def test_a_deployment_of_another_user_outlives_a_lost_machine(shop: Staged, tmp_path: Path) -> None:
    """Another user deploys a revision during a fault; the sweep after the kill sets the count back, and that alone."""
    out, limits = tmp_path / "run", ("--max-task-share", "1", "--max-error-rate", "1", "--duration", "3000")
    runner = start_chaos(shop, "web", out, "any-fault", "--fault", "service.scale", *limits)
    theirs: dict[str, str] = {}

    def deploy_and_lose() -> None:
        shop.shop.define("web", COUNTER)
        service = shop.shop.ecs.update_service(cluster="store", service="web", taskDefinition="web")["service"]
        theirs.update(definition=service["taskDefinition"], deployment=primary_deployment(service))
        for pid in [*watchdogs(out), runner.pid]:
            os.kill(pid, signal.SIGKILL)
        runner.wait()

    during(runner, out, 1, deploy_and_lose)
    assert shop.service("web")["desiredCount"] == 6
    swept = run_surveyor(shop.account, "sweep", str(tmp_path))
    assert swept.returncode == 0, swept.stdout + swept.stderr
    shop.is_whole("web", 3)
    found = shop.service("web")
    assert (found["taskDefinition"], primary_deployment(found)) == (theirs["definition"], theirs["deployment"])

    def all_are_theirs() -> bool:
        return {task["taskDefinitionArn"] for task in shop.tasks("web")} == {theirs["definition"]}

    WallClock().eventually(all_are_theirs, within=90)  # until their deployment has ended


@pytest.mark.parametrize(("victim", "seconds"), [("runner", 2.0), ("both", 4.0)])
def test_kills_at_any_moment_leave_nothing(shop: Staged, tmp_path: Path, victim: str, seconds: float) -> None:
    """Nothing is left after a kill and a sweep; `python -m tests.chaos.kills 30` is the long form."""
    _, left = kill_one(shop, "web", tmp_path / "run", 3, victim, seconds)
    assert left == []


@pytest.mark.skipif(not os.environ.get("FULL"), reason="200 tasks take minutes: FULL=1 runs it")
def test_two_hundred_tasks_stay_within_the_limits(tmp_path: Path) -> None:
    """With 20 of 200 tasks allowed, more victims are refused, and the count rises by 20; a zone of 100 is half."""
    options = ("--max-error-rate", "1", "--duration", "2")
    with staged(LARGE_SCALE) as large, recording(large.account.endpoint) as (url, recorder):
        large.create("many", 200, SLEEPER)
        recorder.calls.clear()
        for name in ("kill-half", "lose-a-zone", "scale-10-100-10"):
            code, output = run_chaos(large, "many", tmp_path / name, name, "--max-tasks", "20", *options, endpoint=url)
            assert (code, changes(recorder)) == (5, []), output
        words = ("any-fault", "--fault", "service.scale", "--max-tasks", "20", *options)
        _, output = run_chaos(large, "many", tmp_path / "scale", *words, endpoint=url)
        assert counts_set(recorder) == [220, 200], output
        assert changes(recorder) == ["UpdateService", "UpdateService"]
        recorder.calls.clear()
        _, output = run_chaos(
            large, "many", tmp_path / "zone", "any-fault", "--fault", "az.lose", *options, endpoint=url
        )
        stops = [json.loads(text.partition(" ")[2])["task"] for name, text in recorder.changing() if name == "StopTask"]
        assert 0 < len(set(stops)) <= 100, output
        assert set(changes(recorder)) == {"StopTask"}
        large.is_whole("many", 200, within=240)
