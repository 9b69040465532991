"""Build tables of client impact: client models by phase, by scenario, and by architecture.

Pure functions of the rows that a report keeps of each load scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from surveyor.callers import ARCHITECTURES
from surveyor.report.experiments import WHOLE, ClientRow, ExperimentReport

__all__ = [
    "ArchitectureRow",
    "Architectures",
    "ClientTable",
    "architectures_of",
    "client_table_by_phase",
    "client_table_by_scenario",
    "compare_architectures",
]

BEFORE = "before"
"""The phase of a scenario before the first fault."""


@dataclass(frozen=True)
class ClientTable:
    """A table with a row per client model and a cell per column; a cell is None if the client made no call."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ClientRow | None, ...]], ...]


@dataclass(frozen=True)
class ArchitectureRow:
    """One architecture; `p50`, `p99`: wall milliseconds; `impact`: its client impact in each scenario."""

    name: str
    hops: str
    p50: float
    p99: float
    impact: tuple[ClientRow, ...]


@dataclass(frozen=True)
class Architectures:
    """A comparison of architectures.

    Latency is measured in `scenario` before the first fault, over `attempts` attempts each; the client impact is that
    of all `scenarios`.
    """

    scenario: str
    attempts: int
    scenarios: tuple[str, ...]
    rows: tuple[ArchitectureRow, ...]


def client_table_by_phase(scenario: ExperimentReport) -> ClientTable:
    """Return the table of one scenario, with a column per phase."""
    columns = tuple(dict.fromkeys(row.phase for row in scenario.clients))
    return _table(columns, ((row.phase, row) for row in scenario.clients))


def client_table_by_scenario(experiments: Iterable[ExperimentReport]) -> ClientTable:
    """Return the table with a column per scenario, all phases together; experiments without clients are left out."""
    scenarios = [experiment for experiment in experiments if experiment.clients]
    cells = ((scenario.name, row) for scenario in scenarios for row in scenario.clients if row.phase == WHOLE)
    return _table(tuple(scenario.name for scenario in scenarios), cells)


def architectures_of(experiments: Iterable[ExperimentReport]) -> Architectures | None:
    """Return the comparison from the scenarios in which all architectures were called; None if there is none."""
    clients = {architecture.client for architecture in ARCHITECTURES if not architecture.optional}
    scenarios = [experiment for experiment in experiments if clients <= {row.client for row in experiment.clients}]
    calm = next((scenario for scenario in scenarios if any(row.phase == BEFORE for row in scenario.clients)), None)
    if calm is None:
        return None
    before = {row.client: row for row in calm.clients if row.phase == BEFORE}
    everywhere = set.intersection(*({row.client for row in scenario.clients} for scenario in scenarios))
    compared = [architecture for architecture in ARCHITECTURES if architecture.client in everywhere & before.keys()]
    rows = tuple(
        ArchitectureRow(
            architecture.name,
            architecture.hops,
            before[architecture.client].p50,
            before[architecture.client].p99,
            tuple(_whole_row(scenario, architecture.client) for scenario in scenarios),
        )
        for architecture in compared
    )
    attempts = min(before[architecture.client].attempts for architecture in compared)
    return Architectures(calm.name, attempts, tuple(scenario.name for scenario in scenarios), rows)


def compare_architectures(experiments: Iterable[ExperimentReport]) -> list[tuple[str, ...]]:
    """Return a table with a head, from scenarios that only clients of architectures called; otherwise nothing.

    Latency is that of a scenario's first phase, failed calls are those of its second, which begins with the fault.
    """
    names = {architecture.client for architecture in ARCHITECTURES}
    rows: dict[str, tuple[ClientRow, ClientRow]] = {}
    for scenario in experiments:
        phases = list(dict.fromkeys(row.phase for row in scenario.clients))
        found = {(row.client, row.phase): row for row in scenario.clients}
        if len(phases) > 1 and {row.client for row in scenario.clients} <= names:
            rows |= {client: (found[client, phases[0]], found[client, phases[1]]) for client, _ in found}
    if len(rows) < 2:
        return []
    table: list[tuple[str, ...]] = [
        ("architecture", "hops", "median ms", "added ms", "p99 ms", "calls after", "failed %", "until s")
    ]
    for architecture in ARCHITECTURES:
        if architecture.client in rows:
            calm, hit = rows[architecture.client]
            added = f"{calm.p50 - rows['dns'][0].p50:+.2f}" if "dns" in rows else "-"
            failed = f"{hit.failed[0]:.2f} ({hit.failed[1]:.2f} to {hit.failed[2]:.2f})"
            figures = (f"{calm.p50:.2f}", added, f"{calm.p99:.2f}", f"{hit.attempts}", failed, f"{hit.recovery:.1f}")
            table.append((architecture.name, architecture.hops, *figures))
    return table


def _whole_row(scenario: ExperimentReport, client: str) -> ClientRow:
    return next(row for row in scenario.clients if (row.client, row.phase) == (client, WHOLE))


def _table(columns: Sequence[str], cells: Iterable[tuple[str, ClientRow]]) -> ClientTable:
    found: dict[str, dict[str, ClientRow]] = {}
    for column, row in cells:
        found.setdefault(row.client, {})[column] = row
    return ClientTable(tuple(columns), tuple((client, tuple(map(row.get, columns))) for client, row in found.items()))
