"""Tables on terminals of any width."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from surveyor.cli._support.tables import print_table

CELLS = st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=60) | st.lists(
    st.sampled_from(["instances", "of", "a", "service", "servicediscovery/RegisterInstance.InstanceId", "UP"]),
    max_size=12,
).map(" ".join)


def shown(columns: tuple[str, ...], rows: list[tuple[object, ...]], width: int, title: str = "") -> str:
    """Return what a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    print_table(columns, rows, title=title, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def letters(text: str) -> Counter[str]:
    """Return how often each character occurs, without spaces and what a table draws."""
    return Counter(letter for letter in text if not letter.isspace() and letter not in "─…")


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS, st.integers(0, 10**9)), min_size=1, max_size=5),
    width=st.integers(20, 160),
)
def test_no_cell_is_cut_at_any_width(rows: list[tuple[object, ...]], width: int) -> None:
    """All letters of all cells are shown, and no mark of a cut."""
    text = shown(("claim", "level", "statement", "count"), rows, width)
    cells = letters("".join(str(cell) for row in rows for cell in row))
    assert cells <= letters(text)
    assert "…" not in text


def test_a_wide_terminal_shows_a_table() -> None:
    """Rows are aligned under their headers, numbers to the right."""
    text = shown(("claim", "tests"), [("dns.srv.value", 2), ("dns.srv.later", 12)], 80, title="2 claims")
    assert [line.strip() for line in text.splitlines() if line.strip()] == [
        "2 claims",
        "claim           tests",
        "─" * 21,
        "dns.srv.value       2",
        "dns.srv.later      12",
    ]


@pytest.mark.parametrize("width", [20, 40])
def test_a_narrow_terminal_shows_paragraphs(width: int) -> None:
    """The first cell stays whole, to be copied; the others follow with the names of their columns."""
    claim = "dns.private.most-specific-zone-wins-in-a-vpc"
    lines = shown(
        ("claim", "level", "statement"), [(claim, "must", "The most specific zone wins.")], width
    ).splitlines()
    assert lines[0] == claim
    assert " ".join(line.strip() for line in lines[1:]) == "level: must; statement: The most specific zone wins."
    assert all(len(line) <= width for line in lines[1:])


def test_no_rows_are_no_error() -> None:
    """A table without rows has its header only."""
    assert "claim" in shown(("claim", "level"), [], 40)
