"""The place in a suite where a test ended: the source text of the statement, for messages to people."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from surveyor import response

__all__ = ["FailedStatement", "find_statement", "statement_at"]

_PACKAGE = Path(__file__).resolve().parents[1]
_RESPONSE = Path(response.__file__).resolve()  # passes calls on, and names what a response lacks
_MAX_LENGTH = 200


@dataclass(frozen=True)
class FailedStatement:
    """The statement of a suite that ended the test, or the fixture that did.

    ``in_suite``: of the frames that belong to a suite or to Surveyor, the innermost is the suite's. No code of Surveyor
    was running, so the answer of the target caused the exception. ``innermost``: the file of the innermost frame.
    ``node`` and ``names``: the statement of the suite, and the values of the names in it.
    """

    text: str
    in_suite: bool
    innermost: str = ""
    node: ast.stmt | None = None
    names: Mapping[str, object] = field(default_factory=dict)


def find_statement(trace: TracebackType | None, suites: Path) -> FailedStatement:
    """Return the statement that a traceback leads to."""
    statement, fixture, in_suite, innermost = "", "", False, ""
    node: ast.stmt | None = None
    names: Mapping[str, object] = {}
    while trace is not None:
        code = trace.tb_frame.f_code
        innermost, file = code.co_filename, Path(code.co_filename)
        if file.is_relative_to(suites):
            statement, in_suite = statement_at(file, trace.tb_lineno), True
            node = _node_at(file, trace.tb_lineno)
            names = {**trace.tb_frame.f_globals, **trace.tb_frame.f_locals}
        elif file.is_relative_to(_PACKAGE) and file != _RESPONSE:
            fixture, in_suite = fixture or code.co_name, False
        trace = trace.tb_next
    return FailedStatement(statement or fixture, in_suite, innermost, node, names)


def statement_at(file: Path, line: int) -> str:
    """Return the innermost statement on a line as one line of source; of a compound statement only its header."""
    statement = _node_at(file, line)
    if statement is None:
        return ""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno or statement.lineno
    if last < statement.lineno:  # a compound statement on one line
        last = statement.lineno
    lines = file.read_text(encoding="utf-8").splitlines()[statement.lineno - 1 : last]
    text = " ".join(part.strip() for part in lines).removesuffix(":")
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def _node_at(file: Path, line: int) -> ast.stmt | None:
    statement: ast.stmt | None = None
    for node in _statements(file):
        if node.lineno <= line <= (node.end_lineno or node.lineno):
            is_inner = statement is None or node.lineno >= statement.lineno
            statement = node if is_inner else statement
    return statement


@functools.lru_cache(maxsize=64)
def _statements(file: Path) -> tuple[ast.stmt, ...]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.stmt))
