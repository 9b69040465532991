"""gate.toml: one threshold an entry, each on one figure of one scenario, or on the verdict of one claim."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.report.experiments import WHOLE
from surveyor.toml_lines import Entry, entries

__all__ = ["CLIENT_FIGURES", "SCENARIO_FIGURES", "Rules", "Threshold", "load_rules"]

CLIENT_FIGURES: Mapping[str, str] = {
    "error-rate": "%",
    "masked-rate": "%",
    "p50": "ms",
    "p99": "ms",
    "outage": "s",
    "recovery": "s",
}
"""Figures of one client model in one phase: shares of attempts, wall milliseconds, service seconds."""

SCENARIO_FIGURES: Mapping[str, str] = {"danger-window": "s", "zero-healthy-gap": "s"}
"""Figures of a whole scenario or experiment, in service seconds; in a scenario each client has a danger window."""

_FIGURES = {**CLIENT_FIGURES, **SCENARIO_FIGURES, "checks": ""}
_KEYS = {"scenario", "client", "phase", "figure", "at-most", "confidence", "claim"}


@dataclass(frozen=True)
class Threshold:
    """`figure` of `client` ("" for each of them) in `phase` of `scenario` is to be `at_most` (in `unit`).

    `checks` as figure: what the scenario's checkers say is to be a pass; `claim`: that claim's verdict is.
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
        """Of `at_most`."""
        return _FIGURES.get(self.figure, "")

    def __str__(self) -> str:
        if self.claim:
            return f"claim {self.claim} holds"
        if self.figure == "checks":
            return f"the checks of {self.scenario} hold"
        who = f", {self.client}" if self.client else ""
        if self.figure in CLIENT_FIGURES:
            who = f", {self.client or 'every client'} in phase {self.phase}"
        return f"{self.figure} of {self.scenario}{who} at most {self.at_most:g} {self.unit}"


@dataclass(frozen=True)
class Rules:
    """All thresholds; `inconclusive`: what one that cannot be judged is taken for."""

    thresholds: tuple[Threshold, ...]
    inconclusive: Literal["fail", "pass"] = "fail"


def load_rules(path: Path) -> Rules:
    """The rules in a file. Raises UsageError, in one line that names the file's, for what is wrong in it."""
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except OSError as missing:
        raise UsageError(f"{path}: cannot be read: {missing.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise UsageError(f"{path}: {broken}") from None
    try:
        return _rules(table, [one for one in entries(text) if one.name == "threshold"])
    except _Wrong as wrong:
        raise UsageError(f"{path}:{wrong.line}: {wrong}") from None


class _Wrong(Exception):
    """What is wrong, and on which line."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def _rules(table: Mapping[str, Any], lines: list[Entry]) -> Rules:
    for key in table:
        if key not in ("inconclusive", "threshold"):
            raise _Wrong(1, f"unknown key {key!r}{nearest(key, ('inconclusive', 'threshold'))}")
    unclear = table.get("inconclusive", "fail")
    if unclear not in ("fail", "pass"):
        raise _Wrong(1, f'inconclusive is to be "fail" or "pass", not {unclear!r}')
    given = table.get("threshold")
    if not isinstance(given, list) or not given:
        raise _Wrong(1, "there is no [[threshold]]: a gate without one would let everything pass")
    made = tuple(_threshold(one, entry) for one, entry in zip(given, lines, strict=True))
    return Rules(made, "pass" if unclear == "pass" else "fail")


def _threshold(table: Mapping[str, Any], entry: Entry) -> Threshold:
    for key in table:
        if key not in _KEYS:
            raise _Wrong(entry.line_of(key), f"unknown key {key!r}{nearest(key, _KEYS)}")
    for key in ("scenario", "client", "phase", "figure", "claim"):
        if key in table and (not isinstance(table[key], str) or not table[key]):
            raise _Wrong(entry.line_of(key), f"{key} is to be text")
    if "claim" in table:
        if set(table) != {"claim"}:
            raise _Wrong(entry.line, "a threshold on a claim has nothing but its claim")
        return Threshold(claim=table["claim"], line=entry.line)
    figure = table.get("figure", "")
    if figure not in _FIGURES:
        known = ", ".join(_FIGURES)
        raise _Wrong(
            entry.line_of("figure"), f"figure is to be one of {known}, not {figure!r}{nearest(figure, _FIGURES)}"
        )
    if "scenario" not in table:
        raise _Wrong(entry.line, "a threshold names its scenario, or a claim")
    foreign = {"phase"} if figure == "danger-window" else {"client", "phase"}
    if figure not in CLIENT_FIGURES and foreign & set(table):
        raise _Wrong(entry.line, f"{figure} is a figure of the whole scenario, without {' and '.join(sorted(foreign))}")
    if (figure == "checks") == ("at-most" in table):
        raise _Wrong(entry.line, "checks have no at-most" if figure == "checks" else f"{figure} needs at-most")
    confidence = table.get("confidence", 0.95)
    if confidence not in (0.95, 0.99, 0.999):
        raise _Wrong(entry.line_of("confidence"), f"confidence is to be 0.95, 0.99 or 0.999, not {confidence!r}")
    return Threshold(
        scenario=table["scenario"],
        client=table.get("client", ""),
        phase=table.get("phase", WHOLE),
        figure=figure,
        at_most=_at_most(table, entry),
        confidence=confidence,
        line=entry.line,
    )


def _at_most(table: Mapping[str, Any], entry: Entry) -> float:
    value = table.get("at-most", 0.0)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise _Wrong(entry.line_of("at-most"), f"at-most is to be a number from 0 on, not {value!r}")
    return float(value)
