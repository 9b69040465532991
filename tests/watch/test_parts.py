"""The parts of a watch: which deployment, its phases, how often tasks are read, what ends it, and its ten lines."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import Session

from surveyor.checkers import judge_history, make_check
from surveyor.cli._support.durations import parse_duration
from surveyor.cli.application import run
from surveyor.clock import ServiceClock, WallClock
from surveyor.errors import CredentialsEnded, NoAnswer, TargetUnavailable, UsageError
from surveyor.history import Header, Outcome, Recorder, TaskState, joined_attempts, load_history
from surveyor.observers.deployments import DeploymentReader
from surveyor.observers.observer import Observer
from surveyor.observers.polls import poll_period
from surveyor.watch.course import Course
from surveyor.watch.deployment import PHASES, Choice, WatchedDeployment, is_phase, phase_of
from surveyor.watch.running import SILENT, RunningWatch
from surveyor.watch.summary import failure_sentences, refused_share, summary_lines
from tests.checkers.simulated_services import SimulatedService, call, deployments, history_of, phase, tasks
from tests.watch.test_clients import SERVICE

START = datetime(2026, 11, 29, tzinfo=UTC)
HEADER = Header("watch", "shop/web", "nothing", 7, 1.0, "2026-11-29T00:00:00+00:00", {}, {}, {}, ())


def described(number: int, status: str = "IN_PROGRESS", **values: Any) -> dict[str, Any]:
    """Return a ServiceDeployment; a later number was created later."""
    return {
        "serviceDeploymentArn": f"arn:d/{number}",
        "status": status,
        "createdAt": START + timedelta(minutes=number),
        "targetServiceRevision": {"arn": f"arn:r/{number}"},
        "sourceServiceRevisions": [{"arn": f"arn:r/{number - 1}"}],
        **values,
    }


class Ecs:
    """The deployments of a service as ECS answers, two in a page, in no order; `calls` counts the operations."""

    def __init__(self, *found: dict[str, Any]) -> None:
        self.found = list(found)
        self.calls: list[tuple[str, int]] = []

    def list_service_deployments(self, **params: Any) -> dict[str, Any]:
        """Return a page of brief descriptions."""
        since = params.get("createdAt", {}).get("after", START)
        matching = [one for one in self.found if one["createdAt"] >= since]
        begin = int(params.get("nextToken", 0))
        self.calls.append(("list", begin))
        more = {"nextToken": str(begin + 2)} if begin + 2 < len(matching) else {}
        return {"serviceDeployments": matching[begin : begin + 2], **more}

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:  # noqa: N803  # names of boto3
        """Return these deployments."""
        self.calls.append(("describe", len(serviceDeploymentArns)))
        return {
            "serviceDeployments": [one for one in self.found if one["serviceDeploymentArn"] in serviceDeploymentArns]
        }

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:  # noqa: N803  # names of boto3
        """Return these revisions: number 3 has the task definition web:3."""
        self.calls.append(("revisions", len(serviceRevisionArns)))
        names = {arn: f"arn:aws:ecs:::task-definition/web:{arn.rpartition('/')[2]}" for arn in serviceRevisionArns}
        return {"serviceRevisions": [{"serviceRevisionArn": arn, "taskDefinition": names[arn]} for arn in names]}


def test_a_reader_reads_what_is_over_once() -> None:
    """All pages at first, then those since the newest; task definitions once; states in seconds of the history."""
    ecs = Ecs(described(1, "SUCCESSFUL"), described(3), described(2, "SUCCESSFUL"))
    reader = DeploymentReader(ecs, SERVICE)
    found = reader.read()
    assert list(found.described) == ["arn:d/3", "arn:d/2", "arn:d/1"]
    assert ecs.calls == [("list", 0), ("list", 2), ("describe", 3), ("revisions", 4)]
    ecs.calls.clear()
    over = {"finishedAt": START + timedelta(minutes=9), "rollback": {"reason": "alarm"}}
    ecs.found[1] = described(3, "ROLLBACK_SUCCESSFUL", **over)
    states = reader.read().states(START.timestamp())
    assert ecs.calls == [("list", 0), ("describe", 1)]
    state = states["arn:d/3"]
    assert (state.created, state.finished, state.reason) == (180.0, 540.0, "alarm")
    assert (state.revision, state.from_revision) == ("web:3", ("web:2",))
    ecs.calls.clear()
    reader.read()
    assert ecs.calls == [("list", 0)]


@pytest.mark.parametrize(
    ("choice", "at_first", "later", "watched"),
    [
        ("current", [described(1, "SUCCESSFUL"), described(2)], [described(3)], "arn:d/2"),
        ("current", [described(1, "SUCCESSFUL")], [described(2), described(3)], "arn:d/2"),
        ("next", [described(1, "SUCCESSFUL"), described(2)], [described(3)], "arn:d/3"),
        ("next", [described(2)], [], ""),
        ("current", [], [], ""),
    ],
)
def test_which_deployment_is_watched(
    tmp_path: Path, choice: Choice, at_first: list[dict[str, Any]], later: list[dict[str, Any]], watched: str
) -> None:
    """The one in progress or the first that begins; it stays the same, also when another one replaces it."""
    with Recorder(tmp_path / "h.jsonl", HEADER, itertools.count().__next__) as recorder:
        ecs = Ecs(*at_first)
        deployment = WatchedDeployment(DeploymentReader(ecs, SERVICE), recorder, choice)
        deployment.read()
        ecs.found += later
        assert deployment.read().watched == watched
        ecs.found.append(described(9))
        assert deployment.read().watched == (watched or "arn:d/9")
        deployment.pin("arn:d/9")
        assert deployment.read().watched == "arn:d/9"


def test_phases_are_recorded_as_they_change(tmp_path: Path) -> None:
    """From `before` through the stages to `after`, each once; the last is ended with the watch."""
    stages: list[tuple[dict[str, Any], str]] = [
        ({"status": "PENDING"}, "deployment"),
        ({"lifecycleStage": "SCALE_UP"}, "scale-up"),
        ({"lifecycleStage": "SCALE_UP"}, "scale-up"),
        ({"lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT", "targetServiceRevision": weight(5.0)}, "shift-5"),
        ({"lifecycleStage": "PRE_PRODUCTION_TRAFFIC_SHIFT", "targetServiceRevision": weight(5.0)}, "shift-5"),
        ({"lifecycleStage": "PRODUCTION_TRAFFIC_SHIFT", "targetServiceRevision": weight(33.3)}, "shift-33.3"),
        ({"lifecycleStage": "BAKE_TIME", "targetServiceRevision": weight(100.0)}, "bake-time"),
        ({"status": "ROLLBACK_IN_PROGRESS", "lifecycleStage": "BAKE_TIME"}, "rollback"),
        ({"status": "ROLLBACK_SUCCESSFUL"}, "after"),
    ]
    assert phase_of(None) == "before"
    with Recorder(tmp_path / "h.jsonl", HEADER, itertools.count().__next__) as recorder:
        ecs = Ecs()
        deployment = WatchedDeployment(DeploymentReader(ecs, SERVICE), recorder, "current")
        deployment.read()
        for values, name in stages:
            ecs.found = [described(1) | values]
            deployment.read()
            assert (deployment.phase, deployment.is_over) == (name, name == "after")
        deployment.close()
    phases = [one.name for one in load_history(tmp_path / "h.jsonl").phases]
    assert phases == ["before", "deployment", "scale-up", "shift-5", "shift-33.3", "bake-time", "rollback", "after"]
    assert all(map(is_phase, phases))
    assert not any(map(is_phase, ("shift-0", "shift-100", "shift-5.25", "shift-", "bake")))


def weight(percent: float) -> dict[str, object]:
    """Return a ServiceRevisionSummary with this share of production traffic."""
    return {"arn": "arn:r/1", "requestedProductionTrafficWeight": percent}


def test_many_tasks_are_read_less_often() -> None:
    """Reading 500 tasks, which a deployment doubles, takes 20 calls: two in a second at most."""
    assert poll_period(replace(SERVICE, count=3), 2.0) == 2.0
    assert poll_period(replace(SERVICE, count=500), 2.0) == 10.0


def running(tmp_path: Path, **polls: Callable[[], Any]) -> RunningWatch:
    """Return a watch with these polls and no callers, which has started."""
    clock = ServiceClock(20.0, WallClock(20.0))
    recorder = Recorder(tmp_path / "watch.jsonl", HEADER, clock.now)
    observers = [Observer(view, poll, recorder, clock, 1.0) for view, poll in polls.items()]
    watched = WatchedDeployment(DeploymentReader(Ecs(), SERVICE), recorder, "current")
    for observer in observers:
        observer.start()
    return RunningWatch(SERVICE, clock, recorder, observers, {}, watched)


@pytest.mark.parametrize("local", [False, True])
def test_a_lost_worker_is_said_wherever_the_service_runs(tmp_path: Path, local: bool) -> None:
    """What this machine does matters only where the tasks run on it; what workers report matters always."""
    watch = running(tmp_path)
    watch.local = local
    assert watch.lag() == ""
    lost: Any = SimpleNamespace(problem=lambda: "1 of 2 workers were lost while they called")
    watch.workers = lost
    assert watch.lag() == "1 of 2 workers were lost while they called"
    watch.stop()


def test_a_watch_ends_with_its_credentials(tmp_path: Path) -> None:
    """Nothing can be observed any more; the history is complete all the same, and says why it ended early."""

    def ended() -> Mapping[str, Any]:
        raise CredentialsEnded("the credentials have expired")

    watch = running(tmp_path, tasks=ended)
    with pytest.raises(CredentialsEnded, match="expired"):
        watch.wait(60)
    watch.stop("the credentials have expired")
    assert load_history(watch.path).stopped == "the credentials have expired"


@pytest.mark.soak
def test_a_watch_ends_if_tasks_cannot_be_read(tmp_path: Path) -> None:
    """Some polls without an answer are recorded; many in a row end the watch, other views than tasks do not."""

    def silent() -> Mapping[str, Any]:
        raise NoAnswer("no answer", actual="no answer")

    watch = running(tmp_path, names=silent, tasks=dict)
    watch.wait(SILENT + 3.0)
    watch.stop()
    lost = running(tmp_path, tasks=silent)
    with pytest.raises(TargetUnavailable, match="the tasks of the service cannot be read any more: no answer"):
        lost.wait(60)
    lost.stop("silent")
    outcomes = {shot.outcome for shot in load_history(lost.path).task_snapshots}
    assert outcomes == {Outcome.INFO}


def test_attempts_are_returned_once_their_task_is_known(tmp_path: Path) -> None:
    """Those that ended before the tasks were last observed, in the order of their ends, and each once."""
    watch = running(tmp_path)
    recorder = watch.recorder

    def observe() -> None:
        state = TaskState("RUNNING", "127.0.0.1", "a", revision="web:1")
        recorder.record_tasks(recorder.invoke("tasks", "tasks"), {"t": state})

    observe()
    slow, quick = (recorder.invoke("client", "call", address="127.0.0.1", client=name) for name in ("slow", "quick"))
    recorder.end(quick, Outcome.OK, status=200)
    assert watch.attempts_since(0) == []
    observe()
    recorder.end(slow, Outcome.INFO, error="no answer in time")
    found = watch.attempts_since(0)
    assert [(one.client, one.task, one.revision) for one in found] == [("quick", "t", "web:1")]
    observe()
    assert [one.client for one in watch.attempts_since(1)] == ["slow"]
    assert [one.client for one in watch.attempts_since(0)] == ["quick", "slow"]
    watch.stop()


def watched_history(**state: Any) -> Any:
    """Return a history of a deployment, with an old and a new task and calls of two clients."""
    known = {"status": "SUCCESSFUL", "created": 20.0, "finished": 60.0, "revision": "web:2", "from_revision": ["web:1"]}
    calls = [call(10 + n / 10, 10.05 + n / 10, "127.0.0.1", client="dns") for n in range(20)]
    calls += [call(41 + n / 10, 41.05 + n / 10, "127.0.0.2", client="dns") for n in range(20)]
    calls += [call(42 + n / 10, 42.05 + n / 10, "127.0.0.1", client="api-healthy", error="refused") for n in range(5)]
    one = {"status": "RUNNING", "address": "127.0.0.1", "revision": "web:1"}
    two = {"status": "RUNNING", "address": "127.0.0.2", "revision": "web:2"}
    service = SimulatedService((), period=1e9, calls=1e9).but(
        tasks(1, old=one),
        deployments(70, "d", d=known | state),
        tasks(40, old=one, new=two),
        phase(0, 20, "before"),
        phase(20, 60, "deployment"),
        phase(60, 80, "after"),
        *calls,
    )
    history = history_of(service, make_check("deployed", within=600))
    text = {"service": "shop/web", "calls": "GET / at port 80, expected 200-399", "calls per wall second": "2 of each"}
    return replace(history, header=replace(history.header, service=text))


def test_the_summary_has_ten_lines() -> None:
    """What was deployed, the clients before, during and after, both sides, the figures and the checks."""
    history = watched_history()
    lines = summary_lines(history, judge_history(history), ["balancer: nothing here resolves it"])
    assert lines[0] == "shop/web: the deployment d (web:1 to web:2) succeeded (40 s)"
    assert "  not called: balancer: nothing here resolves it" in lines
    assert "  dns          failed 0.0 % of 20 before, 0.0 % of 20 during, - of 0 after" in lines
    assert "  api-healthy  failed - of 0 before, 100.0 % of 5 during, - of 0 after" in lines
    assert any(line.startswith("  old tasks while they ran: failed 20.0 % of 25") for line in lines)
    assert "  1 of 1 checks passed" in lines
    assert len(lines) <= 10


def test_a_service_that_is_stable_because_it_was_rolled_back() -> None:
    """It is said, and it fails."""
    history = watched_history(status="ROLLBACK_SUCCESSFUL", reason="alarm \x1b[31mcheckout")
    lines = summary_lines(history, judge_history(history))
    assert lines[0].startswith("shop/web: the deployment d (web:1 to web:2) was rolled back: alarm")
    assert any(line.startswith("  fail: deployed") for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_a_rate_that_the_service_refuses_is_not_the_deployments_fault() -> None:
    """Calls with status 429 are counted, and the remedy is named."""
    history = watched_history()
    limited = [replace(one, status=429, outcome=Outcome.FAIL) for one in history.calls[:9]]
    assert refused_share(replace(history, calls=(*limited, *history.calls[9:]))) == (
        "the service refused 9 of 45 calls (20%) as too many: lower --rate"
    )
    assert refused_share(history) == ""


def test_failed_calls_are_attributed_to_tasks() -> None:
    """What a task was doing when a call failed, for each client that has failed calls."""
    history = watched_history()
    assert failure_sentences(joined_attempts(history)) == (
        "api-healthy: of 5 failed calls 5 went to an old task that was running",
    )
    unknown = call(50, 50.1, "10.0.0.1", error="refused", client="balancer")
    lost = call(51, 51.1, "", error="no address known", client="dns")
    attempts = joined_attempts(history_of(SimulatedService((), period=1e9, calls=1e9).but(unknown, lost)))
    assert failure_sentences(attempts) == (
        "balancer: of 1 failed calls 1 went to a task that is not known",
        "dns: of 1 failed calls 1 had no address to call",
    )


@pytest.mark.parametrize(
    ("command", "status", "text", "longest"),
    [
        (["false"], 1, "the command ended with 1", 5.0),
        (["sh", "-c", "kill -9 $$"], -9, "the command was ended by SIGKILL", 5.0),
        (["true"], 0, "the command ended with 0", 30.0),
    ],
)
def test_a_command_that_failed_at_once_is_not_waited_for(
    command: list[str], status: int, text: str, longest: float
) -> None:
    """A deployment that it may have begun is looked for in a few seconds, that of one that succeeded longer."""
    said: list[str] = []
    waited: list[float] = []

    class Watch:
        """A watch that sees no deployment."""

        def wait(self, seconds: float) -> None:
            """Let no time pass."""

        def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
            """Wait for the command alone."""
            clock, waited[:] = WallClock(), [seconds]
            return seconds > 60 and clock.eventually(condition, within=20)

        def deployment(self) -> None:
            """Return that there is none."""

        def begin_faults(self, report: Callable[[str], object]) -> None:
            """Begin none."""

    running: Any = Watch()
    ended = Course(command=command).follow(running, lambda: None, said.append)
    assert ended is not None
    assert (ended.status, waited) == (status, [longest])
    assert said == [text, "no deployment began while the command ran"]


def test_the_phases_are_those_of_ecs() -> None:
    """A gate names all that a watch may have (ecs/ServiceDeploymentLifecycleStage, in botocore's model)."""
    shape: Any = Session().get_service_model("ecs").shape_for("ServiceDeploymentLifecycleStage")
    for status, stage in itertools.product(
        ("PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "STOPPED"), (*shape.enum, None)
    ):
        assert phase_of(described(1, status, lifecycleStage=stage)) in PHASES
    assert phase_of(None) in PHASES


def test_durations() -> None:
    """Seconds, minutes and hours, up to a day."""
    assert [parse_duration(text, "--for") for text in ("90", "90s", "1.5m", "24h")] == [90.0, 90.0, 90.0, 86_400.0]
    for text in ("", "0s", "-1s", "25h", "1d", "ten", "1e3", "9" * 30, "\x1b[31m", "1m30s"):
        with pytest.raises(UsageError, match="--for: expected a duration like 90s, 10m or 1h") as refused:
            parse_duration(text, "--for")
        assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--service", "shop/web"], "expected one of --for TIME, --deployment, --deploy and -- COMMAND"),
        (["--service", "shop/web", "--for", "1m", "--deploy"], "got --for and --deploy"),
        (["--service", "web", "--for", "1m"], "--service: expected CLUSTER/SERVICE, got 'web'"),
        (["--service", "a/b/c", "--for", "1m"], "--service: expected CLUSTER/SERVICE"),
        (["--service", "shop/web", "--for", "soon"], "--for: expected a duration"),
        (["--service", "shop/web", "--deploy", "--before", "x"], "--before: expected a duration"),
        (["--service", "shop/web", "--deploy", "--within", "0s"], "--within: expected a duration"),
        (["--service", "shop/web", "--for", "1m", "--path", "a b"], "is not a path"),
        (["--service", "shop/web", "--for", "1m", "--path", "/\r\nX: y"], "is not a path"),
        (["--service", "shop/web", "--for", "1m", "--method", "G T"], "is not a method"),
        (["--service", "shop/web", "--for", "1m", "--host", "a/b"], "is not a Host header"),
        (["--service", "shop/web", "--for", "1m", "--header", "x"], "is not a header"),
        (["--service", "shop/web", "--for", "1m", "--header", "Host: x"], "for Host use the Host option"),
        (["--service", "shop/web", "--for", "1m", "--expect", "2xx"], "are not statuses"),
        (["--service", "shop/web", "--for", "1m", "--ca", "."], "expected a file of certificates in PEM"),
        (["--service", "shop/web", "--for", "1m", "--ca", "/missing.pem"], "No such file"),
        (["--service", "shop/web", "--for", "1m", "--proxy", "x:99999"], "--proxy: expected HOST:PORT"),
        (["--service", "shop/web", "--for", "1m", "--target", "embedded"], "would be started empty"),
        (["--service", "shop/web", "--for", "1m", "--fault", "task.kill"], "a watch has no fault 'task.kill'"),
        (
            ["--service", "shop/web", "--for", "1m", "--fault", "dns.lie", "--lasts", "x"],
            "--lasts: expected a duration",
        ),
        (["--service", "shop/web", "--for", "30s", "--fault", "dns.lie"], "would begin after --before 30s"),
        (["--service", "shop/web", "--deploy", "--fault", "dns.lie", "--workers", "2"], "leave out one of them"),
        (["--service", "shop/web", "--", "no-such-command"], "there is no command 'no-such-command'"),
        (["--service", "shop/web", "--for", "1m"], "name it with --account"),
    ],
)
def test_bad_options_are_one_line(capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    """Each is refused before any call, with exit code 2."""
    assert run(["watch", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert "\r" not in error.rstrip("\n")
