"""The decision of a gate: the results of its thresholds, how the deployment stands, and the reason in one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from surveyor.gate.deployment_actions import GateAction
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.rules import Rules
from surveyor.gate.thresholds import ThresholdResult, verdict_of
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["Decision", "decide", "one_sentence"]

_SENTENCE_END = re.compile(r"[.!?]+ (?=[A-Z])")
_MAX_REASON = 1_000
"""Characters."""


@dataclass(frozen=True)
class Decision:
    """Whether the gate is open, and why.

    `reason`: one sentence; `restore`: the command that deploys the previous revision again, or "".
    """

    results: tuple[ThresholdResult, ...]
    is_open: bool
    reason: str
    deployment: GatedDeployment | None = None
    action: GateAction | None = None
    restore: str = ""


def decide(rules: Rules, results: Sequence[ThresholdResult], deployment: GatedDeployment | None = None) -> Decision:
    """Return the decision on these results. A deployment that was rolled back or stopped closes the gate anyway."""
    verdict = verdict_of(results)
    meets = verdict is Verdict.PASS or (verdict is Verdict.INCONCLUSIVE and rules.inconclusive == "pass")
    failure = deployment.failure if deployment else ""
    reason = one_sentence(failure or _reason(rules, results, verdict))
    return Decision(tuple(results), meets and not failure, reason, deployment)


def one_sentence(text: str) -> str:
    """Return a text, parts of which others may have written, as one sentence on one line."""
    joined = _SENTENCE_END.sub("; ", one_line(text, _MAX_REASON)).rstrip(". ")
    return f"{joined[:1].upper()}{joined[1:]}."


def _reason(rules: Rules, results: Sequence[ThresholdResult], verdict: Verdict) -> str:
    deciding = [result for result in results if result.threshold.decides]
    if verdict is Verdict.PASS:
        if len(deciding) == 1:
            return f"Met: {deciding[0].threshold}: {deciding[0].actual}"
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
    return f"{beginning}: {threshold}: {first.actual}{more}"
