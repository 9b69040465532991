"""Render scenario results for the console."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.report.client_tables import (
    ClientTable,
    client_table_by_phase,
    client_table_by_scenario,
    compare_architectures,
)
from surveyor.report.experiments import ClientRow
from surveyor.report.model import ConformanceReport

__all__ = ["comparison_lines", "report_lines"]

_COMPARED = "latency before the fault, in wall time; added: relative to DNS; until: last failed call, service seconds"
_CELL = "failed % (after retries %), last failure in service seconds"


def report_lines(report: ConformanceReport) -> Iterator[str]:
    """Yield the verdict on each scenario, a table of its client results, and the causes of errors."""
    for result in report.experiments:
        yield f"{result.name}: {result.verdict}: {result.title}"
        if result.detail:
            yield f"  {result.detail}"
        if not result.clients:
            continue
        yield f"  {_CELL}; the page also has outages and latency"
        yield from _table(client_table_by_phase(result))
        for sentence in result.sentences:
            yield f"  {sentence}"
    yield from (f"left behind: {resource}" for resource in report.leaked_resources)


def comparison_lines(report: ConformanceReport) -> Iterator[str]:
    """Yield a table of client models by scenarios, if there are several, and one of architectures, if there are."""
    table = client_table_by_scenario(report.experiments)
    if len(table.columns) > 1:
        yield f"all phases of each scenario: {_CELL}"
        yield from _table(table)
    if compared := compare_architectures(report.experiments):
        yield f"architectures: {_COMPARED}"
        yield from _columns(compared)


def _table(table: ClientTable) -> Iterator[str]:
    yield from _columns([("client", *table.columns), *((client, *map(_cell, cells)) for client, cells in table.rows)])


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _cell(row: ClientRow | None) -> str:
    if row is None:
        return "-"
    return f"{row.failed[0]:.2f} ({row.after_retries[0]:.2f}), {row.recovery:.0f}"
