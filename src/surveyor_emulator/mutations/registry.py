"""Apply a mutation by name, and undo it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, TypeVar

__all__ = [
    "EMULATOR",
    "PATCHED",
    "POLICIES",
    "Patches",
    "apply_mutation",
    "check_mutation",
    "mutation",
    "mutation_names",
]

EMULATOR, POLICIES = "surveyor_emulator", "surveyor_policies"
PATCHED = (EMULATOR, POLICIES)
_DECIDING = (POLICIES, f"{EMULATOR}.aws.iam")
"""The packages whose caches hold what a mutation changes: compiled policies, and decisions."""

DEFINED_IN = ("iam", "ecs", "service_connect")
"""The modules that define mutations. Loading them loads the parts of the emulator that they patch."""

Function = TypeVar("Function", bound=Callable[..., Any])


class Patches:
    """What is replaced in this process, and how to undo it."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def replace(self, original: Function, replacement: Function) -> None:
        """Replace a function in every module of the emulator that has bound it, under whatever name.

        Raises LookupError if no module has: the mutation would break nothing.
        """
        if not _rebind(original, replacement):
            raise LookupError(f"no module of the emulator has bound {original!r}")
        self.on_undo(lambda: _rebind(replacement, original))

    def on_undo(self, undo: Callable[[], object]) -> None:
        """Call this function to undo a replacement that was made by other means."""
        self._undo.append(undo)

    def undo(self) -> None:
        """Restore the originals, also in modules that were loaded in the meantime."""
        while self._undo:
            self._undo.pop()()


Mutation = Callable[[Patches], None]
_MUTATIONS: dict[str, Mutation] = {}
_applied = Patches()


def mutation(name: str) -> Callable[[Mutation], Mutation]:
    """Register the decorated function, which makes the patches, as the mutation of that name."""

    def register(patch: Mutation) -> Mutation:
        if name in _MUTATIONS:
            raise ValueError(f"there are two mutations named {name}")
        _MUTATIONS[name] = patch
        return patch

    return register


def mutation_names() -> list[str]:
    """Return the names of all mutations, sorted."""
    return sorted(_load())


def check_mutation(name: str) -> str:
    """Return ``name``. Raises ValueError, which lists the mutations, if there is none of that name."""
    # An edit is known without the modules that define the other mutations.
    if name not in _MUTATIONS and name not in _load():
        raise ValueError(f"expected one of {', '.join(mutation_names())}; got {name!r}")
    return name


def apply_mutation(name: str | None) -> None:
    """Undo the mutation that is applied to this process, and apply this one, if any. Raises ValueError as above."""
    patch = _MUTATIONS[check_mutation(name)] if name is not None else None
    _applied.undo()
    if patch is not None:
        patch(_applied)
    _forget_decisions()


def _load() -> dict[str, Mutation]:
    for module in DEFINED_IN:
        importlib.import_module(f"{__package__}.{module}")
    return _MUTATIONS


def _forget_decisions() -> None:
    """Clear what was compiled and decided by the code as it was before."""
    for name, module in list(sys.modules.items()):
        if name.startswith(_DECIDING):
            for value in vars(module).values():
                if not isinstance(value, type) and callable(clear := getattr(value, "cache_clear", None)):
                    clear()


def _rebind(original: Callable[..., Any], replacement: Callable[..., Any]) -> bool:
    """Bind ``replacement`` wherever ``original`` is bound at module level; return whether it was anywhere."""
    bindings = [
        (module, name)
        for module in _patchable_modules()
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value is original
    ]
    for module, name in bindings:
        setattr(module, name, replacement)
    return bool(bindings)


def _patchable_modules() -> Iterator[ModuleType]:
    """Yield the loaded modules of the emulator, except those that define the mutations."""
    own = str(__package__)
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == EMULATOR and name != own and not name.startswith(f"{own}."):
            yield module
