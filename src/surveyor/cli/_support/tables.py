"""Prints rows for whoever reads them: a table on a terminal, one line a row with tabs in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["print_table"]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Prints `rows` under `columns`; numbers stand right. In a pipe there is neither title nor header.

    Columns without a name have no header on a terminal either.
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
    table.columns[0].no_wrap = True  # names are copied from here
    for column, cells in zip(table.columns, zip(*rows, strict=True), strict=False):
        if all(isinstance(cell, int) for cell in cells):
            column.justify = "right"
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console.print(table)
