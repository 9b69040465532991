"""What clients got in a scenario, put into its report: the tally comes when the conductor's report already stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from surveyor.history import History, load_history
from surveyor.load.attribution import attribute, sentence
from surveyor.load.client_models import BETWEEN, MODELS
from surveyor.load.confidence import Share
from surveyor.load.figures import Figures, figures_of
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.chart import Chart, Lane
from surveyor.report.experiments import ClientRow, ExperimentReport
from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict, worst

__all__ = ["with_client_results"]

MOST_LATE = 0.05
"""Share of arrivals that may be begun late, or not at all."""


def with_client_results(report: ConformanceReport, folder: Path) -> ConformanceReport:
    """The report of a scenario with what its clients got. Raises HistoryBroken, OSError or ValueError."""
    tally = Tally.from_json(json.loads((folder / TALLY_FILE).read_text("utf-8")))
    return replace(report, experiments=tuple(_told(one, folder, tally) for one in report.experiments))


def _told(one: ExperimentReport, folder: Path, tally: Tally) -> ExperimentReport:
    if not one.history:
        return one
    history = load_history(folder / one.history)
    troubles = [*tally.troubles, *_slow(history, tally)]
    if troubles:
        told = "; ".join(filter(None, (one.detail, *troubles)))
        one = replace(one, verdict=worst((one.verdict, Verdict.INCONCLUSIVE)), detail=told)
    figures = figures_of(history, tally)
    chart = replace(one.chart, lanes=_lanes(tally, one.chart, figures)) if one.chart else None
    return replace(
        one,
        chart=chart,
        clients=tuple(map(_row, figures)),
        sentences=tuple(_sentences(history, tally, figures)),
    )


def _slow(history: History, tally: Tally) -> list[str]:
    """Whether whoever called could not keep up, and what it could."""
    counted = list(tally.counted())
    dropped = sum(one.count for one in counted if one.outcome == "dropped")
    arrivals = sum(one.count for one in counted)
    if not history.phases or dropped + tally.late <= MOST_LATE * arrivals:
        return []
    seconds = (history.phases[-1].end - history.phases[0].begin) / history.header.scale
    together = (arrivals - dropped) / seconds
    each = together / sum(MODELS[name].share if name in MODELS else 1.0 for name in tally.models)
    told = f"of {arrivals:,} arrivals {dropped:,} were not begun, and {tally.late:,} late"
    actual = f"all clients together came to {together:,.0f} a second, which are {each:,.0f} each (--rate)"
    return [f"the machine did not keep up: {told}; {actual}"]


def _lanes(tally: Tally, chart: Chart, figures: Sequence[Figures]) -> tuple[Lane, ...]:
    """Of each model, by the chart's buckets."""
    lanes = []
    for model in dict.fromkeys(one.model for one in figures):
        attempts, failed = ([0] * len(chart.ok) for _ in range(2))
        for one in tally.counted((model,), 0.0, chart.seconds):
            bucket = min(int(one.second / chart.bucket), len(attempts) - 1)
            if one.outcome != "dropped":
                attempts[bucket] += one.count
                failed[bucket] += one.count if one.outcome != "ok" else 0
        lanes.append(Lane(model, tuple(attempts), tuple(failed)))
    return tuple(lanes)


def _sentences(history: History, tally: Tally, figures: Sequence[Figures]) -> list[str]:
    blames = attribute(history, tally, BETWEEN)
    ttls = _ttls(history)
    return [sentence(model, blames, ttls) for model in dict.fromkeys(one.model for one in figures)]


def _ttls(history: History) -> dict[str, float]:
    """Of the records in each phase, as far as views showed them; what they began with where none did."""
    began = float(history.header.service.get("TTL", "0").split()[0])
    found = {}
    for phase in history.phases:
        seen = [look.ttl for look in history.looks if look.ttl and phase.begin <= look.begin <= phase.end]
        found[phase.name] = max(seen, default=began)
    return found


def _row(one: Figures) -> ClientRow:
    return ClientRow(
        client=one.model,
        phase=one.phase,
        attempts=one.attempts,
        failed=_percent(one.raw),
        masked=_percent(one.masked),
        p50=round(1_000 * one.p50, 2),
        p99=round(1_000 * one.p99, 2),
        outage=one.outage,
        recovery=round(one.recovery, 1),
    )


def _percent(share: Share) -> tuple[float, float, float]:
    return (round(100 * share.share, 3), round(100 * share.low, 3), round(100 * share.high, 3))
