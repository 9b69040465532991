"""Check that the place that an edit names exists in the emulator's source, without loading the emulator.

The emulator checks it too, but only where the mutant runs. Here the source is read as text: to parse all of it takes a
second.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

from surveyor.conformance.mutants.model import Mutant
from surveyor.visible_text import one_line

__all__ = ["edit_problem"]

_EMULATOR, _POLICIES = "surveyor_emulator", "surveyor_policies"
_MAX_TEXT = 40
"""Characters of the text of an edit that are shown."""


def edit_problem(mutant: Mutant, *, parse: bool = True) -> str:
    """Return why the edit of the mutant cannot be made; "" if it can, or if the mutant is no edit.

    The text `find` must occur once in the function `in`; without `find`, `in` must be a name that its module binds.
    With `parse`, which takes longer, the result must be Python.
    """
    if mutant.operator != "edit":
        return ""
    find, replacement = str(mutant.details.get("find", "")), str(mutant.details["with"])
    path, _, names = str(mutant.details["in"]).partition(":")
    module = path if path.startswith(f"{_POLICIES}.") else f"{_EMULATOR}.{path}"
    source = _source(module)
    if source is None or not names:
        missing = f"module {module}" if source is None else f"name after {module}"
        return f"there is no {missing}; write `in` as module:function or module:Class.function"
    place = f"{module}:{names}"
    *owners, name = names.split(".")
    for depth, owner in enumerate(owners):
        source = _block(source, "class", owner, depth)
    if not find:
        if not _binds(source, name, len(owners)):
            return f"there is no {place}; only a constant needs no `find`"
        return _no_python(replacement) if parse else ""
    function = dedent(_block(source, "(?:async )?def", name, len(owners)))
    if not function:
        return f"there is no function {place}; name the one that has the text `find`"
    if (count := function.count(find)) == 1:
        return _no_python(function.replace(find, replacement)) if parse else ""
    found = f"{one_line(find, _MAX_TEXT)!r} occurs {count} times in {place}"
    return f"{found}; let `find` be a text that occurs there once"


def _no_python(text: str) -> str:
    try:
        ast.parse(text)
    except SyntaxError as error:
        line = one_line(error.text or "", 80)
        return f"with `with` in place the source is not Python: {error.msg}; see its line {line!r}"
    return ""


@cache
def _source(module: str) -> str | None:
    """Return the source of a module of the emulator or of the policy engine; None if there is no such module."""
    package, *names = module.split(".")
    spec = find_spec(package)  # of a package at the top this imports nothing
    if spec is None or spec.origin is None or not all(name.isidentifier() for name in names):
        return None
    path = Path(spec.origin).parent.joinpath(*names)
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_text("utf-8")
    return None


@cache
def _block(source: str, keyword: str, name: str, depth: int) -> str:
    """Return the source of a class or function that is nested in `depth` classes; "" if there is none."""
    margin = " " * 4 * depth
    found = re.search(rf"^{margin}{keyword} {re.escape(name)}\b", source, re.MULTILINE)
    if found is None:
        return ""
    # It ends before the next line at its margin or left of it, unless that ends a signature of several lines.
    end = re.compile(rf"^ {{0,{len(margin)}}}[^\s)#]", re.MULTILINE).search(source, found.end())
    return source[found.start() : end.start() if end else len(source)]


def _binds(source: str, name: str, depth: int) -> bool:
    """Return whether a module, or a class in `depth` - 1 others, assigns, defines or imports a name."""
    margin, name = " " * 4 * depth, re.escape(name)
    assigns = rf"^{margin}(?:[\w ,(]*[ ,(])?{name}\b(?:[ ,)][\w ,)]*)?(?::[^=\n]*)?="
    defines = rf"^{margin}(?:async def|def|class) {name}\b"
    imports = rf"^(?:from .+ )?import (?:\([^)]*|.*)\b{name}\b"
    return re.search(f"{assigns}|{defines}|{imports}", source, re.MULTILINE) is not None
