"""Experiments in a report: what their histories say, read once, with the chart of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from surveyor.checkers.judgement import Judged, judge_history
from surveyor.history import HistoryBroken, load_history
from surveyor.report.chart import Chart, chart_of
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["VERDICT_SUFFIX", "WHOLE", "ClientRow", "ExperimentReport", "experiments_of"]

VERDICT_SUFFIX = ".verdict.json"
"""Of the file beside a history that holds what `surveyor check --json` says of it."""

WHOLE = "whole"
"""The name under which all phases of a scenario together are told."""


@dataclass(frozen=True)
class ClientRow:
    """What one client model got in one phase of a load scenario.

    `failed`, `masked`: percent of attempts, each with the interval that its count allows; `p50`, `p99` in wall
    milliseconds; `outage`, `recovery` in service seconds.
    """

    client: str
    phase: str
    attempts: int
    failed: tuple[float, float, float]
    masked: tuple[float, float, float]
    p50: float
    p99: float
    outage: float
    recovery: float


@dataclass(frozen=True)
class ExperimentReport:
    """One experiment, or load scenario. Without a whole history `judged` and `chart` are None; `detail` says why.

    `history`: its file, relative to the report's folder. `symptom`: as of a test's. `clients` and `sentences`: what
    clients got, and whom their errors went to, where they were those of a load scenario.
    """

    name: str
    test: str
    verdict: Verdict
    symptom: str
    detail: str
    history: str
    judged: Judged | None
    chart: Chart | None
    clients: tuple[ClientRow, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it does, in one sentence."""
        return self.judged.title if self.judged else self.name

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "name": self.name,
            "test": self.test,
            "verdict": str(self.verdict),
            "symptom": self.symptom,
            "detail": self.detail,
            "history": self.history,
            "judged": self.judged.to_json() if self.judged else None,
            "chart": self.chart.to_json() if self.chart else None,
            **({"clients": [_row(one) for one in self.clients]} if self.clients else {}),
            **({"sentences": list(self.sentences)} if self.sentences else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExperimentReport:
        """The inverse of to_json."""
        return cls(
            name=value["name"],
            test=value["test"],
            verdict=Verdict(value["verdict"]),
            symptom=value["symptom"],
            detail=value["detail"],
            history=value["history"],
            judged=Judged.from_json(value["judged"]) if value["judged"] else None,
            chart=Chart.from_json(value["chart"]) if value["chart"] else None,
            clients=tuple(
                ClientRow(**{**one, "failed": tuple(one["failed"]), "masked": tuple(one["masked"])})
                for one in value.get("clients", ())
            ),
            sentences=tuple(value.get("sentences", ())),
        )


def _row(one: ClientRow) -> dict[str, Any]:
    return {**asdict(one), "failed": list(one.failed), "masked": list(one.masked)}


def experiments_of(results: Iterable[TestResult], folder: Path | None) -> tuple[ExperimentReport, ...]:
    """The experiments among the results of a run, which are those that prove no claim; histories are below `folder`."""
    return tuple(
        _experiment(result, folder) for result in sorted(results, key=lambda one: one.nodeid) if not result.claims
    )


def _experiment(result: TestResult, folder: Path | None) -> ExperimentReport:
    judged, chart = None, None
    detail = result.detail
    if result.history and folder is not None:
        path = folder / result.history
        try:
            history = load_history(path)
            judged, chart = judge_history(history), chart_of(history)
            path.with_suffix(VERDICT_SUFFIX).write_text(judged.dumps(), "utf-8")
        except HistoryBroken as broken:
            detail = f"{detail}; {broken}" if detail else str(broken)
    named = judged.experiment if judged else ""
    name = named or Path(result.nodeid.partition("::")[0]).stem.replace("_", "-")
    return ExperimentReport(name, result.nodeid, result.verdict, result.symptom, detail, result.history, judged, chart)
