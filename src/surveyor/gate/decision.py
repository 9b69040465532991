"""The decision of a gate: the results of its thresholds, how the deployment stands, and the reason in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from surveyor.gate.deployment_actions import GateAction
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.rules import Rules
from surveyor.gate.thresholds import ThresholdResult, verdict_of
from surveyor.verdicts import Verdict

__all__ = ["Decision", "decide"]


@dataclass(frozen=True)
class Decision:
    """Whether the gate is open, and why.

    `restore`: the command that deploys the previous revision again, or ""; `treated`: what an inconclusive verdict
    counts as, or "".
    """

    results: tuple[ThresholdResult, ...]
    is_open: bool
    reason: str
    deployment: GatedDeployment | None = None
    action: GateAction | None = None
    restore: str = ""
    treated: str = ""

    @property
    def short_reason(self) -> str:
        """Return the verdict of runs alone; with a deployment, or without results, the reason."""
        if self.deployment is not None or not self.results:
            return self.reason.rstrip(".")
        return f"{verdict_of(self.results)}{self.treated}"


def decide(rules: Rules, results: Sequence[ThresholdResult], deployment: GatedDeployment | None = None) -> Decision:
    """Return the decision on these results. A deployment that was rolled back or stopped closes the gate anyway."""
    verdict = verdict_of(results)
    meets = verdict is Verdict.PASS or (verdict is Verdict.INCONCLUSIVE and rules.inconclusive == "pass")
    failure = deployment.failure if deployment else ""
    reason = f"{failure[:1].upper()}{failure[1:]}." if failure else _reason(rules, results, verdict)
    treated = f", treated as {rules.inconclusive}" if verdict is Verdict.INCONCLUSIVE else ""
    return Decision(tuple(results), meets and not failure, reason, deployment, treated=treated)


def _reason(rules: Rules, results: Sequence[ThresholdResult], verdict: Verdict) -> str:
    deciding = [result for result in results if result.threshold.decides]
    if verdict is Verdict.PASS:
        return f"All {len(deciding)} results are within their thresholds."
    worst = [result for result in deciding if result.verdict is verdict]
    if not worst:
        return "Nothing was judged."
    first = worst[0]
    threshold = replace(first.threshold, client=first.threshold.client or first.client)
    more = f", and {len(worst) - 1} more" if len(worst) > 1 else ""
    beginning = "Not met"
    if verdict is Verdict.INCONCLUSIVE:
        beginning = f"Not certain, which is treated as {rules.inconclusive}"
    return f"{beginning}: {threshold}: {first.actual}{more}."
