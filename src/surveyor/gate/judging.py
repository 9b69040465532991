"""Judge evidence that is complete, and act on the deployment that it is about."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from surveyor import timeouts
from surveyor.clock import Clock, WallClock
from surveyor.errors import SurveyorError, UsageError
from surveyor.gate.cloudwatch import add_cloudwatch, needs_cloudwatch
from surveyor.gate.decision import Decision, decide
from surveyor.gate.deployment_actions import GateAction, act, named_errors
from surveyor.gate.deployments import GatedDeployment, find_deployment, previous_definition, restore_command
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.locust_history import cut_to_time
from surveyor.gate.provenance import require_evidence_of
from surveyor.gate.rules import Rules
from surveyor.gate.thresholds import judge_gate
from surveyor.gate.tool_figures import ToolFigures

__all__ = ["GatedService", "judge_runs", "tools_during", "with_restore"]


@dataclass(frozen=True)
class GatedService:
    """The service of a gate, and how it is reached. `client`: creates a client of an API, by botocore's name."""

    cluster: str
    name: str
    client: Callable[[str], Any]
    clock: Clock

    @property
    def full_name(self) -> str:
        """Return CLUSTER/SERVICE."""
        return f"{self.cluster}/{self.name}"


def judge_runs(rules: Rules, evidence: GateEvidence, service: GatedService | None = None) -> Decision:
    """Return the decision on these runs, after acting on the deployment of the service if one is given.

    Evidence must be of that deployment, unless it was rolled back or stopped, which closes the gate by itself. Raises
    SurveyorError if the account refuses or does not answer; a refused action is in the decision.
    """
    if service is None:
        if needs_cloudwatch(rules):
            raise UsageError(
                "thresholds on alarms and metrics need the service that is deployed: add --ecs CLUSTER/SERVICE"
            )
        return decide(rules, judge_gate(rules, evidence))
    ecs = service.client("ecs")
    with named_errors():
        deployment = _find(ecs, service)
    if deployment is not None and not deployment.failure:
        require_evidence_of(deployment, evidence.runs, service.full_name, time.time())
        evidence.tools = tools_during(deployment, evidence.tools)
    if needs_cloudwatch(rules):
        with named_errors():
            add_cloudwatch(service.client("cloudwatch"), rules, deployment, evidence, service.clock.now())
    decision = decide(rules, judge_gate(rules, evidence), deployment)
    if deployment is None:
        text = f"{service.full_name} has no deployment; nothing was rolled back"
        return replace(decision, action=GateAction("nothing", text))
    try:
        action = act(ecs, deployment, is_open=decision.is_open)
    except SurveyorError as error:
        return replace(decision, action=GateAction("refused", str(error)))
    return with_restore(replace(decision, action=action), service)


def tools_during(
    deployment: GatedDeployment, tools: Sequence[ToolFigures], *, is_growing: bool = False
) -> list[ToolFigures]:
    """Return what other tools measured in the time of a deployment.

    Raises UsageError for a run without requests in that time, unless it `is_growing`.
    """
    now = time.time()
    end = math.inf if deployment.since_end is None else now - deployment.since_end
    return cut_to_time(tools, now - deployment.age, end, is_growing=is_growing)


def with_restore(decision: Decision, service: GatedService) -> Decision:
    """Return the decision with the command that restores the previous revision, if it closes after a success.

    If ECS does not say which that was, its error is there instead: the decision does not depend on it.
    """
    deployment = decision.deployment
    if decision.is_open or deployment is None or deployment.status != "SUCCESSFUL":
        return decision
    try:
        with named_errors():
            definition = previous_definition(service.client("ecs"), deployment)
    except SurveyorError as error:
        return replace(decision, restore=f"(the previous revision is not known: {error})")
    return replace(decision, restore=restore_command(service.cluster, service.name, definition))


def _find(ecs: Any, service: GatedService) -> GatedDeployment | None:
    """Return the deployment in progress, or else the newest."""
    found = find_deployment(ecs, service.cluster, service.name, service.clock.now())
    if found is None or not found.is_in_progress:
        # A read of ECS may show the state before a deployment that has just begun (ecs/RunTask).
        WallClock().wait(timeouts.READ_AGAIN)
        found = find_deployment(ecs, service.cluster, service.name, service.clock.now()) or found
    return found
