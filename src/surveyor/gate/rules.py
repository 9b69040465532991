"""The thresholds of a gate: limits of figures, verdicts that claims and checks must have, alarms and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from surveyor.report.experiments import WHOLE

__all__ = [
    "CLIENT_FIGURES",
    "COMPARED_FIGURES",
    "DEPLOYMENT",
    "FIGURES",
    "SCENARIO",
    "SCENARIO_FIGURES",
    "Metric",
    "Rules",
    "Threshold",
]

CLIENT_FIGURES: Mapping[str, str] = {
    "error-rate": "%",
    "masked-rate": "%",
    "p50": "ms",
    "p99": "ms",
    "outage": "s",
    "recovery": "s",
}
"""Figures of one client model in one phase: shares of attempts, wall milliseconds, service seconds.

`masked-rate` is the share of calls that still fail after two immediate retries.
"""

COMPARED_FIGURES = ("error-rate", "p50", "p99")
"""Figures that the attempts at one revision have without those at the other."""

SCENARIO_FIGURES: Mapping[str, str] = {"danger-window": "s", "zero-healthy-gap": "s"}
"""Figures of a whole scenario or experiment, in service seconds; in a scenario each client has a danger window."""

FIGURES = {**CLIENT_FIGURES, **SCENARIO_FIGURES, "checks": ""}

SCENARIO = "watch"
"""The name of a watch in thresholds."""

DEPLOYMENT = "deployment"
"""In place of the name of an alarm: each alarm that the deployment itself has."""


@dataclass(frozen=True)
class Metric:
    """A metric of CloudWatch. `dimensions`: pairs of name and value, in the order of names."""

    namespace: str
    name: str
    statistic: str = "Average"
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        of = ", ".join(f"{name} {value}" for name, value in self.dimensions)
        return f"{self.statistic} of {self.namespace} {self.name}" + (f" ({of})" if of else "")


@dataclass(frozen=True)
class Threshold:
    """A limit: `figure` of `client` ("" for each client) in `phase` of `scenario` must be `at_most`, in `unit`.

    With the figure `checks` all checks of the scenario must pass; with `claim` that claim must pass; `alarm` must not
    be in the state ALARM, and `metric` must be `at_most`. `against`: folder of an earlier run, which the figure may
    exceed by `at_most_more` or by the factor `ratio`, instead of `at_most`. `by_revision`: the figure is that of the
    new revision, and is compared with the old one instead of `against`. `decides`: whether the gate closes if the
    threshold is not met.
    """

    scenario: str = ""
    client: str = ""
    phase: str = WHOLE
    figure: str = ""
    at_most: float = 0.0
    confidence: float = 0.95
    claim: str = ""
    line: int = 0
    against: str = ""
    at_most_more: float | None = None
    ratio: float | None = None
    decides: bool = True
    by_revision: bool = False
    alarm: str = ""
    metric: Metric | None = None

    @property
    def is_compared(self) -> bool:
        """Return whether the figure is compared with an earlier run, or with the old revision."""
        return self.at_most_more is not None or self.ratio is not None

    @property
    def limit(self) -> float:
        """Return what the figure, its difference or its ratio may be at most."""
        if self.ratio is not None:
            return self.ratio
        return self.at_most if self.at_most_more is None else self.at_most_more

    @property
    def unit(self) -> str:
        """Return the unit of `at_most`."""
        return FIGURES.get(self.figure, "")

    def __str__(self) -> str:
        return self._text() + ("" if self.decides else " (only reported)")

    def _text(self) -> str:
        if self.claim:
            return f"claim {self.claim} holds"
        if self.alarm:
            named = "the deployment's own alarms are" if self.alarm == DEPLOYMENT else f"alarm {self.alarm} is"
            return f"{named} not in ALARM"
        if self.metric is not None:
            return f"{self.metric} at most {self.at_most:g}"
        if self.figure == "checks":
            return f"the checks of {self.scenario} hold"
        client = f", {self.client}" if self.client else ""
        if self.figure in CLIENT_FIGURES:
            phase = f" in phase {self.phase}" if self.phase != WHOLE else ""
            client = f", {self.client or 'every client'}{phase}"
        revision = "the new revision in " if self.by_revision else ""
        return f"{self.figure} of {revision}{self.scenario}{client} at most {self._limit_text()}"

    def _limit_text(self) -> str:
        if not self.is_compared:
            return f"{self.limit:g} {self.unit}"
        other = "the old revision" if self.by_revision else self.against
        if self.ratio is not None:
            return f"{self.ratio:g} times that of {other}"
        return f"{self.limit:g} {'points' if self.unit == '%' else self.unit} more than in {other}"


@dataclass(frozen=True)
class Rules:
    """All thresholds; `inconclusive`: how to treat a threshold that cannot be judged.

    `wait_at_hook`: service seconds for which a deployment waits at a PAUSE hook for a threshold that cannot be judged
    yet.
    """

    thresholds: tuple[Threshold, ...]
    inconclusive: Literal["fail", "pass"] = "fail"
    folder: Path = field(default_factory=Path)
    wait_at_hook: float = 600.0

    @property
    def baselines(self) -> dict[str, Path]:
        """Return the folders of earlier runs by their text in the file, which is relative to the file."""
        return {found.against: self.folder / found.against for found in self.thresholds if found.against}
