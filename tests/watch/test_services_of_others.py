"""Watches of services that are not Surveyor's, on the profile `staging`: old and new tasks have figures; only reads."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from surveyor.clock import WallClock
from surveyor.errors import UsageError
from surveyor.history import History, Outcome, joined_attempts, latest_deployments, load_history, watched_deployment
from surveyor.observers.existing_service import find_service
from surveyor.report.file import load_report
from tests.account.conftest import ACCOUNT, SECRET, EmulatorAccount
from tests.account.test_untouched import Recorder, recording
from tests.watch.conftest import start_watch, surveyor_watch
from tests.watch.services_of_others import SERVER, TTL, Shop

pytestmark = pytest.mark.soak

DEPLOY = f"""
import botocore.session
ecs = botocore.session.Session().create_client(
    "ecs", "us-east-1", endpoint_url=ENDPOINT, aws_access_key_id="{ACCOUNT}", aws_secret_access_key="{SECRET}")
ecs.update_service(cluster="store", service="web", taskDefinition="web")
"""
"""A command that deploys the newest revision."""


def check_sides(history: History, *clients: str) -> None:
    """Require attempts of each client at tasks of both sides of a deployment that succeeded."""
    attempts = joined_attempts(history)
    assert {(one.client, one.side) for one in attempts} >= {(name, side) for name in clients for side in ("old", "new")}
    assert latest_deployments(history)[watched_deployment(history)].status == "SUCCESSFUL"
    phases = [phase.name for phase in history.phases]
    assert phases == ["before", "deployment", "after"]
    sure = history.phases[0].end - 2 * history.header.machines.get(
        "workers", 0.0
    )  # by which a call may have begun later
    assert {one.side for one in attempts if one.phase == "before" and one.time < sure} <= {"old", ""}


def check_calls(recorder: Recorder, *, deploys: bool) -> None:
    """Require that the watch changed nothing but what --deploy does."""
    changes = [(name, text) for name, text in recorder.changing() if name != "GetCallerIdentity"]
    assert [name for name, _ in changes] == (["UpdateService"] if deploys else [])
    assert all('"forceNewDeployment": true' in text for _, text in changes)
    assert recorder.calls


@pytest.mark.parametrize(
    ("kind", "name", "clients"),
    [
        ("registered", "found", ("dns", "api-healthy")),
        ("connected", "linked", ("tasks",)),
        ("balanced", "front", ("tasks",)),
    ],
)
def test_a_forced_deployment(
    staging: EmulatorAccount, shop: Shop, tmp_path: Path, kind: str, name: str, clients: tuple[str, ...]
) -> None:
    """Old and new tasks have figures however clients find them; the only change is one UpdateService."""
    getattr(shop, kind)(name)
    with recording(staging.endpoint) as (url, recorder):
        done = surveyor_watch(
            staging, tmp_path, "--service", f"store/{name}", "--deploy", "--rate", "20", "--at-least", "0", endpoint=url
        )
    assert done.returncode in (0, 5), done.stdout + done.stderr  # 5: this machine did not keep up
    assert f"store/{name}: the deployment " in done.stdout
    assert "old tasks while they ran: failed" in done.stdout
    assert "new tasks: failed" in done.stdout
    check_calls(recorder, deploys=True)
    check_sides(load_history(tmp_path / "histories" / "watch.jsonl"), *clients)
    [experiment] = load_report(tmp_path / "report.json").experiments
    assert {"before", "deployment", "whole", "old tasks", "new tasks"} <= {row.phase for row in experiment.clients}
    assert experiment.judged is not None
    assert experiment.judged.service["service"] == f"store/{name}"
    assert f"store/{name}" in (tmp_path / "report.html").read_text("utf-8")


def test_faults_between_the_clients_and_what_they_ask(staging: EmulatorAccount, shop: Shop, tmp_path: Path) -> None:
    """While Cloud Map answers with nothing its client fails more than that of DNS; nothing of the account changes."""
    shop.registered("asked")
    with recording(staging.endpoint) as (url, recorder):
        words = ("--for", "90s", "--before", "20s", "--fault", "registry.empty", "--lasts", "40s")
        done = surveyor_watch(
            staging, tmp_path, "--service", "store/asked", *words, "--rate", "20", "--at-least", "0", endpoint=url
        )
    assert done.returncode in (0, 5), done.stdout + done.stderr  # 5: this machine did not keep up
    check_calls(recorder, deploys=False)
    assert "registry.empty for 40 s, to the clients of this watch alone" in done.stderr
    assert "  registry.empty, to these clients alone, at " in done.stdout
    history = load_history(tmp_path / "histories" / "watch.jsonl")
    [fault] = history.faults
    span = history.fault_span(fault)
    assert 35 < span.high - span.low < 75
    meanwhile = [call for call in history.calls if span.low < call.begin < span.high]
    failed = Counter(call.client for call in meanwhile if call.outcome is not Outcome.OK)
    assert failed["api-healthy"] > 2 * failed["dns"]
    assert {injection.fault for injection in history.injections} == {"registry.empty"}
    [experiment] = load_report(tmp_path / "report.json").experiments
    assert 0 < experiment.injected <= len(history.injections)
    answers = {injected.answer.partition(" after ")[0] for injected in experiment.injections}  # some may be late
    assert answers == {"0 instances"}
    assert {injected.fault for injected in experiment.injections} == {"registry.empty"}
    assert "registry.empty" in (tmp_path / "report.html").read_text("utf-8")


def test_a_command_that_deploys_another_revision(staging: EmulatorAccount, shop: Shop, tmp_path: Path) -> None:
    """The deployment that the command begins is watched; what is found by itself is in the report."""
    shop.registered("web")
    shop.define("web", [*SERVER, "--directory", "/"])
    with recording(staging.endpoint) as (url, recorder):
        done = surveyor_watch(
            staging, tmp_path, "--service", "store/web", "--rate", "20", "--at-least", "0", "--path", "/?a=1",
            "--expect", "200", endpoint=url,
            command=(sys.executable, "-c", DEPLOY.replace("ENDPOINT", repr(staging.endpoint))),
        )  # fmt: skip
    assert done.returncode in (0, 5), done.stdout + done.stderr
    check_calls(recorder, deploys=False)
    history = load_history(tmp_path / "histories" / "watch.jsonl")
    check_sides(history, "dns", "api-healthy")
    assert {one.revision for one in joined_attempts(history)} >= {"web:1", "web:2"}
    assert "(web:1 to web:2) succeeded" in done.stdout
    service = history.header.service
    assert (service["name"], service["TTL"], service["tasks"]) == ("web.store.internal", f"{TTL} s", "2")
    assert service["calls"] == "GET /?a=1 at port 8000, expected 200"


def test_callers_on_workers_of_locust(staging: EmulatorAccount, shop: Shop, tmp_path: Path) -> None:
    """The history has the same calls, sides and phases as with callers here, and each stream calls once."""
    shop.registered("spread")
    with recording(staging.endpoint) as (url, recorder):
        words = ["--service", "store/spread", "--deploy", "--rate", "10", "--at-least", "0", "--workers", "2"]
        done = surveyor_watch(staging, tmp_path, *words, endpoint=url)
    assert done.returncode in (0, 5), done.stdout + done.stderr
    check_calls(recorder, deploys=True)
    history = load_history(tmp_path / "histories" / "watch.jsonl")
    check_sides(history, "dns", "api-healthy")
    assert history.header.machines["workers"] > 0
    for client in ("dns", "api-healthy"):
        calls = [call for call in history.calls if call.client == client]
        seconds = (max(call.begin for call in calls) - min(call.begin for call in calls)) / history.header.scale
        assert 0.6 < len(calls) / (10 * seconds) < 1.5, client  # on a busy machine; two of each stream would make 2
        assert sum(call.outcome == "ok" for call in calls) >= 0.8 * len(calls)
        assert all(call.end_event for call in calls)
        assert all(0 < call.seconds < 5 for call in calls)


def test_workers_of_another_machine(staging: EmulatorAccount, shop: Shop, tmp_path: Path) -> None:
    """The watch waits for them, and they call what it sees as serving; one that is lost makes it inconclusive."""
    shop.connected("apart")
    words = [
        "--service",
        "store/apart",
        "--for",
        "30m",
        "--rate",
        "10",
        "--workers",
        "1",
        "--listen",
        "127.0.0.1:25557",
    ]
    with start_watch(staging, tmp_path, *words) as watch:
        assert watch.stderr is not None
        command = next(line for line in watch.stderr if "on each machine that calls: " in line)
        argv = command.partition("calls: ")[2].replace("HOST", "127.0.0.1").split()
        environment = {"PATH": "/usr/bin:/bin", **staging.environment}
        with subprocess.Popen([sys.executable, "-m", *argv], env=environment, stdout=subprocess.DEVNULL) as worker:
            history = tmp_path / "histories" / "watch.jsonl"
            WallClock().eventually(lambda: history.is_file() and '"tasks"' in history.read_text("utf-8"), within=30)
            WallClock().eventually(lambda: history.read_text("utf-8").count('"status":200') > 20, within=30)
            worker.kill()
        WallClock().wait(6.5)
        watch.send_signal(signal.SIGINT)
        output, errors = watch.communicate(timeout=60)
    assert watch.returncode == 130, output + errors
    assert "1 of 1 workers were lost while they called" in output
    calls = load_history(history).calls
    assert {call.client for call in calls} == {"tasks"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("store/alone", "has no service registry, no load balancer and no Service Connect endpoint"),
        ("store/idle", "has no tasks: its desired count is 0"),
        ("store/missing", "there is no service missing in the cluster store"),
        ("missing/web", "there is no cluster missing in this account and Region"),
    ],
)
def test_services_that_cannot_be_watched(shop: Shop, name: str, words: str) -> None:
    """No way to find a task, no task, no such service or cluster."""
    if name in ("store/alone", "store/idle"):
        shop.create(name.partition("/")[2], count=int(name == "store/alone"), waits=False)
    with pytest.raises(UsageError, match=words):
        find_service(shop.client, ACCOUNT, "us-east-1", name, entry_points=True)


def test_an_interrupted_watch_keeps_what_it_saw(staging: EmulatorAccount, shop: Shop, tmp_path: Path) -> None:
    """Ctrl-C ends it with 130, a complete history and a page."""
    shop.registered("kept")
    words = ["--service", "store/kept", "--for", "1h", "--rate", "20"]
    with start_watch(staging, tmp_path, *words) as watch:
        history = tmp_path / "histories" / "watch.jsonl"
        WallClock().eventually(lambda: history.is_file() and history.stat().st_size > 8_000, within=30)
        watch.send_signal(signal.SIGINT)
        output, errors = watch.communicate(timeout=30)
    assert watch.returncode == 130, output + errors
    assert "stopped early: interrupted" in output
    assert load_history(history).stopped == "interrupted"
    assert load_report(tmp_path / "report.json").interrupted
