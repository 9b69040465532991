"""Report experiments: the judgement and the chart of each history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from surveyor.checkers import Judgement, read_judgement
from surveyor.errors import UsageError
from surveyor.history import load_history
from surveyor.report.chart import Chart, chart_of
from surveyor.report.injections import InjectedFault, injected_faults
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["WHOLE", "ClientRow", "ExperimentReport", "experiments_of"]

MAX_INJECTIONS = 40
"""Injected faults that a report lists; the history has all."""

WHOLE = "whole"
"""The name for all phases of a scenario together."""


class ClientRow(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
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


class ExperimentReport(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One experiment, load scenario or watch (`kind`; "" in older reports).

    `judged` and `chart` are None without a complete history; `detail` then says why. `history`: its file, relative to
    the report's folder. `symptom`: as for a test. `clients` and `sentences`: the client impact of a load scenario
    or a watch, and where failed calls went. `injections`: the first requests that faults changed the answers of, of
    `injected` in all.
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
    kind: str = ""
    injections: tuple[InjectedFault, ...] = ()
    injected: int = 0

    @property
    def title(self) -> str:
        """Return what the experiment does, in one sentence."""
        return self.judged.title if self.judged else self.name


def experiments_of(results: Iterable[TestResult], folder: Path | None) -> tuple[ExperimentReport, ...]:
    """Return the experiments among test results: those that prove no claim. Histories are below `folder`."""
    return tuple(
        _experiment(result, folder) for result in sorted(results, key=lambda result: result.nodeid) if not result.claims
    )


def _experiment(result: TestResult, folder: Path | None) -> ExperimentReport:
    judged, chart = None, None
    injections: tuple[InjectedFault, ...] = ()
    detail = result.detail
    if result.history and folder is not None:
        path = folder / result.history
        try:
            history = load_history(path)
            chart, judged, injections = chart_of(history), read_judgement(path), injected_faults(history)
        except UsageError as error:
            detail = f"{detail}; {error}" if detail else str(error)
    name = judged.experiment if judged else ""
    name = name or Path(result.nodeid.partition("::")[0]).stem.replace("_", "-")
    return ExperimentReport(
        name,
        result.nodeid,
        result.verdict,
        result.symptom,
        detail,
        result.history,
        judged,
        chart,
        injections=injections[:MAX_INJECTIONS],
        injected=len(injections),
    )
