"""The estimates of a threshold's figure: from client models, from revisions, from experiments and from other tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from surveyor.checkers import Judgement
from surveyor.checkers.figures import DANGER, GAP
from surveyor.errors import UsageError
from surveyor.gate.estimates import (
    ConfidenceLevel,
    Estimate,
    certain_estimate,
    latency_estimate,
    percentile_estimate,
    share_estimate,
)
from surveyor.gate.evidence import GateEvidence
from surveyor.gate.rules import CLIENT_FIGURES, Threshold
from surveyor.gate.tool_figures import ALL, ToolFigures
from surveyor.load.attempt_figures import NEW, OLD
from surveyor.load.error_counts import Counts
from surveyor.load.figures import ClientFigures
from surveyor.messages import nearest
from surveyor.observations import Interval
from surveyor.report.experiments import WHOLE

__all__ = ["Estimates", "estimates", "judgement_of", "measured_by_tools", "revision_estimates"]

_FIGURE_NAMES = {"danger-window": DANGER, "zero-healthy-gap": GAP}

Estimates = dict[str, Estimate | str]
"""By client ("" if it is about all of them): an estimate, or why there is none."""


def judgement_of(threshold: Threshold, evidence: GateEvidence) -> Judgement:
    """Return the judgement on the threshold's scenario. Raises UsageError if it was not run."""
    judged = evidence.judged.get(threshold.scenario)
    if judged is None:
        raise _no_run(threshold, evidence.judged)
    return judged


def estimates(threshold: Threshold, evidence: GateEvidence) -> Estimates:
    """Return the estimates of a threshold's figure. Raises UsageError for names that the evidence does not contain."""
    if tools := measured_by_tools(threshold, evidence):
        return _estimates_of_tools(threshold, tools, is_growing=evidence.is_growing)
    if threshold.scenario in evidence.broken:
        return {"": evidence.broken[threshold.scenario]}
    if evidence.is_growing and threshold.scenario in evidence.clients and threshold.figure in CLIENT_FIGURES:
        return _estimates_of_clients(threshold, evidence)
    judged = judgement_of(threshold, evidence)
    if threshold.figure in CLIENT_FIGURES:
        return _estimates_of_clients(threshold, evidence)
    if threshold.figure == "danger-window" and threshold.scenario in evidence.dangers:
        return _danger_windows(threshold, evidence.dangers[threshold.scenario])
    if threshold.client:
        raise UsageError(f"line {threshold.line}: {threshold.scenario} was run without client models")
    name = _FIGURE_NAMES[threshold.figure]
    figure = next((figure for figure in judged.figures if figure.figure == name), None)
    if figure is None:
        return {"": "it was not measured"}
    return {"": certain_estimate(figure.low, figure.high, f"measured {figure.text}")}


def revision_estimates(threshold: Threshold, evidence: GateEvidence) -> tuple[Estimates, Estimates]:
    """Return the estimates of a figure of the new and of the old revision in one run. Raises UsageError."""
    if threshold.scenario in evidence.broken:
        why = evidence.broken[threshold.scenario]
        return {"": why}, {"": why}
    sides = evidence.sides.get(threshold.scenario)
    if sides is None:
        if threshold.scenario not in evidence.judged:
            raise _no_run(threshold, evidence.judged)
        raise UsageError(
            f"line {threshold.line}: the attempts of {threshold.scenario} are not recorded by revision: "
            "`surveyor watch` records them"
        )
    figures = evidence.clients[threshold.scenario]
    clients = sorted({row.model for row in figures})
    _require_names(threshold, clients, list(dict.fromkeys(row.phase for row in figures)), evidence)
    wanted = [threshold.client] if threshold.client else clients
    found = []
    for side in (NEW, OLD):
        rows = {row.model: row for row in sides.get(side, ()) if row.phase == threshold.phase}
        found.append(
            {
                client: _estimate_of_client(threshold, rows[client], _confidence(threshold, evidence, len(wanted)))
                if client in rows
                else f"no attempt reached a task of the {side} revision"
                for client in wanted or [""]
            }
        )
    return found[0], found[1]


def _estimates_of_clients(threshold: Threshold, evidence: GateEvidence) -> Estimates:
    figures = evidence.clients.get(threshold.scenario, ())
    models = list(dict.fromkeys(row.model for row in figures))
    phases = list(dict.fromkeys(row.phase for row in figures))
    if not figures and not evidence.is_growing:
        raise UsageError(f"line {threshold.line}: nothing called the service of {threshold.scenario}")
    _require_names(threshold, models, phases, evidence)
    chosen = [row for row in figures if row.phase == threshold.phase and threshold.client in ("", row.model)]
    confidence = _confidence(threshold, evidence, len(chosen))
    found = {row.model: _estimate_of_client(threshold, row, confidence) for row in chosen}
    if threshold.figure == "masked-rate" and threshold.scenario in evidence.sides:
        return dict.fromkeys(found, "its callers do not retry: `surveyor load` measures the masked rate")
    return found or {threshold.client: "no attempt was made until now"}


def _confidence(threshold: Threshold, evidence: GateEvidence, clients: int) -> ConfidenceLevel:
    return ConfidenceLevel(threshold.confidence, evidence.is_growing, max(1, clients))


def _require_names(threshold: Threshold, models: Sequence[str], phases: Sequence[str], evidence: GateEvidence) -> None:
    """Raise UsageError for a client or a phase that is not there, unless it may still appear."""
    if evidence.is_growing:
        return
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


def _danger_windows(threshold: Threshold, windows: Mapping[str, Interval]) -> Estimates:
    """Return the danger window of each client in a load scenario."""
    if threshold.client and threshold.client not in windows:
        near = nearest(threshold.client, windows)
        raise UsageError(
            f"line {threshold.line}: no client {threshold.client!r} chose tasks; the clients that did are "
            f"{', '.join(windows)}{near}"
        )
    return {
        model: certain_estimate(window.low, window.high, f"{window.low:g} to {window.high:g} s")
        for model, window in windows.items()
        if threshold.client in ("", model)
    }


def _estimate_of_client(threshold: Threshold, row: ClientFigures, confidence: ConfidenceLevel) -> Estimate | str:
    if not row.attempts:
        return "no attempt was made"
    if threshold.figure in ("error-rate", "masked-rate"):
        is_error_rate = threshold.figure == "error-rate"
        share, near = (row.failed, row.near) if is_error_rate else (row.after_retries, 0)
        return share_estimate(Counts(share.hits, share.count, near), confidence)
    if threshold.figure in ("p50", "p99"):
        if not row.latencies.count:
            return "no attempt was answered"
        compared = threshold.is_compared
        return latency_estimate(row.latencies, float(threshold.figure[1:]), confidence, compared=compared)
    seconds = row.outage if threshold.figure == "outage" else row.recovery
    # Attempts are counted in whole seconds; the first and the last second may have been bad only in part.
    low = max(0.0, seconds - 2.0) if seconds else 0.0
    return certain_estimate(low, seconds, f"{low:g} to {seconds:g} s")


def measured_by_tools(threshold: Threshold, evidence: GateEvidence) -> list[ToolFigures]:
    """Return the figures of other load generators that a threshold is about.

    They know no scenarios: the threshold names the tool, or anything if no run or watch of Surveyor has scenarios.
    """
    named = [figures for figures in evidence.tools if figures.tool.lower() == threshold.scenario.lower()]
    return named or ([] if evidence.judged or evidence.is_growing else evidence.tools)


def _estimates_of_tools(threshold: Threshold, tools: Sequence[ToolFigures], *, is_growing: bool) -> Estimates:
    """Return the figures of the requests that the threshold names as its client, or of all requests together."""
    tool = tools[0].tool
    if threshold.figure not in ("error-rate", "p50", "p99") or threshold.phase != WHOLE:
        what = f"no phase {threshold.phase!r}" if threshold.phase != WHOLE else f"no {threshold.figure}"
        raise UsageError(
            f"line {threshold.line}: {tool} has {what}: it measures error-rate, p50 and p99 of a whole run"
        )
    chosen = [row for row in tools if row.name == threshold.client] or [row for row in tools if row.name == ALL]
    confidence = ConfidenceLevel(threshold.confidence, is_growing, max(1, len(chosen)))
    return {f"{row.name} of {row.file}{row.part}": _estimate_of_tool(threshold, row, confidence) for row in chosen}


def _estimate_of_tool(threshold: Threshold, row: ToolFigures, confidence: ConfidenceLevel) -> Estimate | str:
    if row.unknown:
        return row.unknown
    if not row.failed.count:
        return "no request was made"
    if threshold.figure == "error-rate":
        return share_estimate(Counts(row.failed.hits, row.failed.count), confidence)
    found = row.interval(float(threshold.figure[1:]), threshold.confidence)
    if found is None and row.part:
        return f"{row.file} has no {threshold.figure} of the time of the deployment alone, and the run lasted longer"
    if found is None:
        return f"{row.file} has no {threshold.figure} (k6: --summary-trend-stats 'med,p(99)')"
    return percentile_estimate(found)


def _no_run(threshold: Threshold, judged: Mapping[str, Judgement]) -> UsageError:
    return UsageError(
        f"line {threshold.line}: no run of {threshold.scenario!r} was given; the runs are of "
        f"{', '.join(judged) or 'none'}{nearest(threshold.scenario, judged)}"
    )
