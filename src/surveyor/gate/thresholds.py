"""Compare thresholds with evidence. Each result is pass, fail or inconclusive; missing data is never a pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from surveyor.errors import UsageError
from surveyor.gate.estimates import Estimate, difference, ratio
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.measured import Estimates, estimates, judgement_of, measured_by_tools, revision_estimates
from surveyor.gate.rules import Rules, Threshold
from surveyor.messages import nearest
from surveyor.verdicts import Verdict, worst

__all__ = ["ThresholdResult", "judge_gate", "verdict_of"]


@dataclass(frozen=True)
class ThresholdResult:
    """The verdict on a threshold; `client` is the client model that was judged, "" if it is about all of them."""

    threshold: Threshold
    verdict: Verdict
    actual: str
    client: str = ""


def judge_gate(rules: Rules, evidence: GateEvidence) -> tuple[ThresholdResult, ...]:
    """Return one result per threshold, or one per client if the threshold is about every client.

    Raises UsageError for a scenario, client or phase that the evidence does not contain.
    """
    return tuple(result for threshold in rules.thresholds for result in _judge(threshold, evidence))


def verdict_of(results: Sequence[ThresholdResult]) -> Verdict:
    """Return the worst verdict of the thresholds that decide."""
    return worst(result.verdict for result in results if result.threshold.decides)


def _judge(threshold: Threshold, evidence: GateEvidence) -> Iterable[ThresholdResult]:
    if threshold.claim:
        yield _judge_claim(threshold, evidence)
        return
    if threshold.alarm:
        verdict, text = evidence.alarms[threshold.alarm]
        yield ThresholdResult(threshold, verdict, text)
        return
    if threshold.figure == "checks" and not measured_by_tools(threshold, evidence):
        judged = judgement_of(threshold, evidence)
        yield ThresholdResult(threshold, judged.verdict, judged.detail or f"{len(judged.checks)} checks hold")
        return
    for client, estimate in _figures(threshold, evidence).items():
        if isinstance(estimate, str):
            yield ThresholdResult(threshold, Verdict.INCONCLUSIVE, estimate, client)
        else:
            verdict = _compare(estimate.low, estimate.high, threshold.limit)
            yield ThresholdResult(threshold, verdict, estimate.text, client)


def _figures(threshold: Threshold, evidence: GateEvidence) -> Estimates:
    """Return what is compared with the limit: a figure, or its difference from or ratio to another."""
    if threshold.metric is not None:
        return {"": evidence.metrics[threshold.metric]}
    if threshold.by_revision:
        new, old = revision_estimates(threshold, evidence)
        other = "the old revision"
    else:
        new = estimates(threshold, evidence)
        old = estimates(threshold, evidence.baselines[threshold.against]) if threshold.against else {}
        other = threshold.against
    if not threshold.is_compared:
        return new
    return {
        client: _compared(threshold, found, old.get(client, "it was not measured"), other)
        for client, found in new.items()
    }


def _judge_claim(threshold: Threshold, evidence: GateEvidence) -> ThresholdResult:
    verdict = evidence.claims.get(threshold.claim)
    if verdict is None:
        near = nearest(threshold.claim, evidence.claims)
        raise UsageError(f"line {threshold.line}: no given report judges the claim {threshold.claim!r}{near}")
    result = verdict if verdict in (Verdict.PASS, Verdict.FAIL) else Verdict.INCONCLUSIVE
    return ThresholdResult(threshold, result, f"its verdict is {verdict}")


def _compared(threshold: Threshold, new: Estimate | str, old: Estimate | str, other: str) -> Estimate | str:
    """Return the difference or the ratio of two estimates, or why there is none."""
    if isinstance(new, str):
        return new
    if isinstance(old, str):
        return f"{other}: {old}"
    found = difference(new, old) if threshold.ratio is None else ratio(new, old)
    unit = (
        {"%": "points", "ms": "ms", "s": "s"}.get(threshold.unit, "") + " more" if threshold.ratio is None else "times"
    )
    return replace(found, text=f"{found.text}: {found.low:.2f} to {found.high:.2f} {unit}")


def _compare(low: float, high: float, limit: float) -> Verdict:
    if high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if low > limit else Verdict.INCONCLUSIVE
