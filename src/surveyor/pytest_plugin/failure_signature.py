"""Where in a suite a test ended, told by its source text, which is the same in every run."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

__all__ = ["Place", "find_place", "statement_at"]

_PACKAGE = Path(__file__).resolve().parent
_LONGEST = 200


@dataclass(frozen=True)
class Place:
    """The statement of a suite that ended the test, or the fixture that did.

    `in_suite`: of the frames that are a suite's or Surveyor's, the innermost is the suite's: nothing of ours was
    being executed, so what went wrong there was the answer's doing. `innermost`: the file of the last frame of all.
    """

    text: str
    in_suite: bool
    innermost: str = ""


def find_place(trace: TracebackType | None, suites: Path) -> Place:
    """The place that a traceback leads to."""
    statement, fixture, in_suite, innermost = "", "", False, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        innermost, file = code.co_filename, Path(code.co_filename)
        if file.is_relative_to(suites):
            statement, in_suite = statement_at(file, trace.tb_lineno), True
        elif file.is_relative_to(_PACKAGE):
            fixture, in_suite = fixture or code.co_name, False
        trace = trace.tb_next
    return Place(statement or fixture, in_suite, innermost)


def statement_at(file: Path, line: int) -> str:
    """The source text of the innermost statement on that line on one line; of a compound one just its header."""
    statement: ast.stmt | None = None
    for node in _statements(file):
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            inner = statement is None or node.lineno >= statement.lineno
            statement = node if inner else statement
    if statement is None:
        return ""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno or statement.lineno
    if last < statement.lineno:  # a compound statement on one line
        last = statement.lineno
    lines = file.read_text(encoding="utf-8").splitlines()[statement.lineno - 1 : last]
    text = " ".join(part.strip() for part in lines).removesuffix(":")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@functools.lru_cache(maxsize=64)
def _statements(file: Path) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.stmt))
