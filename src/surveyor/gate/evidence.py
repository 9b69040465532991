"""What a gate judges: the reports, histories and tallies of runs, found below their folders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from surveyor.checkers import Judged
from surveyor.errors import UsageError
from surveyor.history import load_history
from surveyor.history.observations import Interval
from surveyor.load.attribution import dangers
from surveyor.load.client_models import BETWEEN
from surveyor.load.figures import Figures, figures_of
from surveyor.load.tally import TALLY_FILE, Tally
from surveyor.report.experiments import ExperimentReport
from surveyor.report.file import REPORT_FILE, load_report
from surveyor.verdicts import Verdict, worst

__all__ = ["Evidence", "gather"]


@dataclass
class Evidence:
    """By name: what checkers said of scenarios and experiments, what clients got in scenarios, verdicts of claims.

    `dangers`: of scenarios, for how long each client called a task after its end. `broken`: of what ended worse than
    its history shows, why; its figures are not to be relied on.
    """

    judged: dict[str, Judged] = field(default_factory=dict)
    clients: dict[str, Sequence[Figures]] = field(default_factory=dict)
    claims: dict[str, Verdict] = field(default_factory=dict)
    dangers: dict[str, Mapping[str, Interval]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def gather(folders: Sequence[Path]) -> Evidence:
    """All evidence below these folders. Raises UsageError for a folder without any, and for what cannot be read."""
    found = Evidence()
    for folder in folders:
        reports = sorted(folder.rglob(REPORT_FILE))
        if not reports:
            raise UsageError(f"{folder} has no {REPORT_FILE}: it is no folder of a run")
        for path in reports:
            _read(path, found)
    return found


def _read(path: Path, found: Evidence) -> None:
    report = load_report(path)
    found.claims |= {claim.id: claim.verdict for claim in report.claims}
    for one in report.experiments:
        if one.judged is None:
            continue
        found.judged[one.name] = whole = _whole(one, one.judged)
        if whole.verdict is not one.judged.verdict:
            found.broken[one.name] = f"its run ended with {one.verdict}: {one.detail}"
        if path.with_name(TALLY_FILE).is_file():
            history, tally = load_history(path.parent / one.history), _tally(path.with_name(TALLY_FILE))
            found.clients[one.name] = figures_of(history, tally)
            found.dangers[one.name] = dangers(history, tally, BETWEEN)


def _whole(one: ExperimentReport, judged: Judged) -> Judged:
    """What checkers said, unless the run itself ended worse: a history that holds does not excuse a broken run."""
    verdict = worst((one.verdict, judged.verdict))
    if verdict is judged.verdict:
        return judged
    return replace(judged, verdict=verdict, stopped=judged.stopped or one.detail)


def _tally(path: Path) -> Tally:
    try:
        return Tally.from_json(json.loads(path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError) as broken:
        raise UsageError(f"{path}: is no tally: {broken}") from None
