"""A gate decides while a deployment is watched: it stops at the first certain failure, and answers hooks in time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.gate import GateEvidence, Rules, Threshold, gather
from surveyor.gate.decision import Decision
from surveyor.gate.gated_watch import GatedWatch, check_rules, judge_watch
from surveyor.gate.judging import GatedService
from surveyor.gate.live_evidence import LiveEvidence
from surveyor.gate.provenance import MeasuredRun
from surveyor.history import History, JoinedAttempt
from tests.checkers.simulated_services import SimulatedService, call, history_of

START = 1_000_000.0
ARN, OTHER = "arn/web/b", "arn/web/c"
LIMIT = Threshold("watch", figure="error-rate", by_revision=True, at_most_more=3.0)


@dataclass
class SimulatedEcs:
    """ECS with one deployment: `status` and `hook` change when the gate acts, or as `plan` says at some second."""

    plan: dict[float, dict[str, Any]] = field(default_factory=dict)
    now: float = START
    state: dict[str, Any] = field(default_factory=lambda: {"status": "IN_PROGRESS"})
    acted: list[tuple[str, float]] = field(default_factory=list)
    refuses: int = 0
    newest: str = ARN

    def described(self) -> dict[str, Any]:
        """Return the deployment as ECS describes it."""
        for second in sorted(self.plan):
            if self.now - START >= second:
                self.state |= self.plan.pop(second)
        hook = self.state.get("hook")
        hooks = [{"hookId": hook[0], "status": "AWAITING_ACTION", "expiresAt": _time(START + hook[1])}] if hook else []
        return {
            "serviceDeploymentArn": ARN,
            "status": self.state["status"],
            "lifecycleStage": self.state.get("stage"),
            "statusReason": self.state.get("reason"),
            "createdAt": _time(START),
            "lifecycleHookDetails": hooks,
            "sourceServiceRevisions": [{"arn": "revision/a"}],
        }

    def _refuse(self, operation: str) -> None:
        if self.refuses:
            self.refuses -= 1
            raise ClientError({"Error": {"Code": "InvalidParameterException", "Message": "no such hook"}}, operation)

    def continue_service_deployment(self, **request: Any) -> None:
        """Answer the hook."""
        self._refuse("ContinueServiceDeployment")
        assert request["hookId"] == self.state["hook"][0]
        self.acted.append((request["action"], self.now - START))
        self.state |= {
            "hook": None,
            "status": "IN_PROGRESS" if request["action"] == "CONTINUE" else "ROLLBACK_IN_PROGRESS",
        }
        ended = "SUCCESSFUL" if request["action"] == "CONTINUE" else "ROLLBACK_SUCCESSFUL"
        self.plan[self.now - START + 30] = {"status": ended}

    def stop_service_deployment(self, **request: Any) -> None:
        """Roll back."""
        self._refuse("StopServiceDeployment")
        assert request == {"serviceDeploymentArn": ARN, "stopType": "ROLLBACK"}
        self.acted.append(("STOP", self.now - START))
        self.state["status"] = "ROLLBACK_IN_PROGRESS"
        self.plan = {self.now - START + 30: {"status": "ROLLBACK_SUCCESSFUL"}}

    def list_service_deployments(self, **_: Any) -> dict[str, Any]:
        """Return the newest deployment, and the watched one."""
        listed = [{"serviceDeploymentArn": ARN, "status": self.state["status"], "createdAt": _time(START)}]
        if self.newest != ARN:
            listed.append(
                {"serviceDeploymentArn": self.newest, "status": "IN_PROGRESS", "createdAt": _time(START + 50)}
            )
        return {"serviceDeployments": listed}

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:  # noqa: N803  # of AWS
        """Return the deployment, or its successor."""
        described = self.described() | {"serviceDeploymentArn": serviceDeploymentArns[0]}
        if serviceDeploymentArns != [ARN]:
            described |= {"createdAt": _time(START + 50), "status": "IN_PROGRESS"}
        return {"serviceDeployments": [described]}

    def describe_service_revisions(self, **_: Any) -> dict[str, Any]:
        """Return the previous revision."""
        return {"serviceRevisions": [{"taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/web:6"}]}


@dataclass
class SimulatedWatch:
    """A watch of that deployment: ten attempts a second, half of which reach new tasks, which fail with `error_rate`.

    `begins`: when the deployment is seen.
    """

    ecs: SimulatedEcs
    error_rate: float = 0.005
    begins: float = 3.0
    cache: float = 20.0
    pinned: str = ""
    attempts: list[JoinedAttempt] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    scale: float = 1.0
    local: bool = True
    behind: str = ""
    late: list[tuple[float, float]] = field(default_factory=list)
    refused: int = 0

    def recent_lag(self) -> str:
        """Return that this machine did not keep up lately."""
        return self.behind

    def was_late(self, attempt: JoinedAttempt) -> bool:
        """Return whether this machine did not keep up during an attempt."""
        return any(first <= attempt.time < last for first, last in self.late)

    def history(self) -> History:
        """Return a history in which some calls were refused as too many."""
        calls = [call(at, at + 0.1, "127.0.0.1", error="status 429") for at in range(self.refused)]
        for made in calls:
            made["result"]["status"] = 429
        return history_of(SimulatedService((), period=1e9, calls=1e9).but(*calls))

    @property
    def clock(self) -> SimulatedWatch:
        """Return this: it is the clock as well."""
        return self

    def now(self) -> float:
        """Return the service time."""
        return self.ecs.now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(max(1, round(seconds * 5))):
            self.ecs.now += 0.2
            at = self.ecs.now - START
            for side, rate in (("old", 0.005), ("new", self.error_rate)):
                outcome = "fail" if self.chance.random() < rate else "ok"
                found: Any = side
                self.attempts.append(JoinedAttempt(at, "dns", outcome, 0.01, side, "", "", "a", "", found, "running"))

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition."""
        end = self.ecs.now + seconds
        while not condition():
            if self.ecs.now >= end:
                return False
            self.wait(1.0)
        return True

    def deployment(self) -> dict[str, Any] | None:
        """Return the deployment once it has begun."""
        return self.ecs.described() if self.ecs.now - START >= self.begins else None

    def attempts_since(self, cursor: int) -> list[JoinedAttempt]:
        """Return further attempts."""
        return self.attempts[cursor:]

    def pin(self, arn: str) -> None:
        """Note what is pinned."""
        self.pinned = arn


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def gated(
    watch: SimulatedWatch, rules: Rules, given: GateEvidence | None = None, within: float = 3_600.0
) -> GatedWatch:
    """Return a gate on a simulated watch."""
    running: Any = watch
    service = GatedService("shop", "web", lambda _: watch.ecs, running)
    return GatedWatch(running, rules, service, LiveEvidence(running, given or GateEvidence()), within, lambda _: None)


def followed(watch: SimulatedWatch, rules: Rules) -> tuple[GatedWatch, Decision]:
    """Follow a deployment to its end, and return the decision."""
    gate = gated(watch, rules)
    gate.follow()
    evidence = gate.live.read()
    evidence.judged["watch"] = None  # type: ignore[assignment]  # only thresholds on attempts are judged here
    return gate, judge_watch(gate, evidence)


def rules_of(*thresholds: Threshold, inconclusive: Any = "fail", wait: float = 600.0) -> Rules:
    """Return rules, by default with a threshold by revision."""
    return Rules(thresholds or (LIMIT,), inconclusive, wait_at_hook=wait)


def test_a_good_rolling_deployment_succeeds() -> None:
    """Nothing is sent, and the gate is open."""
    watch = SimulatedWatch(SimulatedEcs({300: {"status": "SUCCESSFUL"}}))
    gate, decision = followed(watch, rules_of())
    assert (watch.ecs.acted, watch.pinned, decision.is_open) == ([], ARN, True)
    assert gate.refusal is None
    assert watch.now() >= START + 320  # caches have run out


@pytest.mark.parametrize(("status", "said"), [("IN_PROGRESS", 0), ("SUCCESSFUL", 1)])
def test_a_deployment_that_begins_meanwhile_is_not_waited_for(status: str, said: int) -> None:
    """That none is in progress is said only if ECS lists none: its first read by the observers may be late."""
    watch = SimulatedWatch(SimulatedEcs({20: {"status": "IN_PROGRESS"}, 300: {"status": "SUCCESSFUL"}}), begins=25.0)
    watch.ecs.state["status"] = status
    gate, lines = gated(watch, rules_of()), list[str]()
    gate.report = lines.append
    gate.follow()
    assert len([line for line in lines if "no deployment is in progress" in line]) == said
    assert gate.deployment is not None
    assert gate.deployment.status == "SUCCESSFUL"


def test_why_nothing_is_decided_is_said() -> None:
    """On a machine that does not keep up a bad deployment is not judged; that is said once, and when it is over."""
    watch = SimulatedWatch(SimulatedEcs({900: {"status": "SUCCESSFUL"}}), error_rate=0.2, behind="the machine is slow")
    gate, lines = gated(watch, rules_of()), list[str]()

    def report(line: str) -> None:
        lines.append(line)
        if "SCALE_UP" in line:
            watch.behind = ""

    gate.report = report
    watch.ecs.plan[60] = {"stage": "SCALE_UP"}
    gate.follow()
    assert lines[2:5] == [
        "calls are not judged for now: the machine is slow",
        "the deployment is IN_PROGRESS, SCALE_UP",
        "calls are judged again",
    ]


def test_a_bad_rolling_deployment_is_stopped_once() -> None:
    """It is stopped at the first certain failure, and the decision names the threshold."""
    watch = SimulatedWatch(SimulatedEcs({900: {"status": "SUCCESSFUL"}}), error_rate=0.2)
    _, decision = followed(watch, rules_of())
    [(what, when)] = watch.ecs.acted
    assert what == "STOP"
    assert when < 120
    assert not decision.is_open
    assert decision.reason.startswith("Rolled back (ROLLBACK_SUCCESSFUL): not met: error-rate of the new revision")
    assert ". " not in decision.reason
    assert decision.restore == ""


@pytest.mark.parametrize(("error_rate", "what"), [(0.005, "CONTINUE"), (0.2, "ROLLBACK")])
def test_a_hook_is_answered_when_it_is_certain(error_rate: float, what: str) -> None:
    """The answer comes long before the hook expires."""
    waiting = {"hook": ("h", 86_400.0), "stage": "POST_SCALE_UP"}
    watch = SimulatedWatch(SimulatedEcs({5: waiting}), error_rate)
    _, decision = followed(watch, rules_of(replace_limit(5.0)))
    [(answer, when)] = watch.ecs.acted
    assert answer == what
    assert when < 120
    assert decision.is_open is (what == "CONTINUE")


def replace_limit(points: float) -> Threshold:
    """Return a threshold by revision with this limit."""
    return Threshold("watch", figure="error-rate", by_revision=True, at_most_more=points)


@pytest.mark.parametrize(("inconclusive", "what"), [("pass", "CONTINUE"), ("fail", "ROLLBACK")])
@pytest.mark.parametrize(("expires", "wait", "before"), [(200.0, 600.0, 200.0), (86_400.0, 90.0, 110.0)])
def test_a_hook_is_answered_before_it_expires(
    inconclusive: str, what: str, expires: float, wait: float, before: float
) -> None:
    """What stays uncertain is answered as the file says, before the hook expires or after the time of the file."""
    waiting = {"hook": ("h", expires), "stage": "POST_SCALE_UP"}
    watch = SimulatedWatch(SimulatedEcs({5: waiting}), 0.03)
    followed(watch, rules_of(inconclusive=inconclusive, wait=wait))
    [(answer, when)] = watch.ecs.acted
    assert answer == what
    assert before - 60 < when < before


def test_before_new_tasks_run_there_is_nothing_to_compare() -> None:
    """A hook at PRE_SCALE_UP is continued at once if all thresholds are by revision."""
    watch = SimulatedWatch(SimulatedEcs({5: {"hook": ("h", 9_000.0), "stage": "PRE_SCALE_UP"}}))
    followed(watch, rules_of())
    assert watch.ecs.acted[0][0] == "CONTINUE"
    assert watch.ecs.acted[0][1] < 30


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ("ROLLBACK_SUCCESSFUL", "was rolled back: the service is stable with the previous revision"),
        ("ROLLBACK_FAILED", "was rolled back, and the rollback failed"),
        ("STOPPED", "was stopped: tasks of both revisions may run"),
    ],
)
def test_the_end_of_a_deployment_is_named(status: str, text: str) -> None:
    """A service that is stable because its deployment was rolled back does not open the gate."""
    watch = SimulatedWatch(SimulatedEcs({200: {"status": status, "reason": "tasks failed to start"}}))
    _, decision = followed(watch, rules_of())
    assert (watch.ecs.acted, decision.is_open) == ([], False)
    assert text in decision.reason
    assert f"({status}: tasks failed to start)" in decision.reason


def test_a_deployment_that_is_replaced_is_no_success() -> None:
    """The gate judges the deployment that it has pinned, and leaves its successor alone."""
    ecs = SimulatedEcs({50: {"status": "STOPPED"}}, newest=OTHER)
    _, decision = followed(SimulatedWatch(ecs, error_rate=0.01), rules_of())
    assert (ecs.acted, decision.is_open) == ([], False)
    assert f"replaced by {OTHER}, which this gate did not judge" in decision.reason


def test_a_gate_that_closes_after_success_says_how_to_restore() -> None:
    """What becomes certain only at the end cannot be rolled back any more."""
    watch = SimulatedWatch(SimulatedEcs({20: {"status": "SUCCESSFUL"}}))
    _, decision = followed(watch, rules_of())
    assert not decision.is_open
    assert decision.restore == "aws ecs update-service --cluster shop --service web --task-definition web:6"


def test_a_deployment_that_does_not_end_is_left_as_it_is() -> None:
    """The gate is closed, and says so."""
    gate = gated(SimulatedWatch(SimulatedEcs()), rules_of(), within=100.0)
    gate.follow()
    decision = judge_watch(gate, gate.live.read())
    assert (decision.is_open, gate.watch.ecs.acted) == (False, [])  # type: ignore[attr-defined]  # a simulated client
    assert decision.reason == f"The deployment {ARN} was left as it is (IN_PROGRESS): not watched to its end in time."


def test_credentials_that_end_leave_the_deployment_as_it_is() -> None:
    """A hook that waits is not answered on what is known no more; the decision says how far the watch got."""
    ended = "the deployments of the service cannot be read any more: ExpiredTokenException"

    class Ending(SimulatedWatch):
        def wait(self, seconds: float) -> None:
            """End after a minute."""
            super().wait(seconds)
            if self.now() > START + 60:
                raise TargetUnavailable(ended)

    watch = Ending(SimulatedEcs({5: {"hook": ("h", 86_400.0), "stage": "POST_SCALE_UP"}}), 0.03)
    gate = gated(watch, rules_of())
    with pytest.raises(TargetUnavailable):
        gate.follow()
    decision = judge_watch(gate, gate.live.read(), ended)
    assert (watch.ecs.acted, decision.is_open, decision.action) == ([], False, None)
    assert decision.reason == f"The deployment {ARN} was left as it is (IN_PROGRESS): not watched to its end: {ended}."


@pytest.mark.parametrize(("status", "text"), [("SUCCESSFUL", "No deployment of shop/web began in time"),
                                              ("ROLLBACK_SUCCESSFUL", "The deployment was rolled back")])  # fmt: skip
def test_no_deployment_begins(status: str, text: str) -> None:
    """A service that is stable because its newest deployment was rolled back is named."""
    watch = SimulatedWatch(SimulatedEcs(state={"status": status}), begins=1e9)
    gate = gated(watch, rules_of(), within=60.0)
    gate.follow()
    decision = judge_watch(gate, gate.live.read())
    assert not decision.is_open
    assert decision.reason.startswith(text)


def test_two_gates_do_not_disturb_each_other() -> None:
    """The second finds the deployment rolled back, says that it did nothing, and names the end and not its own rule."""
    ecs = SimulatedEcs({900: {"status": "SUCCESSFUL"}})
    first, second = (gated(SimulatedWatch(ecs, error_rate=0.5), rules_of()) for _ in range(2))
    stale = ecs.described()
    first.follow()
    ecs.state["status"], ecs.refuses = "ROLLBACK_IN_PROGRESS", 1
    watch: Any = second.watch
    watch.deployment = lambda: ecs.described() if second.action else stale
    ecs.plan = {2_000: {"status": "ROLLBACK_SUCCESSFUL"}}
    second.follow()
    assert second.action is not None
    assert (second.action.what, len(ecs.acted)) == ("nothing", 1)
    assert "another gate or a user acted on it before, and it is ROLLBACK_IN_PROGRESS" in second.action.description
    decision = judge_watch(second, second.live.read())
    assert decision.reason.startswith(
        "The deployment was rolled back: the service is stable with the previous revision"
    )


def test_a_deployment_that_succeeds_before_it_is_rolled_back_is_said_to() -> None:
    """The gate is closed, and prints how to restore the previous revision."""
    ecs = SimulatedEcs({900: {"status": "SUCCESSFUL"}})
    stop = ecs.stop_service_deployment

    def too_late(**request: Any) -> None:
        stop(**request)
        ecs.plan = {ecs.now - START + 5: {"status": "SUCCESSFUL"}}

    ecs.stop_service_deployment = too_late  # type: ignore[method-assign]  # a simulated client
    _, decision = followed(SimulatedWatch(ecs, error_rate=0.5), rules_of())
    assert not decision.is_open
    assert decision.reason.startswith("The deployment succeeded before it was rolled back; not met: error-rate of the")
    assert decision.restore.endswith("--task-definition web:6")


def test_a_refused_action_is_tried_again() -> None:
    """A late read of ECS may refuse it; the third refusal ends the watch."""
    ecs = SimulatedEcs({900: {"status": "SUCCESSFUL"}}, refuses=2)
    followed(SimulatedWatch(ecs, error_rate=0.5), rules_of())
    assert [what for what, _ in ecs.acted] == ["STOP"]
    gate = gated(SimulatedWatch(SimulatedEcs({900: {"status": "SUCCESSFUL"}}, refuses=9), error_rate=0.5), rules_of())
    with pytest.raises(SurveyorError, match="was refused with InvalidParameterException"):
        gate.follow()
    decision = judge_watch(gate, gate.live.read(), "refused")
    assert decision.reason == f"The deployment {ARN} was left as it is (IN_PROGRESS): not watched to its end: refused."


def test_evidence_of_another_deployment_is_refused() -> None:
    """Folders beside a watch must be of the watched deployment."""
    given = GateEvidence(runs=[MeasuredRun("runs/old", "shop/web", watched="arn/web/a")])
    with pytest.raises(UsageError, match="runs/old: it is of another deployment, arn/web/a"):
        gated(SimulatedWatch(SimulatedEcs()), rules_of(), given).follow()


def locust_history(path: Path, *rows: tuple[float, int, int]) -> GateEvidence:
    """Write a history of Locust, with times from now, and return the evidence."""
    lines = ["Timestamp,Type,Name,Total Request Count,Total Failure Count"]
    lines += [f"{time.time() + at:.0f},,Aggregated,{requests},{failures}" for at, requests, failures in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return gather([path])


LOCUST = Threshold("locust", figure="error-rate", at_most=5.0)
OLDER, NOW = (-9_000.0, 500, 400), ((-5.0, 500, 400), (0.0, 1_500, 1_100))


@pytest.mark.parametrize(
    ("later", "acted", "text"),
    [
        ((OLDER, *NOW), ["STOP"], "Rolled back (ROLLBACK_SUCCESSFUL): not met: error-rate of locust"),
        ((OLDER, (-8_000.0, 900, 800)), [], "it has no requests of the time of the deployment until now"),
        ((), [], "is not complete"),
    ],
)
def test_what_locust_measures_meanwhile_is_read_at_each_look(
    tmp_path: Path, later: tuple[tuple[float, int, int], ...], acted: list[str], text: str
) -> None:
    """What it measured before the deployment began rolls nothing back, nor does a file that is being written."""
    path = tmp_path / "run_stats_history.csv"
    given = locust_history(path, OLDER)
    watch = SimulatedWatch(SimulatedEcs({300: {"status": "SUCCESSFUL"}}), begins=10.0)
    gate = gated(watch, rules_of(LOCUST), given)
    locust_history(path, *later) if later else path.write_text(path.read_text("utf-8").partition("\n")[0], "utf-8")
    gate.follow()
    decision = judge_watch(gate, gate.live.read())
    assert ([what for what, _ in watch.ecs.acted], decision.is_open) == (acted, False)
    assert text in decision.reason


def test_rules_that_no_watch_can_judge_are_refused_before() -> None:
    """Unknown client models, scenarios and claims are named before anything is called."""
    clock: Any = SimulatedWatch(SimulatedEcs())
    service = GatedService("shop", "web", lambda _: None, clock)
    for threshold, text in (
        (Threshold("watch", "dsn", figure="p99", at_most=9), "there is no client model 'dsn'; did you mean 'dns'"),
        (
            Threshold("watch", phase="deploy", figure="p99", at_most=9),
            "a watch has no phase 'deploy'; its phases are before, .*bake-time, .*did you mean 'deployment'",
        ),
        (Threshold("deploy", figure="p99", at_most=9), "no run of 'deploy' was given"),
        (Threshold(claim="dns.x"), "no given report judges the claim 'dns.x'"),
    ):
        with pytest.raises(UsageError, match=text):
            check_rules(rules_of(threshold), GateEvidence(), service, ["dns", "api-healthy"])


@pytest.mark.parametrize(("late", "what"), [([], "ROLLBACK"), ([(20.0, 80.0)], "CONTINUE")])
def test_what_fails_while_the_machine_does_not_keep_up_is_left_out(late: list[tuple[float, float]], what: str) -> None:
    """Errors of that time are not the service's: they neither stop a deployment nor delay the answer to its hook."""
    ecs = SimulatedEcs({80: {"hook": ("h", 9_000.0), "stage": "POST_SCALE_UP"}})
    watch = SimulatedWatch(ecs, error_rate=0.0, late=late)

    def fails(line: str) -> None:
        watch.error_rate = 0.5 if "SCALE_UP" in line and "POST" not in line else 0.0

    ecs.plan |= {25: {"stage": "SCALE_UP"}, 70: {"stage": "BAKE_TIME"}}
    gate = gated(watch, rules_of(replace_limit(5.0)))
    gate.report = fails
    gate.follow()
    [(done, when), *_] = ecs.acted
    assert done == what
    assert gate.live.left_out == sum(first <= at.time < last for at in watch.attempts for first, last in late)
    if late:
        assert when < 80 + 60


@pytest.mark.parametrize("keys", [{"behind": "the machine did not keep up"}, {"refused": 20}])
def test_figures_that_are_not_those_of_the_service_roll_nothing_back(keys: dict[str, Any]) -> None:
    """A machine that does not keep up, and a limit of calls, cause errors of their own."""
    ecs = SimulatedEcs({300: {"status": "SUCCESSFUL"}})
    gate = gated(SimulatedWatch(ecs, error_rate=0.5, **keys), rules_of())
    gate.follow()
    assert ecs.acted == []
    evidence = gate.live.read()
    assert evidence.broken["watch"]


def test_checks_are_judged_at_the_end_alone() -> None:
    """They neither stop a deployment nor keep a hook waiting."""
    ecs = SimulatedEcs({5: {"hook": ("h", 9_000.0), "stage": "POST_SCALE_UP"}})
    gate = gated(SimulatedWatch(ecs), rules_of(Threshold("watch", figure="checks"), replace_limit(5.0)))
    gate.follow()
    assert [what for what, _ in ecs.acted] == ["CONTINUE"]
    assert gate.deployment is not None
    assert gate.deployment.status == "SUCCESSFUL"
