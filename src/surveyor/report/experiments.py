"""Report experiments: the judgement and the chart of each history."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.checkers.judgement import Judgement, judge_history
from surveyor.history import History, HistoryBroken, load_history
from surveyor.report.chart import Chart, chart_of
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["VERDICT_SUFFIX", "WHOLE", "ClientRow", "ExperimentReport", "experiments_of"]

VERDICT_SUFFIX = ".verdict.json"
"""Suffix of the file beside a history that holds its judgement."""

WHOLE = "whole"
"""The name for all phases of a scenario together."""


@dataclass(frozen=True)
class ClientRow:
    """The client impact on one client model in one phase of a load scenario.

    `failed`: percent of attempts that failed; `after_retries`: percent of calls that still fail after two immediate
    retries; each with the ends of its confidence interval. `p50`, `p99`: wall milliseconds. `outage`, `recovery`:
    service seconds.
    """

    client: str
    phase: str
    attempts: int
    failed: tuple[float, float, float]
    after_retries: tuple[float, float, float]
    p50: float
    p99: float
    outage: float
    recovery: float

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "client": self.client,
            "phase": self.phase,
            "attempts": self.attempts,
            "failed": list(self.failed),
            "afterRetries": list(self.after_retries),
            "p50": self.p50,
            "p99": self.p99,
            "outage": self.outage,
            "recovery": self.recovery,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ClientRow:
        """Return the row in a value of to_json."""
        return cls(
            client=value["client"],
            phase=value["phase"],
            attempts=value["attempts"],
            failed=tuple(value["failed"]),
            after_retries=tuple(value["afterRetries"]),
            p50=value["p50"],
            p99=value["p99"],
            outage=value["outage"],
            recovery=value["recovery"],
        )


@dataclass(frozen=True)
class ExperimentReport:
    """One experiment or load scenario.

    `judged` and `chart` are None without a complete history; `detail` then says why. `history`: its file, relative to
    the report's folder. `symptom`: as for a test. `clients` and `sentences`: the client impact of a load scenario and
    where failed calls went.
    """

    name: str
    test: str
    verdict: Verdict
    symptom: str
    detail: str
    history: str
    judged: Judgement | None
    chart: Chart | None
    clients: tuple[ClientRow, ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Return what the experiment does, in one sentence."""
        return self.judged.title if self.judged else self.name

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "name": self.name,
            "test": self.test,
            "verdict": str(self.verdict),
            "symptom": self.symptom,
            "detail": self.detail,
            "history": self.history,
            "judged": self.judged.to_json() if self.judged else None,
            "chart": self.chart.to_json() if self.chart else None,
            **({"clients": [row.to_json() for row in self.clients]} if self.clients else {}),
            **({"sentences": list(self.sentences)} if self.sentences else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ExperimentReport:
        """Return the experiment in a value of to_json."""
        return cls(
            name=value["name"],
            test=value["test"],
            verdict=Verdict(value["verdict"]),
            symptom=value["symptom"],
            detail=value["detail"],
            history=value["history"],
            judged=Judgement.from_json(value["judged"]) if value["judged"] else None,
            chart=Chart.from_json(value["chart"]) if value["chart"] else None,
            clients=tuple(ClientRow.from_json(row) for row in value.get("clients", ())),
            sentences=tuple(value.get("sentences", ())),
        )


def experiments_of(results: Iterable[TestResult], folder: Path | None) -> tuple[ExperimentReport, ...]:
    """Return the experiments among test results: those that prove no claim. Histories are below `folder`."""
    return tuple(
        _experiment(result, folder) for result in sorted(results, key=lambda result: result.nodeid) if not result.claims
    )


def _experiment(result: TestResult, folder: Path | None) -> ExperimentReport:
    judged, chart = None, None
    detail = result.detail
    if result.history and folder is not None:
        path = folder / result.history
        try:
            history = load_history(path)
            judged, chart = _load_judgement(path.with_suffix(VERDICT_SUFFIX), history), chart_of(history)
        except HistoryBroken as error:
            detail = f"{detail}; {error}" if detail else str(error)
    name = judged.experiment if judged else ""
    name = name or Path(result.nodeid.partition("::")[0]).stem.replace("_", "-")
    return ExperimentReport(name, result.nodeid, result.verdict, result.symptom, detail, result.history, judged, chart)


def _load_judgement(path: Path, history: History) -> Judgement:
    """Return the judgement that the experiment wrote; judge the history, and write it, if there is none."""
    try:
        return Judgement.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        judged = judge_history(history)
        path.write_text(judged.dumps(), "utf-8")
        return judged
