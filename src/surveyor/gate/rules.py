"""Read gate.toml: one threshold per entry, on one figure of one scenario or on the verdict of one claim."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.report.experiments import WHOLE
from surveyor.toml_lines import TomlEntry, entries

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

_FIGURES = {**CLIENT_FIGURES, **SCENARIO_FIGURES, "checks": ""}
_KEYS = {"scenario", "client", "phase", "figure", "at-most", "confidence", "claim"}


@dataclass(frozen=True)
class Threshold:
    """A limit: `figure` of `client` ("" for each client) in `phase` of `scenario` must be `at_most`, in `unit`.

    With the figure `checks` all checks of the scenario must pass; with `claim` that claim must pass.
    """

    scenario: str = ""
    client: str = ""
    phase: str = WHOLE
    figure: str = ""
    at_most: float = 0.0
    confidence: float = 0.95
    claim: str = ""
    line: int = 0

    @property
    def unit(self) -> str:
        """Return the unit of `at_most`."""
        return _FIGURES.get(self.figure, "")

    def __str__(self) -> str:
        if self.claim:
            return f"claim {self.claim} holds"
        if self.figure == "checks":
            return f"the checks of {self.scenario} hold"
        client = f", {self.client}" if self.client else ""
        if self.figure in CLIENT_FIGURES:
            client = f", {self.client or 'every client'} in phase {self.phase}"
        return f"{self.figure} of {self.scenario}{client} at most {self.at_most:g} {self.unit}"


@dataclass(frozen=True)
class Rules:
    """All thresholds; `inconclusive`: how to treat a threshold that cannot be judged."""

    thresholds: tuple[Threshold, ...]
    inconclusive: Literal["fail", "pass"] = "fail"


def load_rules(path: Path) -> Rules:
    """Return the rules in a file. Raises UsageError, in one line with the line number, for an error in the file."""
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    try:
        return _read_rules(table, [entry for entry in entries(text) if entry.name == "threshold"])
    except _RuleError as error:
        raise UsageError(f"{path}:{error.line}: {error}") from None


class _RuleError(Exception):
    """An error in a gate file, with its line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def _read_rules(table: Mapping[str, Any], lines: list[TomlEntry]) -> Rules:
    for key in table:
        if key not in ("inconclusive", "threshold"):
            raise _RuleError(1, f"unknown key {key!r}{nearest(key, ('inconclusive', 'threshold'))}")
    inconclusive = table.get("inconclusive", "fail")
    if inconclusive not in ("fail", "pass"):
        raise _RuleError(1, f'inconclusive must be "fail" or "pass", got {inconclusive!r}')
    tables = table.get("threshold")
    if not isinstance(tables, list) or not tables:
        raise _RuleError(1, "there is no [[threshold]]: a gate without thresholds would let everything pass")
    thresholds = tuple(_read_threshold(values, entry) for values, entry in zip(tables, lines, strict=True))
    return Rules(thresholds, "pass" if inconclusive == "pass" else "fail")


def _read_threshold(table: Mapping[str, Any], entry: TomlEntry) -> Threshold:
    for key in table:
        if key not in _KEYS:
            raise _RuleError(entry.line_of(key), f"unknown key {key!r}{nearest(key, _KEYS)}")
    for key in ("scenario", "client", "phase", "figure", "claim"):
        if key in table and (not isinstance(table[key], str) or not table[key]):
            raise _RuleError(entry.line_of(key), f"{key} must be text")
    if "claim" in table:
        if set(table) != {"claim"}:
            raise _RuleError(entry.line, "a threshold on a claim has no other key than claim")
        return Threshold(claim=table["claim"], line=entry.line)
    figure = table.get("figure", "")
    if figure not in _FIGURES:
        known = ", ".join(_FIGURES)
        raise _RuleError(
            entry.line_of("figure"), f"figure must be one of {known}, got {figure!r}{nearest(figure, _FIGURES)}"
        )
    if "scenario" not in table:
        raise _RuleError(entry.line, "a threshold must name its scenario, or a claim")
    foreign = {"phase"} if figure == "danger-window" else {"client", "phase"}
    if figure not in CLIENT_FIGURES and foreign & set(table):
        raise _RuleError(
            entry.line, f"{figure} is a figure of the whole scenario, without {' and '.join(sorted(foreign))}"
        )
    if (figure == "checks") == ("at-most" in table):
        raise _RuleError(entry.line, "checks have no at-most" if figure == "checks" else f"{figure} needs at-most")
    confidence = table.get("confidence", 0.95)
    if confidence not in (0.95, 0.99, 0.999):
        raise _RuleError(entry.line_of("confidence"), f"confidence must be 0.95, 0.99 or 0.999, got {confidence!r}")
    return Threshold(
        scenario=table["scenario"],
        client=table.get("client", ""),
        phase=table.get("phase", WHOLE),
        figure=figure,
        at_most=_at_most(table, entry),
        confidence=confidence,
        line=entry.line,
    )


def _at_most(table: Mapping[str, Any], entry: TomlEntry) -> float:
    value = table.get("at-most", 0.0)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise _RuleError(entry.line_of("at-most"), f"at-most must be a number from 0 on, got {value!r}")
    return float(value)
