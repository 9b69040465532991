"""What came of a scenario, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor.report.client_tables import Felt, felt_by_phases, felt_by_scenarios
from surveyor.report.experiments import ClientRow
from surveyor.report.model import ConformanceReport

__all__ = ["comparison_lines", "lines_of"]

_CELL = "failed % (masked %), last failure in service seconds"


def lines_of(report: ConformanceReport) -> Iterator[str]:
    """The verdict on each scenario, a table of what its clients got, and whom their errors went to."""
    for one in report.experiments:
        yield f"{one.name}: {one.verdict}: {one.title}"
        if one.detail:
            yield f"  {one.detail}"
        if not one.clients:
            continue
        yield f"  {_CELL}; the page has outages and latency too"
        yield from _table(felt_by_phases(one))
        for sentence in one.sentences:
            yield f"  {sentence}"
    yield from (f"left behind: {line}" for line in report.left_behind)


def comparison_lines(report: ConformanceReport) -> Iterator[str]:
    """A table of client models by scenarios, if there are several."""
    felt = felt_by_scenarios(report.experiments)
    if len(felt.columns) < 2:
        return
    yield f"all scenarios, each as a whole: {_CELL}"
    yield from _table(felt)


def _table(felt: Felt) -> Iterator[str]:
    rows = [("client", *felt.columns), *((client, *map(_cell, cells)) for client, cells in felt.rows)]
    wide = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip()


def _cell(one: ClientRow | None) -> str:
    if one is None:
        return "-"
    return f"{one.failed[0]:.2f} ({one.masked[0]:.2f}), {one.recovery:.0f}"
