"""Gather what a gate judges: the reports, histories and tallies below the folders of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs

from surveyor.callers import INDIRECT
from surveyor.checkers import Judgement
from surveyor.errors import UsageError
from surveyor.gate.estimates import Estimate
from surveyor.gate.provenance import MeasuredRun, run_of_history, run_of_tool
from surveyor.gate.rules import Metric
from surveyor.gate.tool_figures import ToolFigures, find_tool_figures
from surveyor.history import History, HistoryBroken, joined_attempts, load_history
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.load.attempt_figures import AttemptFigures
from surveyor.load.attribution import danger_windows
from surveyor.load.figures import ClientFigures, figures_of
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.observations import Interval
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.verdicts import Verdict, worst
from surveyor.visible_text import one_line

__all__ = ["GateEvidence", "add_attempts", "gather"]

_NO_BASELINES: Mapping[str, Path] = {}


@dataclass
class GateEvidence:
    """The evidence by name: judgements and client figures of scenarios and experiments, and verdicts of claims.

    `sides`: of scenarios whose attempts are recorded one by one, the client figures of the deployment's new and old
    tasks. `dangers`: for each load scenario, how long each client model called a task after its end. `broken`: why a
    run ended with a worse verdict than its history shows; the figures of such a run are not reliable. `tools`: what
    other load generators measured, in `tool_places`. `alarms`: the verdict on each alarm of CloudWatch, with its state
    in words; `metrics`: the worst value of each metric, or why it is not known. `runs`: what was measured, and when.
    `baselines`: the evidence of earlier runs, by the text that names their folder in gate.toml. `is_growing`: the
    evidence is looked at again and again while it grows, so that bounds must hold at all looks, and what is missing may
    still appear.
    """

    judged: dict[str, Judgement] = field(default_factory=dict)
    clients: dict[str, Sequence[ClientFigures]] = field(default_factory=dict)
    claims: dict[str, Verdict] = field(default_factory=dict)
    dangers: dict[str, Mapping[str, Interval]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    tools: list[ToolFigures] = field(default_factory=list)
    tool_places: list[Path] = field(default_factory=list)
    baselines: dict[str, GateEvidence] = field(default_factory=dict)
    sides: dict[str, Mapping[str, Sequence[ClientFigures]]] = field(default_factory=dict)
    alarms: dict[str, tuple[Verdict, str]] = field(default_factory=dict)
    metrics: dict[Metric, Estimate | str] = field(default_factory=dict)
    runs: list[MeasuredRun] = field(default_factory=list)
    is_growing: bool = False


def gather(places: Sequence[Path], baselines: Mapping[str, Path] = _NO_BASELINES) -> GateEvidence:
    """Return all evidence in these files and below these folders, and that of the baselines.

    Raises UsageError for a place without evidence, and for an unreadable file.
    """
    evidence = GateEvidence()
    for place in places:
        reports = sorted(place.rglob(REPORT_FILE)) if place.is_dir() else []
        for path in reports:
            _add_report(path, evidence)
        found = [] if reports else find_tool_figures(place)
        evidence.tools += found
        evidence.tool_places += [place] if found else []
        evidence.runs += [run_of_tool(figures) for figures in found]
        if not reports and not found:
            raise UsageError(
                f"{place} has no {REPORT_FILE}, no *_stats.csv of Locust and no summary of k6: it is not the folder "
                "of a run"
            )
    evidence.baselines = {name: _baseline(name, path) for name, path in baselines.items()}
    return evidence


def _baseline(name: str, path: Path) -> GateEvidence:
    """Return the evidence of an earlier run. Raises UsageError that names the key of the file."""
    try:
        return gather([path])
    except UsageError as error:
        raise UsageError(f"against = {one_line(name)!r}: {error}") from None


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
        _add_attempts(path.parent, experiment, evidence)


def _add_attempts(folder: Path, experiment: ExperimentReport, evidence: GateEvidence) -> None:
    """Add the figures of clients: of a load scenario's tally, or of the attempts in the history."""
    path, name = folder / experiment.history, experiment.name
    tally_path = folder / TALLY_FILE
    try:
        history = load_history(path)
    except HistoryBroken:
        if tally_path.is_file():
            raise
        return  # the judgement is in the report; thresholds on clients say that there is no figure
    evidence.runs.append(run_of_history(path, history))
    if tally_path.is_file():
        tally = _load_tally(tally_path)
        evidence.clients[name] = figures_of(history, tally)
        evidence.dangers[name] = danger_windows(history, tally, INDIRECT)
    elif history.calls:
        add_attempts(name, history, evidence)


def add_attempts(name: str, history: History, evidence: GateEvidence) -> None:
    """Add the figures of the attempts in a history, by client and by revision."""
    figures = AttemptFigures()
    figures.add(joined_attempts(history))
    evidence.clients[name] = figures.rows(fault_times=[fault.begin for fault in history.faults])
    evidence.sides[name] = figures.sides()


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
