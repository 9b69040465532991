"""The report of a watch, as a run of one experiment, from its history and its judgement."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs

from surveyor.checkers import Judgement, judge_file
from surveyor.history import History, JoinedAttempt, joined_attempts, load_history
from surveyor.load.attempt_figures import NEW, OLD, AttemptFigures
from surveyor.load.client_results import row_of
from surveyor.report.chart import chart_of
from surveyor.report.experiments import MAX_INJECTIONS, WHOLE, ClientRow, ExperimentReport
from surveyor.report.file import REPORT_FILE, save_report
from surveyor.report.injections import injected_faults
from surveyor.report.model import ConformanceReport, TargetReport
from surveyor.targets.model import Target
from surveyor.verdicts import Verdict
from surveyor.watch.checks import DEPLOYED
from surveyor.watch.running import HISTORY, RunningWatch
from surveyor.watch.summary import failure_sentences, refused_share

__all__ = ["WatchOutcome", "conclude"]


@dataclass(frozen=True)
class WatchOutcome:
    """The end of a watch: what it recorded, the judgement on it, and the report with the verdict of the run.

    `doubt`: why failed calls say nothing about the service, "" if they do.
    """

    history: History
    judgement: Judgement
    report: ConformanceReport
    doubt: str = ""

    @property
    def verdict(self) -> Verdict:
        """Return the verdict of the run."""
        return self.report.experiments[0].verdict


def _client_rows(history: History, attempts: Sequence[JoinedAttempt]) -> tuple[ClientRow, ...]:
    """Return what each client got in each phase, in the whole watch, and from old and new tasks."""
    figures = AttemptFigures()
    figures.add(attempts)
    phases = [*dict.fromkeys(phase.name for phase in history.phases), WHOLE]
    rows = sorted(map(row_of, figures.rows()), key=lambda row: phases.index(row.phase))
    of_sides = [
        structs.replace(row_of(row), phase=f"{side} tasks")
        for side in (OLD, NEW)
        for row in figures.rows(side)
        if row.phase == WHOLE and row.attempts
    ]
    return (*rows, *of_sides)


def conclude(watch: RunningWatch, target: Target, folder: Path, started: datetime, stopped: str = "") -> WatchOutcome:
    """Stop a watch, judge its history once, and write the report; `stopped`: why it ended early.

    Calls that failed on a machine that did not keep up, or because the service refuses them as too many, say nothing
    about the service; how its deployment ended does.
    """
    lag = watch.lag()
    watch.stop(stopped)
    history = load_history(watch.path)
    judgement = judge_file(watch.path)
    reasons = [reason for reason in (lag, refused_share(history)) if reason]
    failed = [check.check for check in judgement.checks if check.verdict is Verdict.FAIL]
    verdict = Verdict.INCONCLUSIVE if reasons and DEPLOYED not in failed else judgement.verdict
    detail = "; ".join(filter(None, (*reasons, judgement.detail)))
    symptom, attempts = ", ".join(failed), joined_attempts(history)
    # Of each model one client records its questions: the list has what that client got, and when it asked again.
    injections = tuple(injected for injected in injected_faults(history) if injected.answer)
    finished = datetime.now(UTC)
    report = ConformanceReport(
        target=TargetReport(
            target.name,
            target.version(),
            target.kind,
            tuple(sorted(target.features or ())),
            {},
            target.endpoint or "",
            target.region,
            target.credentials.kind,
        ),
        surveyor=importlib.metadata.version("surveyor"),
        seed=history.header.seed,
        areas=(),
        selected=(),
        started=started.isoformat(timespec="seconds"),
        finished=finished.isoformat(timespec="seconds"),
        wall_seconds=round((finished - started).total_seconds(), 3),
        service_seconds=round(history.end, 3),
        claims=(),
        interrupted=stopped == "interrupted",
        experiments=(
            ExperimentReport(
                *("watch", "watch", verdict, symptom, detail, HISTORY, judgement, chart_of(history)),
                clients=_client_rows(history, attempts),
                sentences=failure_sentences(attempts),
                kind="watch",
                injections=injections[:MAX_INJECTIONS],
                injected=len(injections),
            ),
        ),
    )
    save_report(report, folder / REPORT_FILE)
    return WatchOutcome(history, judgement, report, "; ".join(reasons))
