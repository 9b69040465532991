"""Compare thresholds with evidence. Each result is pass, fail or inconclusive; missing data is never a pass."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.checkers import Judgement
from surveyor.checkers.figures import DANGER, GAP
from surveyor.errors import UsageError
from surveyor.gate.estimates import Estimate, difference, ratio
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.rules import CLIENT_FIGURES, Rules, Threshold
from surveyor.gate.tool_figures import ALL, ToolFigures
from surveyor.history.observations import Interval
from surveyor.load.confidence import Share, share_of
from surveyor.load.figures import ClientFigures
from surveyor.messages import nearest
from surveyor.report.experiments import WHOLE
from surveyor.verdicts import Verdict, worst

__all__ = ["ThresholdResult", "judge_gate", "verdict_of"]

_FIGURE_NAMES = {"danger-window": DANGER, "zero-healthy-gap": GAP}

_Estimates = dict[str, Estimate | str]
"""By client ("" if it is about all of them): an estimate, or why there is none."""


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
    if threshold.figure == "checks" and not _measured_by_tools(threshold, evidence):
        judged = _judged(threshold, evidence)
        yield ThresholdResult(threshold, judged.verdict, judged.detail or f"{len(judged.checks)} checks hold")
        return
    before = _estimates(threshold, evidence.baselines[threshold.against]) if threshold.against else None
    for client, found in _estimates(threshold, evidence).items():
        estimate = found if before is None else _compared(threshold, found, before.get(client, "it was not measured"))
        if isinstance(estimate, str):
            yield ThresholdResult(threshold, Verdict.INCONCLUSIVE, estimate, client)
        else:
            verdict = _compare(estimate.low, estimate.high, threshold.limit)
            yield ThresholdResult(threshold, verdict, estimate.text, client)


def _judge_claim(threshold: Threshold, evidence: GateEvidence) -> ThresholdResult:
    verdict = evidence.claims.get(threshold.claim)
    if verdict is None:
        near = nearest(threshold.claim, evidence.claims)
        raise UsageError(f"line {threshold.line}: no given report judges the claim {threshold.claim!r}{near}")
    result = verdict if verdict in (Verdict.PASS, Verdict.FAIL) else Verdict.INCONCLUSIVE
    return ThresholdResult(threshold, result, f"its verdict is {verdict}")


def _compared(threshold: Threshold, new: Estimate | str, old: Estimate | str) -> Estimate | str:
    """Return the difference or the ratio of two estimates, or why there is none."""
    if isinstance(new, str):
        return new
    if isinstance(old, str):
        return f"{threshold.against}: {old}"
    return difference(new, old) if threshold.ratio is None else ratio(new, old)


def _judged(threshold: Threshold, evidence: GateEvidence) -> Judgement:
    judged = evidence.judged.get(threshold.scenario)
    if judged is None:
        known = ", ".join(evidence.judged) or "none"
        raise UsageError(
            f"line {threshold.line}: no run of {threshold.scenario!r} was given; the runs are of {known}"
            f"{nearest(threshold.scenario, evidence.judged)}"
        )
    return judged


def _estimates(threshold: Threshold, evidence: GateEvidence) -> _Estimates:
    """Return the estimates of a threshold's figure. Raises UsageError for names that the evidence does not contain."""
    if tools := _measured_by_tools(threshold, evidence):
        return _estimates_of_tools(threshold, tools)
    judged = _judged(threshold, evidence)
    if threshold.scenario in evidence.broken:
        return {"": evidence.broken[threshold.scenario]}
    if threshold.figure in CLIENT_FIGURES:
        return _estimates_of_clients(threshold, evidence)
    if threshold.figure == "danger-window" and threshold.scenario in evidence.dangers:
        return _danger_windows(threshold, evidence.dangers[threshold.scenario])
    if threshold.client:
        raise UsageError(f"line {threshold.line}: {threshold.scenario} was run without client models")
    name = _FIGURE_NAMES[threshold.figure]
    figure = next((figure for figure in judged.figures if figure.figure == name), None)
    return {
        "": "it was not measured" if figure is None else _certain(figure.low, figure.high, f"measured {figure.text}")
    }


def _estimates_of_clients(threshold: Threshold, evidence: GateEvidence) -> _Estimates:
    figures = evidence.clients.get(threshold.scenario, ())
    models = list(dict.fromkeys(row.model for row in figures))
    phases = list(dict.fromkeys(row.phase for row in figures))
    if not figures:
        raise UsageError(
            f"line {threshold.line}: {threshold.scenario} was run without client models: `surveyor load` runs them"
        )
    if threshold.client and threshold.client not in models:
        near = nearest(threshold.client, models)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} called; the clients are {', '.join(models)}{near}"
        )
    if threshold.phase not in phases:
        near = nearest(threshold.phase, phases)
        raise UsageError(
            f"line {threshold.line}: there is no phase {threshold.phase!r}; the phases are {', '.join(phases)}{near}"
        )
    return {
        row.model: _estimate_of_client(threshold, row)
        for row in figures
        if row.phase == threshold.phase and threshold.client in ("", row.model)
    }


def _danger_windows(threshold: Threshold, windows: Mapping[str, Interval]) -> _Estimates:
    """Return the danger window of each client in a load scenario."""
    if threshold.client and threshold.client not in windows:
        near = nearest(threshold.client, windows)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} chose tasks; the clients that did are "
            f"{', '.join(windows)}{near}"
        )
    return {
        model: _certain(window.low, window.high, f"{window.low:g} to {window.high:g} s")
        for model, window in windows.items()
        if threshold.client in ("", model)
    }


def _estimate_of_client(threshold: Threshold, row: ClientFigures) -> Estimate | str:
    if not row.attempts:
        return "no attempt was made"
    if threshold.figure in ("error-rate", "masked-rate"):
        return _rate(row.failed if threshold.figure == "error-rate" else row.after_retries, threshold.confidence)
    if threshold.figure in ("p50", "p99"):
        if not row.latencies.count:
            return "no attempt was answered"
        return _latency(row.latencies.interval(float(threshold.figure[1:]), threshold.confidence))
    seconds = row.outage if threshold.figure == "outage" else row.recovery
    # Attempts are counted in whole seconds; the first and the last second may have been bad only in part.
    low = max(0.0, seconds - 2.0) if seconds else 0.0
    return _certain(low, seconds, f"{low:g} to {seconds:g} s")


def _measured_by_tools(threshold: Threshold, evidence: GateEvidence) -> list[ToolFigures]:
    """Return the figures of other load generators that a threshold is about.

    They know no scenarios: the threshold names the tool, or anything if there is no run of Surveyor with scenarios.
    """
    named = [figures for figures in evidence.tools if figures.tool.lower() == threshold.scenario.lower()]
    return named or ([] if evidence.judged else evidence.tools)


def _estimates_of_tools(threshold: Threshold, tools: Sequence[ToolFigures]) -> _Estimates:
    """Return the figures of the requests that the threshold names as its client, or of all requests together."""
    tool = tools[0].tool
    if threshold.figure not in ("error-rate", "p50", "p99") or threshold.phase != WHOLE:
        what = f"no phase {threshold.phase!r}" if threshold.phase != WHOLE else f"no {threshold.figure}"
        raise UsageError(
            f"line {threshold.line}: {tool} has {what}: it measures error-rate, p50 and p99 of a whole run"
        )
    chosen = [row for row in tools if row.name == threshold.client] or [row for row in tools if row.name == ALL]
    return {f"{row.name} of {row.file}": _estimate_of_tool(threshold, row) for row in chosen}


def _estimate_of_tool(threshold: Threshold, row: ToolFigures) -> Estimate | str:
    if not row.failed.count:
        return "no request was made"
    if threshold.figure == "error-rate":
        return _rate(row.failed, threshold.confidence)
    found = row.interval(float(threshold.figure[1:]), threshold.confidence)
    return _latency(found) if found else f"{row.file} has no {threshold.figure} (k6: --summary-trend-stats 'med,p(99)')"


def _rate(share: Share, confidence: float) -> Estimate:
    share = share_of(share.hits, share.count, confidence)
    return Estimate(100 * share.share, 100 * share.low, 100 * share.high, str(share))


def _latency(found: tuple[float, float, float]) -> Estimate:
    value, low, high = (1_000 * seconds for seconds in found)
    bounds = f"{low:.1f} to {high:.1f} ms" if math.isfinite(high) else f"{low:.1f} ms or more, of too few attempts"
    return Estimate(value, low, high, f"{value:.1f} ms ({bounds})")


def _certain(low: float, high: float, text: str) -> Estimate:
    return Estimate(high, low, high, text, sampled=False)


def _compare(low: float, high: float, limit: float) -> Verdict:
    if high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if low > limit else Verdict.INCONCLUSIVE
