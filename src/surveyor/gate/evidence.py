"""Gather what a gate judges: the reports, histories and tallies below the folders of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs

from surveyor.checkers import Judgement
from surveyor.errors import UsageError
from surveyor.history import load_history
from surveyor.history.observations import Interval
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.load.attribution import danger_windows
from surveyor.load.client_models import INDIRECT
from surveyor.load.figures import ClientFigures, figures_of
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.verdicts import Verdict, worst

__all__ = ["GateEvidence", "gather"]


@dataclass
class GateEvidence:
    """The evidence by name: judgements and client figures of scenarios and experiments, and verdicts of claims.

    `dangers`: for each scenario, how long each client model called a task after its end. `broken`: why a run ended with
    a worse verdict than its history shows; the figures of such a run are not reliable.
    """

    judged: dict[str, Judgement] = field(default_factory=dict)
    clients: dict[str, Sequence[ClientFigures]] = field(default_factory=dict)
    claims: dict[str, Verdict] = field(default_factory=dict)
    dangers: dict[str, Mapping[str, Interval]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def gather(folders: Sequence[Path]) -> GateEvidence:
    """Return all evidence below these folders. Raises UsageError for a folder without report and an unreadable file."""
    evidence = GateEvidence()
    for folder in folders:
        reports = sorted(folder.rglob(REPORT_FILE))
        if not reports:
            raise UsageError(f"{folder} has no {REPORT_FILE}: it is not the folder of a run")
        for path in reports:
            _add_report(path, evidence)
    return evidence


def _add_report(path: Path, evidence: GateEvidence) -> None:
    report = load_report(path)
    evidence.claims |= {claim.id: claim.verdict for claim in report.claims}
    for experiment in report.experiments:
        if experiment.judged is None:
            continue
        name = experiment.name
        evidence.judged[name] = judgement = _with_run_verdict(experiment, experiment.judged)
        if judgement.verdict is not experiment.judged.verdict:
            evidence.broken[name] = f"its run ended with {experiment.verdict}: {experiment.detail}"
        tally_path = path.with_name(TALLY_FILE)
        if tally_path.is_file():
            history, tally = load_history(path.parent / experiment.history), _load_tally(tally_path)
            evidence.clients[name] = figures_of(history, tally)
            evidence.dangers[name] = danger_windows(history, tally, INDIRECT)


def _with_run_verdict(experiment: ExperimentReport, judged: Judgement) -> Judgement:
    """Return the judgement with the run's verdict if that is worse: a good history does not excuse a broken run."""
    verdict = worst((experiment.verdict, judged.verdict))
    if verdict is judged.verdict:
        return judged
    return structs.replace(judged, verdict=verdict, stopped=judged.stopped or experiment.detail)


def _load_tally(path: Path) -> Tally:
    try:
        return Tally.loads(read_bytes(path, REPORT_LIMIT))
    except ValueError as error:
        raise UsageError(f"{path}: is not a tally: {error}") from None
