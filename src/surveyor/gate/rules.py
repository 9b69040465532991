"""Read gate.toml: one threshold per entry, on one figure of one scenario or on the verdict of one claim."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from surveyor.errors import UsageError
from surveyor.messages import either
from surveyor.report.experiments import WHOLE
from surveyor.typed_toml import read_toml

__all__ = ["CLIENT_FIGURES", "SCENARIO_FIGURES", "Rules", "Threshold", "load_rules"]

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

SCENARIO_FIGURES: Mapping[str, str] = {"danger-window": "s", "zero-healthy-gap": "s"}
"""Figures of a whole scenario or experiment, in service seconds; in a scenario each client has a danger window."""

_Figure = Literal[
    "error-rate", "masked-rate", "p50", "p99", "outage", "recovery", "danger-window", "zero-healthy-gap", "checks"
]
_Text = Annotated[str, Meta(min_length=1)]
_CONFIDENCES = (0.95, 0.99, 0.999)
_FIGURES = {**CLIENT_FIGURES, **SCENARIO_FIGURES, "checks": ""}


@dataclass(frozen=True)
class Threshold:
    """A limit: `figure` of `client` ("" for each client) in `phase` of `scenario` must be `at_most`, in `unit`.

    With the figure `checks` all checks of the scenario must pass; with `claim` that claim must pass. `against`: folder
    of an earlier run, which the figure may exceed by `at_most_more` or by the factor `ratio`, instead of `at_most`.
    `decides`: whether the gate closes if the threshold is not met.
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
    at_most_more: float = 0.0
    ratio: float | None = None
    decides: bool = True

    @property
    def limit(self) -> float:
        """Return what the figure, its difference or its ratio may be at most."""
        if not self.against:
            return self.at_most
        return self.at_most_more if self.ratio is None else self.ratio

    @property
    def unit(self) -> str:
        """Return the unit of `at_most`."""
        return _FIGURES.get(self.figure, "")

    def __str__(self) -> str:
        return self._text() + ("" if self.decides else " (only reported)")

    def _text(self) -> str:
        if self.claim:
            return f"claim {self.claim} holds"
        if self.figure == "checks":
            return f"the checks of {self.scenario} hold"
        client = f", {self.client}" if self.client else ""
        if self.figure in CLIENT_FIGURES:
            client = f", {self.client or 'every client'} in phase {self.phase}"
        return f"{self.figure} of {self.scenario}{client} at most {self._limit_text()}"

    def _limit_text(self) -> str:
        if not self.against:
            return f"{self.at_most:g} {self.unit}"
        if self.ratio is not None:
            return f"{self.ratio:g} times that of {self.against}"
        return f"{self.at_most_more:g} {'points' if self.unit == '%' else self.unit} more than in {self.against}"


@dataclass(frozen=True)
class Rules:
    """All thresholds; `inconclusive`: how to treat a threshold that cannot be judged."""

    thresholds: tuple[Threshold, ...]
    inconclusive: Literal["fail", "pass"] = "fail"
    folder: Path = Path()

    @property
    def baselines(self) -> dict[str, Path]:
        """Return the folders of earlier runs by their text in the file, which is relative to the file."""
        return {found.against: self.folder / found.against for found in self.thresholds if found.against}


class _ThresholdTable(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A `[[threshold]]` as written: on a figure of a scenario, or on a claim."""

    scenario: _Text | None = None
    client: _Text | None = None
    phase: _Text | None = None
    figure: _Figure | None = None
    at_most: Annotated[float, Meta(ge=0)] | None = None
    confidence: float = 0.95
    claim: _Text | None = None
    against: _Text | None = None
    at_most_more: Annotated[float, Meta(ge=0)] | None = None
    ratio: Annotated[float, Meta(gt=0)] | None = None
    mode: Literal["decide", "report"] = "decide"


class _GateFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A gate.toml as written."""

    threshold: tuple[_ThresholdTable, ...] = ()
    inconclusive: Literal["fail", "pass"] = "fail"


def load_rules(path: Path) -> Rules:
    """Return the rules in a file. Raises UsageError, in one line with the line number, for an error in the file."""
    file = read_toml(path, _GateFile)
    if not file.value.threshold:
        raise UsageError(
            f"{file.location()}: there is no [[threshold]]: a gate without thresholds would let everything pass"
        )
    thresholds = []
    for number, table in enumerate(file.value.threshold):
        if problem := _problem(table):
            key = "confidence" if problem.startswith("confidence") else ""
            raise UsageError(f"{file.location('threshold', number, key)}: {problem}")
        thresholds.append(_threshold(table, file.location("threshold", number).line))
    if not any(threshold.decides for threshold in thresholds):
        raise UsageError(
            f"{file.location()}: all thresholds have the mode report: a gate that nothing decides would let everything "
            "pass"
        )
    return Rules(tuple(thresholds), file.value.inconclusive, path.parent)


def _problem(table: _ThresholdTable) -> str:
    """Return what is wrong with the keys of a threshold together, "" if nothing."""
    given = {name for name in table.__struct_fields__ if getattr(table, name) is not None} - {"confidence", "mode"}
    figure = table.figure
    if table.claim is not None:
        return "" if given == {"claim"} else "a threshold on a claim has no other key than claim"
    if figure is None:
        return f"a threshold needs a figure: {either(_FIGURES)}"
    if table.scenario is None:
        return "a threshold must name its scenario, or a claim"
    foreign = {"phase"} if figure == "danger-window" else {"client", "phase"}
    if figure not in CLIENT_FIGURES and foreign & given:
        return f"{figure} is a figure of the whole scenario, without {' and '.join(sorted(foreign))}"
    if problem := _limit_problem(table, figure):
        return problem
    if table.confidence not in _CONFIDENCES:
        return f"confidence must be {either(map(str, _CONFIDENCES))}, got {table.confidence!r}"
    return ""


def _limit_problem(table: _ThresholdTable, figure: str) -> str:
    limits = {"at-most": table.at_most, "at-most-more": table.at_most_more, "ratio": table.ratio}
    given = [name for name, limit in limits.items() if limit is not None]
    if figure == "checks":
        extra = [*given, *(["against"] if table.against else [])]
        return f"checks have no {extra[0]}" if extra else ""
    if table.against is None:
        if given != ["at-most"]:
            return f"{given[0]} needs against: the folder of an earlier run" if given else f"{figure} needs at-most"
    elif len(given) != 1 or given == ["at-most"]:
        return "against needs either at-most-more or ratio, and no at-most"
    endless = [name for name in given if not math.isfinite(limits[name] or 0.0)]
    return f"{endless[0]} must be a finite number, got {limits[endless[0]]!r}" if endless else ""


def _threshold(table: _ThresholdTable, line: int) -> Threshold:
    return Threshold(
        scenario=table.scenario or "",
        client=table.client or "",
        phase=table.phase or WHOLE,
        figure=table.figure or "",
        at_most=table.at_most or 0.0,
        confidence=table.confidence,
        claim=table.claim or "",
        line=line,
        against=table.against or "",
        at_most_more=table.at_most_more or 0.0,
        ratio=table.ratio,
        decides=table.mode == "decide",
    )
