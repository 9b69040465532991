"""The result of the scenario of the runtimes: a row for each, what documents say of it, and how near its model is."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from surveyor import __version__
from surveyor.clients.measures import LATE, Measure, is_within
from surveyor.clients.models import MODEL
from surveyor.clients.runtimes import NEVER, RUNTIMES, ClientRuntime, Expected, FoundSoftware, MissingSoftware
from surveyor.clients.scenario import ScenarioResult
from surveyor.clients.scenarios import Behaviour, ClientScenario

__all__ = ["Cell", "ModelCell", "ModelRow", "RuntimeRow", "RuntimesReport", "build_report", "table_lines"]


@dataclass(frozen=True)
class Cell:
    """One behaviour of one client. `seconds`: until it ended, None if it had not `observed` seconds after it began.

    `low`: the last moment at which it had not ended. `earliest` and `latest`: the least and the most seconds until it
    ends; they are those of the two calls between which it ended, or, if the client asks in a rhythm, of all moments of
    that rhythm at which it might have begun. `documented`: the bounds that documents give, in words, "" if none
    does; `holds`: whether the behaviour lies in them. `reached`: how many right tasks answered; `counts`: whether that
    is what is of interest.
    """

    seconds: float | None
    low: float
    observed: float
    errors: int
    calls: int
    since_question: float | None
    earliest: float
    latest: float | None
    documented: str = ""
    holds: bool | None = None
    reached: int = 0
    counts: bool = False

    @property
    def text(self) -> str:
        """Return it in few words."""
        if self.calls == 0:
            return "no call"
        if self.counts:
            return str(self.reached)
        if self.seconds is None or self.latest is None:
            return "never"
        if self.has_range:
            return f"{self.earliest:.1f} to {self.latest:.1f} s"
        return f"{max(self.seconds, 0):.1f} s"

    @property
    def has_range(self) -> bool:
        """Return whether it depends on when in the client's rhythm it begins."""
        return self.latest is not None and (self.earliest < max(0.0, self.low) or self.latest > (self.seconds or 0.0))

    @property
    def failed(self) -> str:
        """Return how many calls failed, "" if none did."""
        return f"{self.errors} failed" if self.errors else ""


@dataclass(frozen=True)
class RuntimeRow:
    """One runtime. `missing`: why it was not measured, "" if it was; `install`: what changes that."""

    name: str
    title: str
    version: str
    missing: str
    install: str
    cells: Mapping[str, Cell]
    questions: int
    mends: str
    settings: tuple[tuple[str, str, str], ...]
    advice: tuple[tuple[str, str, str], ...]

    @property
    def apart(self) -> str:
        """Return how far apart its questions before and after the first change were, "" without one of them."""
        cell = next(iter(self.cells.values()), None)
        return "" if cell is None or cell.since_question is None else f"{cell.since_question:.1f} s"


@dataclass(frozen=True)
class ModelCell:
    """How far a model is from its runtime in one behaviour: `apart` seconds, None if one of them never ended it."""

    model: str
    runtime: str
    apart: float | None
    holds: bool


@dataclass(frozen=True)
class ModelRow:
    """One model beside one runtime that it stands for."""

    model: str
    runtime: str
    cells: Mapping[str, ModelCell]


@dataclass(frozen=True)
class RuntimesReport:
    """All of it. `behaviours`: name, head of the column and meaning; `failures`: one line for each failed check."""

    surveyor: str
    date: str
    system: str
    seed: int
    scenario: str
    description: str
    ttl: int
    negative_ttl: int
    behaviours: tuple[tuple[str, str, str], ...]
    rows: tuple[RuntimeRow, ...]
    models: tuple[ModelRow, ...]
    failures: tuple[str, ...]

    @property
    def measured(self) -> list[RuntimeRow]:
        """Return the rows of runtimes that were measured."""
        return [row for row in self.rows if not row.missing]


def build_report(
    result: ScenarioResult,
    software: Mapping[str, FoundSoftware | MissingSoftware],
    scenario: ClientScenario,
    seed: int,
) -> RuntimesReport:
    """Return the report of a scenario. `software`: by the name of each runtime that was wanted."""
    rows = tuple(_row(RUNTIMES[name], found, result, scenario) for name, found in software.items())
    models = tuple(
        row
        for name in software
        if name in result.measures and (row := _model_row(RUNTIMES[name], result, scenario)) is not None
    )
    failures = [
        f"{row.name}, {behaviour}: {cell.text}, expected {cell.documented}"
        for row in rows
        for behaviour, cell in row.cells.items()
        if cell.holds is False
    ]
    failures += [f"{row.name}: {row.missing}" for row in rows if row.name in result.not_started]
    failures += [
        f"the model {row.model}, {behaviour}: {cell.model}; its runtime {row.runtime}: {cell.runtime}"
        for row in models
        for behaviour, cell in row.cells.items()
        if not cell.holds
    ]
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    system = f"{platform.system()} {platform.machine()}"
    behaviours = tuple((each.name, each.head, each.meaning) for each in scenario.behaviours)
    return RuntimesReport(
        __version__, moment, system, seed, scenario.name, scenario.description, scenario.ttl, scenario.negative_ttl,
        behaviours, rows, models, tuple(failures),
    )  # fmt: skip


def _row(
    runtime: ClientRuntime, found: FoundSoftware | MissingSoftware, result: ScenarioResult, scenario: ClientScenario
) -> RuntimeRow:
    measures = result.measures.get(runtime.name, {})
    missing, install = (found.why, found.install) if isinstance(found, MissingSoftware) else ("", "")
    missing = missing or result.not_started.get(runtime.name, "")
    return RuntimeRow(
        runtime.name,
        runtime.title,
        found.version if isinstance(found, FoundSoftware) else "",
        missing,
        install,
        {each.name: _cell(runtime, measures[each.name], each, scenario) for each in scenario.behaviours if measures},
        result.questions.get(runtime.name, 0),
        runtime.mends,
        tuple((entry.setting, entry.value, entry.source) for entry in runtime.documented),
        tuple((entry.behaviour, entry.text, entry.source) for entry in runtime.advice),
    )


def _cell(runtime: ClientRuntime, measured: Measure, behaviour: Behaviour, scenario: ClientScenario) -> Cell:
    expected = scenario.bounds(behaviour.name, runtime.expected)
    earliest, latest = measured.bounds
    return Cell(
        None if measured.is_never else round(measured.high, 3),
        round(measured.low, 3),
        scenario.observed(behaviour),
        measured.errors,
        measured.calls,
        None if measured.since_question is None else round(measured.since_question, 3),
        round(earliest, 3),
        None if measured.is_never else round(latest, 3),
        describe_expected(expected) if expected else "",
        is_within(measured, expected) if expected and measured.calls else None,
        measured.reached,
        behaviour.counts,
    )


def describe_expected(expected: Expected) -> str:
    """Return documented bounds in words."""
    if expected.low == NEVER:
        return "never"
    return f"{expected.low:g} to {expected.high:g} s"


def _model_row(runtime: ClientRuntime, result: ScenarioResult, scenario: ClientScenario) -> ModelRow | None:
    model = result.measures.get(MODEL + runtime.model) if runtime.model else None
    if model is None:
        return None
    cells = {
        behaviour: _model_cell(model[behaviour], measured, scenario.bounds(behaviour, runtime.expected))
        for behaviour, measured in result.measures[runtime.name].items()
    }
    return ModelRow(runtime.model, runtime.name, cells)


def _model_cell(model: Measure, runtime: Measure, expected: Expected | None) -> ModelCell:
    """Return how far a model is from its runtime.

    It must lie in the interval of the runtime: that of the documents; where they give none, what was measured.
    """
    ended = not model.is_never and not runtime.is_never
    apart = round(abs(model.high - runtime.high), 3) if ended else None
    if expected is not None:
        holds = is_within(model, expected)
    else:
        holds = model.is_never == runtime.is_never and (apart is None or apart <= MAX_APART)
    return ModelCell(_text(model), _text(runtime), apart, holds)


MAX_APART = 5.0 + LATE
"""Seconds by which model and runtime may differ where no document bounds the behaviour: one TTL, and a late call."""


def _text(measured: Measure) -> str:
    return "never" if measured.is_never else f"{max(measured.high, 0):.1f} s"


def table_lines(report: RuntimesReport) -> list[str]:
    """Return the table as lines of text."""
    width = max(len(row.name) for row in report.rows)
    heads = [*(head for _, head, _ in report.behaviours), "questions"]
    lines = [f"  {'client':<{width}}  {'  '.join(f'{head:>{_CELL}}' for head in heads)}  software"]
    for row in report.measured:
        cells = [_marked(row.cells.get(behaviour)) for behaviour, _, _ in report.behaviours]
        shown = "  ".join(f"{text:>{_CELL}}" for text in (*cells, row.apart))
        lines.append(f"  {row.name:<{width}}  {shown}  {row.version}")
    lines += [
        "  from … to: the client asks in a rhythm, and ends it sooner or later after its next question",
        "  questions: the time between the last one before the first change and the first one after it",
    ]
    missing = [row for row in report.rows if row.missing]
    return [*lines, *(f"  {row.name:<{width}}  not measured: {row.missing}{_how(row.install)}" for row in missing)]


_CELL = 24
"""Characters of a column."""


def _marked(cell: Cell | None) -> str:
    if cell is None:
        return ""
    text = cell.text + (" !" if cell.holds is False else "")
    return ", ".join(part for part in (text, cell.failed) if part)


def _how(install: str) -> str:
    return f" ({install})" if install else ""
