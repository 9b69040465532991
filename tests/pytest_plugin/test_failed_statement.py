"""Statements by their source text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surveyor.pytest_plugin.failed_statement import find_statement, statement_at

SOURCE = '''
def test_it(thing):
    """It is so."""
    answer = thing(
        1,
        name="a",
    )
    with raises("InvalidInput"):
        answer.call(
            2)
    if answer: assert answer.one == 1
    for one in answer: use(one)
'''


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (4, 'answer = thing( 1, name="a", )'),
        (6, 'answer = thing( 1, name="a", )'),
        (8, 'with raises("InvalidInput")'),
        (9, "answer.call( 2)"),
        (10, "answer.call( 2)"),
        (11, "if answer: assert answer.one == 1"),
        (99, ""),
    ],
)
def test_statement_is_the_innermost_on_one_line(tmp_path: Path, line: int, text: str) -> None:
    """A statement over several lines is joined; a block is named by its header only."""
    file = tmp_path / "test_it.py"
    file.write_text(SOURCE)
    assert statement_at(file, line) == text


def test_long_statements_are_cut(tmp_path: Path) -> None:
    """A symptom stays readable."""
    file = tmp_path / "test_it.py"
    file.write_text("value = [" + "1, " * 300 + "]\n")
    assert len(statement_at(file, 1)) == 200


def failed_in(path: Path, suites: Path) -> tuple[str, bool]:
    """Run a file and return where it ended."""
    try:
        exec(compile(path.read_text(), str(path), "exec"), {})
    except Exception:  # noqa: BLE001 (whatever it raises is what is looked at)
        found = find_statement(sys.exc_info()[2], suites)
        return found.text, found.in_suite
    raise AssertionError("it did not raise")


def test_place_is_in_the_suite_unless_ours_is_innermost(tmp_path: Path) -> None:
    """What a suite's line raises is its own; what our code raises below that line is ours, at the same statement."""
    own = tmp_path / "test_own.py"
    own.write_text("answer = {}\nanswer['Operation']\n")
    assert failed_in(own, tmp_path) == ("answer['Operation']", True)
    ours = tmp_path / "test_ours.py"
    ours.write_text("from surveyor.targets.model import is_loopback\nis_loopback(1)\n")
    assert failed_in(ours, tmp_path) == ("is_loopback(1)", False)
