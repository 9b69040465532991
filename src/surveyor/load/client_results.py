"""Add client results to a finished scenario report: the tally arrives after the conductor has written the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from surveyor.callers import INDIRECT, MODELS
from surveyor.confidence import Share
from surveyor.history import History, load_history
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.load.attribution import attribute_failures, cause_sentence
from surveyor.load.figures import ClientFigures, figures_of
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.chart import Chart, ClientLane
from surveyor.report.experiments import ClientRow, ExperimentReport
from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict, worst

__all__ = ["row_of", "with_client_results"]

MAX_LATE = 0.05
"""Share of arrivals that may start late, or not at all."""


def with_client_results(report: ConformanceReport, folder: Path, note: str = "") -> ConformanceReport:
    """Return the report of a scenario with its client results, and a note about its callers.

    Raises HistoryBroken, OSError or ValueError.
    """
    tally = Tally.loads(read_bytes(folder / TALLY_FILE, REPORT_LIMIT))
    experiments = tuple(_with_results(result, folder, tally, note) for result in report.experiments)
    return structs.replace(report, experiments=experiments)


def _with_results(result: ExperimentReport, folder: Path, tally: Tally, note: str) -> ExperimentReport:
    if not result.history:
        return result
    history = load_history(folder / result.history)
    problems = [*tally.problems, *_overload(history, tally)]
    if problems:
        detail = "; ".join(filter(None, (result.detail, *problems)))
        result = structs.replace(result, verdict=worst((result.verdict, Verdict.INCONCLUSIVE)), detail=detail)
    figures = figures_of(history, tally)
    chart = structs.replace(result.chart, lanes=_lanes(tally, result.chart, figures)) if result.chart else None
    return structs.replace(
        result,
        chart=chart,
        clients=tuple(map(row_of, figures)),
        sentences=(*([note] if note else []), *_sentences(history, tally, figures)),
    )


def _overload(history: History, tally: Tally) -> list[str]:
    """Return a message with the achieved rate if the callers could not keep up."""
    entries = list(tally.entries())
    dropped = sum(entry.count for entry in entries if entry.outcome == "dropped")
    arrivals = sum(entry.count for entry in entries)
    if not history.phases or dropped + tally.late <= MAX_LATE * arrivals:
        return []
    seconds = (history.phases[-1].end - history.phases[0].begin) / history.header.scale
    total_rate = (arrivals - dropped) / seconds
    client_rate = total_rate / sum(MODELS[name].share if name in MODELS else 1.0 for name in tally.models)
    counts = f"of {arrivals:,} arrivals {dropped:,} were dropped, and {tally.late:,} late"
    if tally.late > arrivals:  # a call is counted as late when it starts, and as an arrival when it ends
        counts = (
            f"{tally.late:,} calls started late, of which only some ended before the run did: {arrivals:,} arrivals "
            f"were counted, {dropped:,} of them dropped"
        )
    actual = f"all clients together made {total_rate:,.0f} per second, which is {client_rate:,.0f} each (--rate)"
    return [f"the machine did not keep up: {counts}; {actual}"]


def _lanes(tally: Tally, chart: Chart, figures: Sequence[ClientFigures]) -> tuple[ClientLane, ...]:
    """Return attempts and failures of each model, by the chart's buckets."""
    lanes = []
    for model in dict.fromkeys(row.model for row in figures):
        attempts, failed = ([0] * len(chart.ok) for _ in range(2))
        for entry in tally.entries((model,), 0.0, chart.seconds):
            bucket = min(int(entry.second / chart.bucket), len(attempts) - 1)
            if entry.outcome != "dropped":
                attempts[bucket] += entry.count
                failed[bucket] += entry.count if entry.outcome != "ok" else 0
        lanes.append(ClientLane(model, tuple(attempts), tuple(failed)))
    return tuple(lanes)


def _sentences(history: History, tally: Tally, figures: Sequence[ClientFigures]) -> list[str]:
    causes = attribute_failures(history, tally, INDIRECT)
    ttls = _ttls(history)
    return [cause_sentence(model, causes, ttls) for model in dict.fromkeys(row.model for row in figures)]


def _ttls(history: History) -> dict[str, float]:
    """Return the records' TTL in each phase, as far as views showed it, otherwise the initial one."""
    initial = float(history.header.service.get("TTL", "0").split()[0])
    ttls = {}
    for phase in history.phases:
        observed = [view.ttl for view in history.view_snapshots if view.ttl and phase.begin <= view.begin <= phase.end]
        ttls[phase.name] = max(observed, default=initial)
    return ttls


def row_of(figures: ClientFigures) -> ClientRow:
    """Return the row of a report for these figures."""
    return ClientRow(
        client=figures.model,
        phase=figures.phase,
        attempts=figures.attempts,
        failed=_percent(figures.failed),
        after_retries=_percent(figures.after_retries),
        p50=round(1_000 * figures.latencies.percentile(50), 2),
        p99=round(1_000 * figures.latencies.percentile(99), 2),
        outage=figures.outage,
        recovery=round(figures.recovery, 1),
    )


def _percent(share: Share) -> tuple[float, float, float]:
    return (round(100 * share.share, 3), round(100 * share.low, 3), round(100 * share.high, 3))
