"""Decide about a deployment while it is watched: stop it at the first certain failure, and answer its PAUSE hooks.

A hook is answered as soon as all thresholds are certain, and at the latest before it expires. The bounds of all figures
hold at all looks together, so that looking often does not make a wrong decision more likely.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from surveyor.errors import SurveyorError, TargetUnavailable, UsageError
from surveyor.gate.cloudwatch import add_cloudwatch, needs_cloudwatch
from surveyor.gate.decision import Decision, decide, one_sentence
from surveyor.gate.deployment_actions import GateAction, act, named_errors
from surveyor.gate.deployments import GatedDeployment, find_deployment, gated_deployment
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.judging import GatedService, tools_during, with_restore
from surveyor.gate.live_evidence import LiveEvidence
from surveyor.gate.measured import estimates
from surveyor.gate.provenance import require_evidence_of
from surveyor.gate.rules import SCENARIO, Rules
from surveyor.gate.thresholds import judge_gate, verdict_of
from surveyor.gate.tool_figures import ToolFigures, find_tool_figures
from surveyor.messages import nearest
from surveyor.report.experiments import WHOLE
from surveyor.verdicts import Verdict
from surveyor.watch.deployment import PHASES, is_phase
from surveyor.watch.running import RunningWatch

__all__ = ["GatedWatch", "check_rules", "judge_watch"]

STEP = 5.0
"""Service seconds between two looks, but at least half a wall second."""

FIRST_POLLS = 10.0
"""Service seconds after which a deployment that is in progress has been read, except by a late read."""

MARGIN = 30.0
"""Service seconds before a hook expires at which it is answered in any case, and two wall seconds."""

CLOUDWATCH_PERIOD = 30.0
"""Service seconds between two reads of alarms and metrics, which change once a minute at most often."""

MAX_REFUSALS = 3
"""Refused actions after which the gate gives up: a refusal may be due to a late read of ECS."""

Report = Callable[[str], object]


@dataclass
class GatedWatch:
    """A watch with the rules that decide about its deployment. `within`: service seconds until it must be over.

    `deployment`: as it was read last, None before it began. `action`: what was done last. `refusal`: the decision on
    which it was rolled back, None if it was not. `quiet`: the alarms that were not in ALARM at an earlier look.
    """

    watch: RunningWatch
    rules: Rules
    service: GatedService
    live: LiveEvidence
    within: float
    report: Report
    deployment: GatedDeployment | None = None
    action: GateAction | None = None
    refusal: Decision | None = None
    _answered: str = ""
    _waiting: tuple[str, float] = ("", 0.0)
    _refused: int = 0
    _doubted: bool = False
    _cloudwatch: tuple[float, GateEvidence | None] = (0.0, None)
    quiet: set[str] = field(default_factory=set)

    def follow(self) -> None:
        """Follow the deployment until it is over and caches have run out, or until the time is over.

        Raises SurveyorError if the watch cannot continue or ECS refuses an action, and UsageError if the other evidence
        is of another deployment.
        """
        watch = self.watch
        end = watch.clock.now() + self.within
        if not watch.wait_until(lambda: watch.deployment() is not None, FIRST_POLLS):
            self._show_newest()
        if not watch.wait_until(lambda: watch.deployment() is not None, self.within):
            newest = self._newest()
            self.deployment = newest if newest is not None and newest.failure else None
            return
        deployment = self._read()
        watch.pin(deployment.arn)
        self.report(f"the gate decides about {deployment.arn}")
        # Files of other tools may still grow: they are read again at each look, and cut to the deployment.
        runs = [run for run in self.live.given.runs if run.service is not None]
        require_evidence_of(deployment, runs, self.service.full_name, time.time())
        self.live.restart()
        while not deployment.is_over and watch.clock.now() < end:
            if deployment.is_in_progress and self.refusal is None:
                self._look(deployment)
            watch.wait(min(max(STEP, watch.clock.scale / 2), max(0.0, end - watch.clock.now())))
            deployment = self._read()
        if deployment.status == "SUCCESSFUL":
            watch.wait(watch.cache)
        self.deployment = self._with_successor(deployment)

    def _look(self, deployment: GatedDeployment) -> None:
        """Judge what can be judged now, and act if it is certain, or if a hook does not wait any longer."""
        evidence = self.live.read()
        self._show_doubt(evidence.broken.get(SCENARIO, ""))
        evidence.tools = _tools_now(deployment, evidence)
        self._add_cloudwatch(deployment, evidence)
        decision = decide(self.rules, judge_gate(self.live.judgeable(self.rules, deployment), evidence), deployment)
        verdict = verdict_of(decision.results)
        if verdict in (Verdict.FAIL, Verdict.ERROR):
            self._act(deployment, replace(decision, is_open=False))
            return
        if deployment.hook is None or self._answered == deployment.hook.id:
            return
        certain = verdict is Verdict.PASS or not any(result.threshold.decides for result in decision.results)
        if certain:
            self._act(deployment, replace(decision, is_open=True))
        elif self._must_answer(deployment):
            self._act(deployment, replace(decision, is_open=self.rules.inconclusive == "pass"))

    def _show_doubt(self, doubt: str) -> None:
        """Say once why calls say nothing about the service, and when they do again."""
        if bool(doubt) != self._doubted:
            self._doubted = bool(doubt)
            left_out = f"; {self.live.left_out:,} are left out" if self.live.left_out else ""
            self.report(f"calls are not judged for now: {doubt}" if doubt else f"calls are judged again{left_out}")

    def _act(self, deployment: GatedDeployment, decision: Decision) -> None:
        """Act, and keep why if the deployment is rolled back. What ECS refuses is tried again at the next looks."""
        try:
            self.action = act(self.service.client("ecs"), deployment, is_open=decision.is_open)
        except TargetUnavailable:
            raise
        except SurveyorError as error:
            self._refused += 1
            if self._refused >= MAX_REFUSALS:
                raise
            self.report(f"{error}; tried again")
            return
        self._answered = deployment.hook.id if deployment.hook else ""
        self.report(f"{self.action.description}. {decision.reason}")
        if not decision.is_open and self.action.what == "rolled-back":
            self.refusal = replace(decision, action=self.action)

    def _must_answer(self, deployment: GatedDeployment) -> bool:
        """Return whether a hook must be answered now: it has waited long enough, or expires."""
        hook, clock = deployment.hook, self.watch.clock
        assert hook is not None
        waiting_for, since = self._waiting
        if waiting_for != hook.id:
            self._waiting = (hook.id, clock.now())
            end = "" if hook.remaining is None else f"; it expires in {hook.remaining:.0f} s with {hook.on_timeout}"
            self.report(f"a PAUSE hook at {deployment.stage or 'an unknown stage'} waits for certainty{end}")
            since = clock.now()
        expires = hook.remaining is not None and hook.remaining <= MARGIN + 2 * clock.scale
        return expires or clock.now() - since >= self.rules.wait_at_hook

    def _add_cloudwatch(self, deployment: GatedDeployment, evidence: GateEvidence) -> None:
        if not needs_cloudwatch(self.rules):
            return
        now = self.watch.clock.now()
        read_at, known = self._cloudwatch
        if known is None or now - read_at >= CLOUDWATCH_PERIOD or deployment.hook is not None:
            known = GateEvidence()
            with named_errors():
                add_cloudwatch(self.service.client("cloudwatch"), self.rules, deployment, known, now, self.quiet)
            self._cloudwatch = (now, known)
        evidence.alarms, evidence.metrics = known.alarms, known.metrics

    def _read(self) -> GatedDeployment:
        """Return the deployment as the watch has read it last."""
        described = self.watch.deployment()
        assert described is not None, "a deployment that has begun stays known"
        before, found = self.deployment, gated_deployment(described, self.watch.clock.now())
        if before is None or (before.status, before.stage) != (found.status, found.stage):
            self.report(f"the deployment is {found.status}{f', {found.stage}' if found.stage else ''}")
        self.deployment = found
        return found

    def _show_newest(self) -> None:
        newest = self._newest()
        if newest is not None and newest.is_in_progress:
            return  # it has begun meanwhile, and is read next
        ended = f"the newest is {newest.arn} ({newest.status})" if newest else "there was none before"
        self.report(f"no deployment is in progress: waiting for the next one; {ended}")

    def _newest(self) -> GatedDeployment | None:
        service = self.service
        with named_errors():
            return find_deployment(service.client("ecs"), service.cluster, service.name, self.watch.clock.now())

    def _with_successor(self, deployment: GatedDeployment) -> GatedDeployment:
        """Return a stopped deployment with the one that replaced it, if there is one, in its reason."""
        if deployment.status != "STOPPED":
            return deployment
        newest = self._newest()
        if newest is None or newest.created <= deployment.created:
            return deployment
        return replace(deployment, reason=f"replaced by {newest.arn}, which this gate did not judge")


def check_rules(rules: Rules, given: GateEvidence, service: GatedService, clients: Iterable[str]) -> None:
    """Raise UsageError for a threshold that no watch can judge, before anything is watched.

    `given`: the evidence of other runs; `clients`: the names of all client models.
    """
    names = list(clients)
    for threshold in rules.thresholds:
        if threshold.client and threshold.scenario == SCENARIO and threshold.client not in names:
            near = nearest(threshold.client, names)
            raise UsageError(f"line {threshold.line}: there is no client model {threshold.client!r}{near}")
        if threshold.scenario == SCENARIO and threshold.phase != WHOLE and not is_phase(threshold.phase):
            raise UsageError(
                f"line {threshold.line}: a watch has no phase {threshold.phase!r}; its phases are {', '.join(PHASES)}"
                ", and shift-5 for the step of 5 percent"
                f"{nearest(threshold.phase, PHASES)}"
            )
        if threshold.against:
            estimates(threshold, given.baselines[threshold.against])
    if needs_cloudwatch(rules):
        with named_errors():
            add_cloudwatch(service.client("cloudwatch"), rules, None, GateEvidence(), service.clock.now())
    others = [one for one in rules.thresholds if one.scenario != SCENARIO and not one.alarm and not one.metric]
    judge_gate(replace(rules, thresholds=tuple(others)), replace(given, is_growing=True))


def judge_watch(gated: GatedWatch, evidence: GateEvidence, stopped: str = "") -> Decision:
    """Return the decision at the end of a watch, on its whole evidence; `stopped`: why it ended early."""
    deployment, refusal, service = gated.deployment, gated.refusal, gated.service
    if refusal is not None and deployment is not None:
        if deployment.status == "SUCCESSFUL":
            reason = one_sentence(f"The deployment succeeded before it was rolled back; {_clause(refusal.reason)}")
            return with_restore(replace(refusal, is_open=False, reason=reason, deployment=deployment), service)
        end = deployment.status if deployment.is_over else "the rollback is not over"
        reason = one_sentence(f"Rolled back ({end}): {_clause(refusal.reason)}")
        return replace(refusal, reason=reason, deployment=deployment)
    evidence.is_growing = True
    if stopped or deployment is None or not deployment.is_over:
        reason = f"No deployment of {service.full_name} began in time."
        if deployment is not None:
            why = f": {stopped}" if stopped else " in time"
            reason = (
                f"The deployment {deployment.arn} was left as it is ({deployment.status}): not watched to its end{why}"
            )
        elif stopped:
            reason = f"No deployment was watched: {stopped}."
        return Decision((), is_open=False, reason=one_sentence(reason), deployment=deployment, action=gated.action)
    evidence.tools = _tools_now(deployment, evidence)
    if needs_cloudwatch(gated.rules):
        with named_errors():
            client, now = service.client("cloudwatch"), service.clock.now()
            add_cloudwatch(client, gated.rules, deployment, evidence, now, gated.quiet)
    decision = replace(decide(gated.rules, judge_gate(gated.rules, evidence), deployment), action=gated.action)
    return with_restore(decision, service)


def _tools_now(deployment: GatedDeployment, evidence: GateEvidence) -> list[ToolFigures]:
    """Return what other tools have measured of a deployment until now.

    A file that cannot be read now may be in the middle of being written: nothing is known then.
    """
    try:
        found = [figures for place in evidence.tool_places for figures in find_tool_figures(place)]
    except UsageError as error:
        return [replace(figures, unknown=str(error)) for figures in evidence.tools]
    return tools_during(deployment, found, is_growing=True)


def _clause(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"
