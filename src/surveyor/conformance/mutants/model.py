"""Mutants as values, read from targets/mutants/: one line of data for each claim that is broken."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.errors import UsageError
from surveyor.messages import either, nearest

__all__ = ["OPERATORS", "Mutant", "load_mutants"]

# Operator -> what it needs, and what it may have beside.
OPERATORS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # answers of the API
    "accept": (frozenset({"operation", "error"}), frozenset()),
    "refuse": (frozenset({"operation", "error"}), frozenset()),
    "swap": (frozenset({"operation", "error", "to"}), frozenset()),
    "swallow": (frozenset({"operation"}), frozenset()),
    "drop": (frozenset({"operation", "path"}), frozenset()),
    "set": (frozenset({"operation", "path", "value"}), frozenset()),
    "add": (frozenset({"operation", "path", "by"}), frozenset()),
    "keep": (frozenset({"operation", "path"}), frozenset({"key"})),
    "first": (frozenset({"operation", "path"}), frozenset({"count", "key"})),
    "stale": (frozenset({"operation"}), frozenset()),
    "replace": (frozenset({"operation", "find", "with"}), frozenset()),
    # what reaches the target
    "ask-drop": (frozenset({"operation", "path"}), frozenset()),
    "ask-set": (frozenset({"operation", "path", "value"}), frozenset()),
    "ask-add": (frozenset({"operation", "path", "by"}), frozenset()),
    # answers of DNS
    "dns-first": (frozenset(), frozenset({"count", "type"})),
    "dns-union": (frozenset(), frozenset({"type"})),
    "dns-ttl": (frozenset({"value"}), frozenset({"type"})),
    "dns-rcode": (frozenset({"from", "to"}), frozenset({"type"})),
    "dns-drop": (frozenset(), frozenset({"type"})),
    "dns-replace": (frozenset({"find", "with"}), frozenset({"type"})),
    "dns-stale": (frozenset(), frozenset({"type"})),
    # the target's own settings, where the wire cannot express it
    "setting": (frozenset({"name", "value"}), frozenset()),
}


@dataclass(frozen=True)
class Mutant:
    """What breaks one claim. ``details`` are the operator's own, as `OPERATORS` lists them."""

    claim: str
    operator: str
    details: Mapping[str, Any]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.details.items())
        return f"{self.operator} {told}".strip()


def load_mutants(folder: Path, claims: Mapping[str, object]) -> dict[str, Mutant]:
    """Claim id -> mutant. Raises UsageError, naming the file, for what is not as it should be."""
    found: dict[str, Mutant] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as wrong:
            raise UsageError(f"mutants/{file.name}: {wrong}") from None
        for claim, details in document.items():
            try:
                found[claim] = _mutant(claim, details, claims)
            except ValueError as wrong:
                raise UsageError(f"mutants/{file.name}: {claim}: {wrong}") from None
    return found


def _mutant(claim: str, details: object, claims: Mapping[str, object]) -> Mutant:
    if claim not in claims:
        raise ValueError(f"there is no such claim{nearest(claim, claims)}")
    if not isinstance(details, dict) or not isinstance(details.get("operator"), str):
        raise ValueError('expected { operator = "…", … }')
    rest = dict(details)
    operator = rest.pop("operator")
    if operator not in OPERATORS:
        raise ValueError(f"unknown operator {operator!r}; expected {either(OPERATORS)}")
    needed, optional = OPERATORS[operator]
    if missing := needed - rest.keys():
        raise ValueError(f"operator {operator} needs {either(sorted(missing))}")
    if unknown := rest.keys() - needed - optional:
        raise ValueError(f"operator {operator} knows no {either(sorted(unknown))}")
    return Mutant(claim, operator, rest)
