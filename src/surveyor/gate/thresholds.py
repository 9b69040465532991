"""Thresholds held against evidence. Each is pass, fail or inconclusive; nothing measured is never a pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.checkers.figures import DANGER, GAP
from surveyor.errors import UsageError
from surveyor.gate.evidence import Evidence
from surveyor.gate.rules import CLIENT_FIGURES, Rules, Threshold
from surveyor.history.observations import Interval
from surveyor.load.confidence import share_of
from surveyor.load.figures import Figures
from surveyor.messages import nearest
from surveyor.verdicts import Verdict, worst

__all__ = ["Outcome", "judge_gate", "verdict_of"]

FEWEST = 100
"""Answered attempts that a 99th percentile needs."""

_NAMED = {"danger-window": DANGER, "zero-healthy-gap": GAP}


@dataclass(frozen=True)
class Outcome:
    """What became of a threshold; `who` is the client that decided, "" where it is about all."""

    threshold: Threshold
    verdict: Verdict
    told: str
    who: str = ""


def judge_gate(rules: Rules, evidence: Evidence) -> tuple[Outcome, ...]:
    """One outcome a threshold, and where it is about every client one for each of them.

    Raises UsageError for a scenario, client or phase that the evidence does not have.
    """
    return tuple(outcome for one in rules.thresholds for outcome in _judge(one, evidence))


def verdict_of(outcomes: Sequence[Outcome]) -> Verdict:
    """The worst of them."""
    return worst(one.verdict for one in outcomes)


def _judge(threshold: Threshold, evidence: Evidence) -> Iterable[Outcome]:
    if threshold.claim:
        yield _claim(threshold, evidence)
        return
    judged = evidence.judged.get(threshold.scenario)
    if judged is None:
        known = ", ".join(evidence.judged) or "none"
        raise UsageError(
            f"line {threshold.line}: no run of {threshold.scenario!r} was given; there is {known}"
            f"{nearest(threshold.scenario, evidence.judged)}"
        )
    if threshold.figure == "checks":
        told = judged.detail or f"{len(judged.checks)} checks hold"
        yield Outcome(threshold, judged.verdict, told)
    elif threshold.scenario in evidence.broken:
        yield Outcome(threshold, Verdict.INCONCLUSIVE, evidence.broken[threshold.scenario])
    elif threshold.figure in CLIENT_FIGURES:
        yield from _clients(threshold, evidence)
    elif threshold.figure == "danger-window" and threshold.scenario in evidence.dangers:
        yield from _dangers(threshold, evidence.dangers[threshold.scenario])
    elif threshold.client:
        raise UsageError(f"line {threshold.line}: {threshold.scenario} was run without client models")
    else:
        name = _NAMED[threshold.figure]
        found = next((one for one in judged.figures if one.figure == name), None)
        if found is None:
            yield Outcome(threshold, Verdict.INCONCLUSIVE, "it was not measured")
        else:
            yield Outcome(threshold, _within(found.low, found.high, threshold.at_most), f"measured {found.shown}")


def _claim(threshold: Threshold, evidence: Evidence) -> Outcome:
    found = evidence.claims.get(threshold.claim)
    if found is None:
        near = nearest(threshold.claim, evidence.claims)
        raise UsageError(f"line {threshold.line}: no report given judges the claim {threshold.claim!r}{near}")
    taken = found if found in (Verdict.PASS, Verdict.FAIL) else Verdict.INCONCLUSIVE
    return Outcome(threshold, taken, f"its verdict is {found}")


def _clients(threshold: Threshold, evidence: Evidence) -> Iterable[Outcome]:
    figures = evidence.clients.get(threshold.scenario, ())
    models = list(dict.fromkeys(one.model for one in figures))
    phases = list(dict.fromkeys(one.phase for one in figures))
    if not figures:
        raise UsageError(
            f"line {threshold.line}: {threshold.scenario} was run without callers: surveyor load makes them"
        )
    if threshold.client and threshold.client not in models:
        near = nearest(threshold.client, models)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} called; there is {', '.join(models)}{near}"
        )
    if threshold.phase not in phases:
        near = nearest(threshold.phase, phases)
        raise UsageError(
            f"line {threshold.line}: there is no phase {threshold.phase!r}; there is {', '.join(phases)}{near}"
        )
    for one in figures:
        if one.phase == threshold.phase and threshold.client in ("", one.model):
            verdict, told = _figure(threshold, one)
            yield Outcome(threshold, verdict, told, one.model)


def _dangers(threshold: Threshold, found: Mapping[str, Interval]) -> Iterable[Outcome]:
    """In a load scenario each client has a danger window of its own."""
    if threshold.client and threshold.client not in found:
        near = nearest(threshold.client, found)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} chose tasks; there is {', '.join(found)}{near}"
        )
    for model, window in found.items():
        if threshold.client in ("", model):
            verdict = _within(window.low, window.high, threshold.at_most)
            yield Outcome(threshold, verdict, f"{window.low:g} to {window.high:g} s", model)


def _figure(threshold: Threshold, one: Figures) -> tuple[Verdict, str]:
    if not one.attempts:
        return Verdict.INCONCLUSIVE, "no attempt was made"
    limit = threshold.at_most
    if threshold.figure in ("error-rate", "masked-rate"):
        share = one.raw if threshold.figure == "error-rate" else one.masked
        share = share_of(share.hits, share.count, threshold.confidence)
        return _within(100 * share.low, 100 * share.high, limit), str(share)
    if threshold.figure in ("p50", "p99"):
        seconds = one.p50 if threshold.figure == "p50" else one.p99
        answered = one.attempts - one.raw.hits
        if answered < FEWEST:
            return Verdict.INCONCLUSIVE, f"{answered} answered attempts are too few"
        return _within(1_000 * seconds, 1_000 * seconds, limit), f"{1_000 * seconds:.1f} ms"
    seconds = one.outage if threshold.figure == "outage" else one.recovery
    # Attempts are counted by whole seconds, of which the first and the last may have been bad in part.
    low = max(0.0, seconds - 2.0) if seconds else 0.0
    return _within(low, seconds, limit), f"{low:g} to {seconds:g} s"


def _within(low: float, high: float, limit: float) -> Verdict:
    if high <= limit:
        return Verdict.PASS
    return Verdict.FAIL if low > limit else Verdict.INCONCLUSIVE
