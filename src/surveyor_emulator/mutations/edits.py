"""Mutations that are an edit of the emulator's source: other code for one function, or another value for a constant.

An edit is data, read from a file when the emulator starts; a client can select it by name and not write one. The code
of a function is replaced in place, so that everything that refers to the function has it at once.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import inspect
import json
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .registry import EMULATOR, PATCHED, POLICIES, Patches, mutation

__all__ = ["Edit", "load_edits"]


@dataclass(frozen=True)
class Edit:
    """An edit of what `place` names, as ``module:name`` or ``module:Class.name`` below surveyor_emulator.

    A module of the policy engine is named in full, as ``surveyor_policies.conditions``.

    In a function the text `find`, which occurs once, becomes `replacement`; a constant becomes the expression
    `replacement`, evaluated in its module.
    """

    place: str
    find: str
    replacement: str

    def apply(self, patches: Patches) -> None:
        """Make the edit. Raises ValueError if the place or the text does not exist or cannot be edited."""
        module, owner, name = self._locate()
        value = inspect.getattr_static(owner, name)
        if self.find:
            function = _function_in(value, self.place)
            patches.on_undo(_set_code(function, self._edited_code(function, module)))
            # What the function returned before is no longer true, nor what others in its module built from that.
            for cached in (value, getattr(owner, name), *vars(module).values()):
                if not isinstance(cached, type) and callable(clear := getattr(cached, "cache_clear", None)):
                    clear()
                    patches.on_undo(clear)
        else:
            edited = eval(self.replacement, vars(module))  # noqa: S307  # edits are files of this project
            patches.on_undo(_set_constant(name, value, edited))

    def _locate(self) -> tuple[ModuleType, Any, str]:
        path, _, names = self.place.partition(":")
        try:
            module = importlib.import_module(path if path.startswith(f"{POLICIES}.") else f"{EMULATOR}.{path}")
            owner: Any = module
            *owners, name = names.split(".")
            for part in owners:
                owner = getattr(owner, part)
            inspect.getattr_static(owner, name)
        except (ImportError, AttributeError) as error:
            raise ValueError(f"{self.place}: {error}") from None
        return module, owner, name

    def _edited_code(self, function: FunctionType, module: ModuleType) -> CodeType:
        source = textwrap.dedent(inspect.getsource(function))
        if (count := source.count(self.find)) != 1:
            raise ValueError(f"{self.place}: expected the text {self.find!r} once; found it {count} times")
        tree = ast.parse(source.replace(self.find, self.replacement))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
        definition.decorator_list = []
        scope: dict[str, Any] = {}
        flags = __future__.annotations.compiler_flag
        exec(compile(tree, module.__file__ or "", "exec", flags=flags), vars(module), scope)  # noqa: S102  # as above
        code: CodeType = scope[function.__name__].__code__
        if code.co_freevars != function.__code__.co_freevars:
            raise ValueError(f"{self.place}: a function that uses names of an enclosing function cannot be edited")
        return code


def load_edits(file: Path) -> None:
    """Register the edits of a JSON file as mutations: name -> {"in", "find", "with"}, without "find" for a constant."""
    for name, edit in json.loads(file.read_text("utf-8")).items():
        mutation(name)(Edit(edit["in"], edit.get("find", ""), edit["with"]).apply)


def _function_in(value: Any, place: str) -> FunctionType:
    if isinstance(value, property):
        value = value.fget
    function = inspect.unwrap(getattr(value, "__func__", value))
    if not isinstance(function, FunctionType):
        raise ValueError(f"{place} is no function: leave `find` out to give a constant another value")
    return function


def _set_code(function: FunctionType, code: CodeType) -> Callable[[], None]:
    original, function.__code__ = function.__code__, code

    def undo() -> None:
        function.__code__ = original

    return undo


def _set_constant(name: str, value: object, edited: object) -> Callable[[], None]:
    """Bind the edited value wherever a module of the target has the original under this name.

    A module that is loaded before that is undone imports the edited value: undoing restores the original there, too.
    """
    others = _modules_with(name, edited)
    for module in _modules_with(name, value):
        setattr(module, name, edited)

    def undo() -> None:
        for module in _modules_with(name, edited):
            if module not in others:
                setattr(module, name, value)

    return undo


def _modules_with(name: str, value: object) -> list[ModuleType]:
    return [
        module
        for path, module in list(sys.modules.items())
        if path.partition(".")[0] in PATCHED and vars(module).get(name) is value
    ]
