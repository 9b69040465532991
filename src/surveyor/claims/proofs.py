"""Find which tests prove which claims by parsing the suites, so that a list needs no import and no target."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from surveyor.claims.model import FileLocation
from surveyor.errors import UsageError
from surveyor.input_files import read_text

__all__ = ["find_proofs", "names_any_claim"]

_QUOTED = re.compile(r"""["']([a-z0-9.-]+)["']""")
_FEW = 10
"""Claims that are quicker searched one by one."""


def names_any_claim(text: str, claims: Collection[str]) -> bool:
    """Return whether a file's text contains the quoted id of one of these claims."""
    if len(claims) <= _FEW:
        return any(f"{quote}{claim}{quote}" in text for claim in claims for quote in "\"'")
    return any(found[1] in claims for found in _QUOTED.finditer(text))


def find_proofs(suites: Path, wanted: Collection[str] | None = None) -> Mapping[str, tuple[str, ...]]:
    """Return claim ids with the tests that name them in `@proves("…")`, as `dns/test_x.py::test_y`, in file order.

    Decorators of functions and classes, `pytestmark`, and marks of `pytest.param` count. The mapping is empty if
    there are no suites. `wanted`: parse only files that name one of these claims; other claims may then be missing.
    Raise UsageError for a file that cannot be parsed and for an id that is not a literal.
    """
    proofs: dict[str, list[str]] = {}
    for path in sorted(suites.glob("**/test_*.py")):
        text = read_text(path)
        if wanted is not None and not names_any_claim(text, wanted):
            continue
        try:
            module = ast.parse(text)
        except (SyntaxError, UnicodeDecodeError) as error:
            line = getattr(error, "lineno", None) or 1
            raise UsageError(f"{FileLocation(path, line)}: cannot be read: {getattr(error, 'msg', error)}") from None
        for test, claims in _tests(path, module.body, path.relative_to(suites).as_posix(), ()):
            for claim in claims:
                tests = proofs.setdefault(claim, [])
                if test not in tests:
                    tests.append(test)
    return {claim: tuple(tests) for claim, tests in proofs.items()}


def _tests(
    path: Path, body: list[ast.stmt], name: str, inherited: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for statement in body:
        if isinstance(statement, ast.Assign) and any(_name(target) == "pytestmark" for target in statement.targets):
            inherited += tuple(_claims(path, statement.value))
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name.startswith("test"):
            own = (claim for decorator in statement.decorator_list for claim in _claims(path, decorator))
            yield f"{name}::{statement.name}", (*inherited, *own)
        elif isinstance(statement, ast.ClassDef) and statement.name.startswith("Test"):
            shared = (claim for decorator in statement.decorator_list for claim in _claims(path, decorator))
            yield from _tests(path, statement.body, f"{name}::{statement.name}", (*inherited, *shared))


def _claims(path: Path, expression: ast.expr) -> Iterator[str]:
    for call in ast.walk(expression):
        if isinstance(call, ast.Call) and _name(call.func) == "proves":
            for argument in call.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    location = FileLocation(path, argument.lineno)
                    raise UsageError(f"{location}: proves() takes claim ids as string literals, not an expression")
                yield argument.value


def _name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
