"""Write docs/fixtures.md, the reference of Surveyor's pytest fixtures, from their docstrings.

    python -m tests.fixture_reference            # write the file
    python -m tests.fixture_reference --check    # exit code 1 if it is not current

A fixture that returns or yields a function is shown as a call: with the parameters and the type of that function, its
inner function or a method of another fixture, whose docstring follows that of the fixture.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fixture", "describe", "find_fixtures", "main"]

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("fixtures", "pytest_plugin", "chaos")
REFERENCE = ROOT / "docs" / "fixtures.md"

UNINFORMATIVE_TYPES = ("Any", "Callable", "None", "T")
"""Types that are left out after a call: the sentences say what it returns."""

HEAD = """\
# Fixtures

Pytest fixtures for suites (`suites/`) and experiments (`chaos/`). A test names a fixture as a parameter, without a type
and without an import. A fixture that is a function is shown as a call, and any other with its type. Durations are
service seconds. Everything that a test creates through these fixtures is in the ledger of the run, so tests do not
clean up.

`python -m tests.fixture_reference` writes this page from the docstrings in `src/surveyor/`; change them there.
"""


@dataclass(frozen=True)
class Fixture:
    """One fixture: how it is used, its scope and its type where they are worth a word, and sentences about it."""

    use: str
    type: str
    sentences: str


def find_fixtures(source: str) -> list[Fixture]:
    """Return the fixtures that a module defines, in the order of the file."""
    module = ast.parse(source)
    return [
        _fixture(node, module)
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and any(ast.unparse(decorator).startswith("pytest.fixture") for decorator in node.decorator_list)
    ]


def describe(title: str, fixtures: Sequence[Fixture]) -> str:
    """Return the section about the fixtures of one module."""
    lines = [
        f"- `{fixture.use}`{f' ({fixture.type})' if fixture.type else ''}: {fixture.sentences}" for fixture in fixtures
    ]
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


def _fixture(fixture: ast.FunctionDef, module: ast.Module) -> Fixture:
    scopes = [
        str(keyword.value.value)
        for decorator in fixture.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "scope" and isinstance(keyword.value, ast.Constant)
    ]
    type_ = ast.unparse(fixture.returns) if fixture.returns else ""
    if type_.startswith("Iterator["):
        type_ = type_.removeprefix("Iterator[").removesuffix("]")
    if not type_.startswith("Callable["):
        return Fixture(fixture.name, ", ".join([*scopes, f"`{type_}`"]), _text(fixture))
    function = _function_of(fixture, module)
    type_ = ast.unparse(function.returns) if function.returns else ""
    arrow = "" if type_.partition("[")[0] in UNINFORMATIVE_TYPES else f" -> {type_}"
    sentences = " ".join(filter(None, [_text(fixture), _text(function)]))
    return Fixture(f"{fixture.name}({_parameters(function)}){arrow}", ", ".join(scopes), sentences)


def _function_of(fixture: ast.FunctionDef, module: ast.Module) -> ast.FunctionDef:
    """Return the function that a fixture returns or yields: its inner one, or a method of one of its parameters."""
    for statement in fixture.body:
        match statement:
            case ast.Return(ast.Name(name)) | ast.Expr(ast.Yield(ast.Name(name))):
                return next(node for node in fixture.body if isinstance(node, ast.FunctionDef) and node.name == name)
            case ast.Return(ast.Attribute(ast.Name(parameter), name)):
                [type_] = [argument.annotation for argument in fixture.args.args if argument.arg == parameter]
                return _method(module, ast.unparse(type_) if type_ else "", name)
    raise ValueError(f"{fixture.name} has no inner function that it returns")


def _method(module: ast.Module, class_: str, name: str) -> ast.FunctionDef:
    """Return a method of a class that the module imports."""
    for node in module.body:
        if isinstance(node, ast.ImportFrom) and class_ in [alias.name for alias in node.names]:
            imported = getattr(importlib.import_module(str(node.module)), class_)
            [function] = ast.parse(textwrap.dedent(inspect.getsource(getattr(imported, name)))).body
            if isinstance(function, ast.FunctionDef):
                return function
    raise ValueError(f"{class_}.{name} is not a method of an imported class")


def _parameters(function: ast.FunctionDef) -> str:
    """Return the parameters of a function without `self` and types."""
    arguments = function.args
    arguments.args = [argument for argument in arguments.args if argument.arg != "self"]
    for argument in [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if argument is not None:
            argument.annotation = None
    return ast.unparse(arguments)


def _text(function: ast.FunctionDef) -> str:
    """Return a docstring in one line."""
    return " ".join((ast.get_docstring(function) or "").split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
