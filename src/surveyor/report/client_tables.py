"""What clients felt, side by side: client models by phases, by scenarios, and the architectures that some stand for.

Pure functions of the rows that a report keeps of each load scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from surveyor.callers import ARCHITECTURES
from surveyor.report.experiments import WHOLE, ClientRow, ExperimentReport

__all__ = ["ArchitectureRow", "Architectures", "Felt", "architectures_of", "felt_by_phases", "felt_by_scenarios"]

BEFORE = "before"
"""The phase of a scenario in which nothing has been done yet."""


@dataclass(frozen=True)
class Felt:
    """A table: a row for each client model, with what it got in each column, None where it did not call."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ClientRow | None, ...]], ...]


@dataclass(frozen=True)
class ArchitectureRow:
    """One architecture; `p50`, `p99` in wall milliseconds."""

    name: str
    hops: str
    p50: float
    p99: float
    felt: tuple[ClientRow, ...]


@dataclass(frozen=True)
class Architectures:
    """Latency is of `scenario`, so many attempts each before anything was done; what was felt is of all `scenarios`."""

    scenario: str
    attempts: int
    scenarios: tuple[str, ...]
    rows: tuple[ArchitectureRow, ...]


def felt_by_phases(scenario: ExperimentReport) -> Felt:
    """Of one scenario."""
    columns = tuple(dict.fromkeys(row.phase for row in scenario.clients))
    return _table(columns, ((row.phase, row) for row in scenario.clients))


def felt_by_scenarios(experiments: Iterable[ExperimentReport]) -> Felt:
    """Of each scenario as a whole; experiments without client models have no column."""
    scenarios = [one for one in experiments if one.clients]
    whole = ((one.name, row) for one in scenarios for row in one.clients if row.phase == WHOLE)
    return _table(tuple(one.name for one in scenarios), whole)


def architectures_of(experiments: Iterable[ExperimentReport]) -> Architectures | None:
    """From the scenarios in which all of them were called; None if there is none."""
    scenarios = [
        one for one in experiments if {kind.client for kind in ARCHITECTURES} <= {row.client for row in one.clients}
    ]
    calm = next((one for one in scenarios if any(row.phase == BEFORE for row in one.clients)), None)
    if calm is None:
        return None
    before = {row.client: row for row in calm.clients if row.phase == BEFORE}
    rows = tuple(
        ArchitectureRow(
            kind.name,
            kind.hops,
            before[kind.client].p50,
            before[kind.client].p99,
            tuple(_whole(one, kind.client) for one in scenarios),
        )
        for kind in ARCHITECTURES
    )
    attempts = min(before[kind.client].attempts for kind in ARCHITECTURES)
    return Architectures(calm.name, attempts, tuple(one.name for one in scenarios), rows)


def _whole(scenario: ExperimentReport, client: str) -> ClientRow:
    return next(row for row in scenario.clients if (row.client, row.phase) == (client, WHOLE))


def _table(columns: Sequence[str], cells: Iterable[tuple[str, ClientRow]]) -> Felt:
    found: dict[str, dict[str, ClientRow]] = {}
    for column, row in cells:
        found.setdefault(row.client, {})[column] = row
    return Felt(tuple(columns), tuple((client, tuple(map(row.get, columns))) for client, row in found.items()))
