"""Print rows: as a table on a terminal, as lines with tabs in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_table"]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print `rows` under `columns`, numbers aligned right. In a pipe there is neither title nor header.

    If no column has a name, there is no header on a terminal either.
    """
    console = Console()
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    rows = list(rows)
    table = Table(
        *columns, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
        show_header=any(columns),
    )  # fmt: skip
    table.columns[0].no_wrap = True  # users copy names from it
    for column, cells in zip(table.columns, zip(*rows, strict=True), strict=False):
        if all(isinstance(cell, int) for cell in cells):
            column.justify = "right"
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)
