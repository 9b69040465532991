"""Compare thresholds with evidence. Each result is pass, fail or inconclusive; missing data is never a pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.checkers.figures import DANGER, GAP
from surveyor.errors import UsageError
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.rules import CLIENT_FIGURES, Rules, Threshold
from surveyor.history.observations import Interval
from surveyor.load.confidence import share_of
from surveyor.load.figures import ClientFigures
from surveyor.messages import nearest
from surveyor.verdicts import Verdict, worst

__all__ = ["ThresholdResult", "judge_gate", "verdict_of"]

MIN_ANSWERED = 100
"""Answered attempts that a 99th percentile needs."""

_FIGURE_NAMES = {"danger-window": DANGER, "zero-healthy-gap": GAP}


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
    """Return the worst verdict."""
    return worst(result.verdict for result in results)


def _judge(threshold: Threshold, evidence: GateEvidence) -> Iterable[ThresholdResult]:
    if threshold.claim:
        yield _judge_claim(threshold, evidence)
        return
    judged = evidence.judged.get(threshold.scenario)
    if judged is None:
        known = ", ".join(evidence.judged) or "none"
        raise UsageError(
            f"line {threshold.line}: no run of {threshold.scenario!r} was given; the runs are of {known}"
            f"{nearest(threshold.scenario, evidence.judged)}"
        )
    if threshold.figure == "checks":
        yield ThresholdResult(threshold, judged.verdict, judged.detail or f"{len(judged.checks)} checks hold")
    elif threshold.scenario in evidence.broken:
        yield ThresholdResult(threshold, Verdict.INCONCLUSIVE, evidence.broken[threshold.scenario])
    elif threshold.figure in CLIENT_FIGURES:
        yield from _judge_clients(threshold, evidence)
    elif threshold.figure == "danger-window" and threshold.scenario in evidence.dangers:
        yield from _judge_danger_windows(threshold, evidence.dangers[threshold.scenario])
    elif threshold.client:
        raise UsageError(f"line {threshold.line}: {threshold.scenario} was run without client models")
    else:
        name = _FIGURE_NAMES[threshold.figure]
        figure = next((figure for figure in judged.figures if figure.figure == name), None)
        if figure is None:
            yield ThresholdResult(threshold, Verdict.INCONCLUSIVE, "it was not measured")
        else:
            verdict = _compare(figure.low, figure.high, threshold.at_most)
            yield ThresholdResult(threshold, verdict, f"measured {figure.text}")


def _judge_claim(threshold: Threshold, evidence: GateEvidence) -> ThresholdResult:
    verdict = evidence.claims.get(threshold.claim)
    if verdict is None:
        near = nearest(threshold.claim, evidence.claims)
        raise UsageError(f"line {threshold.line}: no given report judges the claim {threshold.claim!r}{near}")
    result = verdict if verdict in (Verdict.PASS, Verdict.FAIL) else Verdict.INCONCLUSIVE
    return ThresholdResult(threshold, result, f"its verdict is {verdict}")


def _judge_clients(threshold: Threshold, evidence: GateEvidence) -> Iterable[ThresholdResult]:
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
    for row in figures:
        if row.phase == threshold.phase and threshold.client in ("", row.model):
            verdict, actual = _judge_figure(threshold, row)
            yield ThresholdResult(threshold, verdict, actual, row.model)


def _judge_danger_windows(threshold: Threshold, windows: Mapping[str, Interval]) -> Iterable[ThresholdResult]:
    """Judge the danger window of each client in a load scenario."""
    if threshold.client and threshold.client not in windows:
        near = nearest(threshold.client, windows)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} chose tasks; the clients that did are "
            f"{', '.join(windows)}{near}"
        )
    for model, window in windows.items():
        if threshold.client in ("", model):
            verdict = _compare(window.low, window.high, threshold.at_most)
            yield ThresholdResult(threshold, verdict, f"{window.low:g} to {window.high:g} s", model)


def _judge_figure(threshold: Threshold, row: ClientFigures) -> tuple[Verdict, str]:
    if not row.attempts:
        return Verdict.INCONCLUSIVE, "no attempt was made"
    limit = threshold.at_most
    if threshold.figure in ("error-rate", "masked-rate"):
        share = row.failed if threshold.figure == "error-rate" else row.after_retries
        share = share_of(share.hits, share.count, threshold.confidence)
        return _compare(100 * share.low, 100 * share.high, limit), str(share)
    if threshold.figure in ("p50", "p99"):
        seconds = row.p50 if threshold.figure == "p50" else row.p99
        answered = row.attempts - row.failed.hits
        if answered < MIN_ANSWERED:
            return Verdict.INCONCLUSIVE, f"{answered} answered attempts are too few"
        return _compare(1_000 * seconds, 1_000 * seconds, limit), f"{1_000 * seconds:.1f} ms"
    seconds = row.outage if threshold.figure == "outage" else row.recovery
    # Attempts are counted in whole seconds; the first and the last second may have been bad only in part.
    low = max(0.0, seconds - 2.0) if seconds else 0.0
    return _compare(low, seconds, limit), f"{low:g} to {seconds:g} s"


def _compare(low: float, high: float, limit: float) -> Verdict:
    if high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if low > limit else Verdict.INCONCLUSIVE
