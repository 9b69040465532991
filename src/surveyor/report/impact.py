"""Say which service an experiment tested and what share of calls failed, beside its verdict.

A verdict says only whether the checks passed; an experiment whose limits allow it passes while many calls fail.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from surveyor.checkers.figures import UNKNOWN, UNSERVED
from surveyor.report.experiments import WHOLE, ClientRow, ExperimentReport
from surveyor.verdicts import Verdict

__all__ = [
    "FailedCalls",
    "experiments_failed_first",
    "failed_calls",
    "service_under_test",
    "settings_of",
    "worst_failed_calls",
]

SERVICE = "service"
"""The setting of an existing service that names it, as CLUSTER/SERVICE."""


@dataclass(frozen=True)
class FailedCalls:
    """The share of calls that failed, in percent. `detail`: what else is known, "" if nothing is."""

    percent: float
    detail: str = ""

    @property
    def text(self) -> str:
        """Return the share in words."""
        if not self.percent:
            return "no call failed"
        return f"{'under 0.1' if self.percent < 0.1 else f'{self.percent:.1f}'} % of calls failed"


def service_under_test(experiments: Iterable[ExperimentReport]) -> str:
    """Return the existing service that all these experiments tested, as CLUSTER/SERVICE; "" if there is none."""
    names = {experiment.judged.service.get(SERVICE, "") if experiment.judged else "" for experiment in experiments}
    return names.pop() if len(names) == 1 else ""


def settings_of(experiment: ExperimentReport) -> dict[str, str]:
    """Return the settings of the service and of the run, by name, as text."""
    judged = experiment.judged
    if judged is None:
        return {}
    service = {name: value for name, value in judged.service.items() if name != SERVICE}
    named = {SERVICE: judged.service.get(SERVICE, "created for the experiment")}
    run = {"seed": str(judged.seed), "speed": f"{judged.scale:g} service seconds per wall second"}
    return {**named, **service, **run}


def failed_calls(experiment: ExperimentReport) -> FailedCalls | None:
    """Return the share of all calls of an experiment or load scenario that failed; None if no call was made."""
    if experiment.clients:
        return _of_clients([row for row in experiment.clients if row.phase == WHOLE])
    figures = {figure.figure: figure.high for figure in experiment.judged.figures} if experiment.judged else {}
    if UNSERVED not in figures:
        return None
    unknown = figures.get(UNKNOWN, 0.0)
    return FailedCalls(figures[UNSERVED], f"{unknown:.1f} % had no answer in time" if unknown else "")


def worst_failed_calls(experiments: Iterable[ExperimentReport]) -> FailedCalls | None:
    """Return the highest share among experiments; None if none of them made a call."""
    shares = [share for share in map(failed_calls, experiments) if share is not None]
    return max(shares, key=lambda share: share.percent, default=None)


def experiments_failed_first(experiments: Iterable[ExperimentReport]) -> list[ExperimentReport]:
    """Return experiments that failed, then those that could not be judged, then the others, each in their order."""
    ranks = {Verdict.FAIL: 0, Verdict.ERROR: 1, Verdict.INCONCLUSIVE: 2, Verdict.PASS: 3}
    return sorted(experiments, key=lambda experiment: ranks.get(experiment.verdict, 4))


def _of_clients(rows: list[ClientRow]) -> FailedCalls | None:
    attempts = sum(row.attempts for row in rows)
    if not attempts:
        return None
    percent = sum(row.attempts * row.failed[0] for row in rows) / attempts
    highest = max(rows, key=lambda row: row.failed[0])
    detail = f"most with {highest.client}: {highest.failed[0]:.1f} %" if highest.failed[0] else ""
    return FailedCalls(percent, detail)
