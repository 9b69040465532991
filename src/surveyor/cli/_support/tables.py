"""Print rows: as a table on a terminal, as lines with tabs in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from surveyor.secret_values import blank
from surveyor.visible_text import visible

__all__ = ["print_table"]

_FORMULA = re.compile(r"[=+@-].*[A-Za-z(|]", re.DOTALL)
"""The beginning of a formula; a number with a sign and a sign alone are none."""

_NARROWEST = 24
"""Width down to which a column with longer words may shrink; its words are folded then."""


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    console: Console | None = None,
    header_in_pipe: bool = False,
) -> None:
    """Print `rows` under `columns`, numbers aligned right. In a pipe there is no title, and a header only if asked for.

    If no column has a name, there is no header on a terminal either. On a terminal that is too narrow for the columns
    each row is a paragraph: no cell is cut.
    """
    console = console or Console()
    if not console.is_terminal:
        if header_in_pipe:
            typer.echo("\t".join(columns))
        for row in rows:
            typer.echo("\t".join(_without_formula(_one_cell(cell)) for cell in row))
        return
    rows = list(rows)
    texts = [[_one_cell(cell) for cell in row] for row in rows]
    if _narrowest_width(columns, texts) > console.width:
        _print_paragraphs(columns, texts, title, console)
        return
    table = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(columns)
    )
    for number, column in enumerate(columns):
        is_number = all(isinstance(row[number], int) for row in rows)
        # Users copy names from the first column; a cell of the others is wrapped, and a long word in it is folded.
        table.add_column(
            column, justify="right" if rows and is_number else "left", no_wrap=number == 0, overflow="fold"
        )
    for row in texts:
        table.add_row(*map(Text, row))
    console.print(table)


def _one_cell(cell: object) -> str:
    """Return a cell without secrets, hidden characters, and tabs and line feeds that would make other cells of it."""
    return visible(blank(str(cell))).replace("\t", "\\t").replace("\n", "\\n")


def _without_formula(cell: str) -> str:
    """Return a cell that a spreadsheet does not take for a formula: behind an apostrophe if it begins like one."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _narrowest_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the number of terminal columns below which the table would be hard to read, or cut."""
    widths = []
    for number, column in enumerate(columns):
        cells = [column, *(row[number] for row in rows)]
        if number == 0:
            widths.append(max(map(cell_len, cells)))
        else:
            longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
            widths.append(min(longest, _NARROWEST))
    return sum(widths) + 3 * len(widths)


def _print_paragraphs(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str, console: Console) -> None:
    """Print the first cell of each row on a line, and the others below it with the names of their columns."""
    if title:
        console.print(Text(title, style="italic"))
    for first, *others in rows:
        console.print(Text(first, style="bold"), soft_wrap=True)
        named = [
            f"{column}: {cell}" if column else cell for column, cell in zip(columns[1:], others, strict=True) if cell
        ]
        console.print(Padding(Text("; ".join(named), overflow="fold"), (0, 0, 0, 2)))
