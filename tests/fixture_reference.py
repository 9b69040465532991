"""Write docs/fixtures.md, the reference of Surveyor's pytest fixtures, from their docstrings.

    python -m tests.fixture_reference            # write the file
    python -m tests.fixture_reference --check    # exit code 1 if it is not current

A fixture that returns a function is described by the protocol of that function: its parameters and its docstrings.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fixture", "describe", "find_fixtures", "main"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fixtures", "pytest_plugin", "chaos")
REFERENCE = ROOT / "docs" / "fixtures.md"

HEAD = """\
# Fixtures

Pytest fixtures for suites (`suites/`) and experiments (`chaos/`). A test names a fixture as a parameter; the type of
the parameter is imported from `surveyor.testing`. Durations are service seconds. Everything that a test creates
through these fixtures is in the ledger of the run, so tests do not clean up.

`python -m tests.fixture_reference` writes this page from the docstrings in `src/surveyor/`; change them there.
"""


@dataclass(frozen=True)
class Fixture:
    """One fixture: its name, with parameters if it returns a function, its type, and sentences about it."""

    call: str
    type: str
    sentences: str


def find_fixtures(source: str) -> list[Fixture]:
    """Return the fixtures that a module defines, in the order of the file."""
    module = ast.parse(source)
    protocols = {
        node.name: node
        for node in module.body
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)
    }
    return [
        _fixture(node, protocols)
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in node.decorator_list)
    ]


def describe(title: str, fixtures: Sequence[Fixture]) -> str:
    """Return the section about the fixtures of one module."""
    lines = [f"- `{fixture.call}` ({fixture.type}): {fixture.sentences}" for fixture in fixtures]
    return "\n".join([f"## {title}", "", *lines, ""])


def main(arguments: Sequence[str]) -> int:
    """Write the reference, or with --check compare it; return the exit code."""
    text = "\n".join([HEAD, *_sections()])
    if "--check" not in arguments:
        REFERENCE.write_text(text, encoding="utf-8")
        return 0
    if REFERENCE.is_file() and REFERENCE.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write("docs/fixtures.md is not current: run `python -m tests.fixture_reference`\n")
    return 1


def _sections() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / "src" / "surveyor" / package).glob("*.py")):
            source = path.read_text(encoding="utf-8")
            if fixtures := find_fixtures(source):
                docstring = ast.get_docstring(ast.parse(source)) or path.stem
                yield describe(docstring.partition("\n")[0].removesuffix("."), fixtures)


def _fixture(function: ast.FunctionDef, protocols: dict[str, ast.ClassDef]) -> Fixture:
    annotation = ast.unparse(function.returns) if function.returns else ""
    type_ = annotation.removeprefix("Iterator[").removesuffix("]") if annotation.startswith("Iterator[") else annotation
    sentences = [_text(function)]
    call = function.name
    protocol = protocols.get(type_)
    if protocol is not None:
        method = next(node for node in protocol.body if isinstance(node, ast.FunctionDef) and node.name == "__call__")
        call += f"({_parameters(method)})"
        sentences = [_text(protocol), _text(method)]
    scope = next(
        (
            f"{keyword.value.value!s}, "
            for decorator in function.decorator_list
            if isinstance(decorator, ast.Call)
            for keyword in decorator.keywords
            if keyword.arg == "scope" and isinstance(keyword.value, ast.Constant)
        ),
        "",
    )
    return Fixture(call, f"{scope}`{type_}`", " ".join(filter(None, sentences)))


def _parameters(method: ast.FunctionDef) -> str:
    """Return the parameters of a method without `self` and types."""
    arguments = method.args
    arguments.args = arguments.args[1:]
    for argument in [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = None
    return ast.unparse(arguments)


def _text(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return a docstring in one line, without the call in backticks that some begin with."""
    text = " ".join((ast.get_docstring(node) or "").split())
    if text.startswith("`"):
        call, _, rest = text[1:].partition("`")
        text = rest.removeprefix(".").removeprefix(":").strip() if "(" in call else text
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
