"""Mutants as values, read from mutants/*.toml: one line for each claim that is broken."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.errors import UsageError
from surveyor.messages import either, nearest

__all__ = ["OPERATORS", "Mutant", "load_mutants"]

# Operator -> required details, optional details.
OPERATORS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    # change an API response
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
    # change an API request
    "ask-drop": (frozenset({"operation", "path"}), frozenset()),
    "ask-set": (frozenset({"operation", "path", "value"}), frozenset()),
    "ask-add": (frozenset({"operation", "path", "by"}), frozenset()),
    # change a DNS answer
    "dns-first": (frozenset(), frozenset({"count", "type"})),
    "dns-union": (frozenset(), frozenset({"type"})),
    "dns-ttl": (frozenset({"value"}), frozenset({"type"})),
    "dns-rcode": (frozenset({"from", "to"}), frozenset({"type"})),
    "dns-drop": (frozenset(), frozenset({"type"})),
    "dns-replace": (frozenset({"find", "with"}), frozenset({"type"})),
    "dns-stale": (frozenset(), frozenset({"type"})),
    # change the target itself, where a proxy cannot: a setting, or a mutation of surveyor_emulator.mutations
    "setting": (frozenset({"name", "value"}), frozenset()),
    "mutation": (frozenset({"name"}), frozenset()),
}


@dataclass(frozen=True)
class Mutant:
    """The change that breaks one claim. ``details`` are those that `OPERATORS` lists for the operator."""

    claim: str
    operator: str
    details: Mapping[str, Any]

    def __str__(self) -> str:
        details = ", ".join(f"{name} {value}" for name, value in self.details.items())
        return f"{self.operator} {details}".strip()

    @property
    def settings(self) -> list[str]:
        """The changes of the target's settings (``NAME=VALUE``); empty if a proxy makes the change."""
        if self.operator == "setting":
            return [f"{self.details['name']}={self.details['value']}"]
        return [f"mutation={self.details['name']}"] if self.operator == "mutation" else []


def load_mutants(folder: Path, claims: Mapping[str, object]) -> dict[str, Mutant]:
    """Return claim id -> mutant. Raises UsageError, which names the file, for an invalid entry."""
    mutants: dict[str, Mutant] = {}
    for file in sorted(folder.glob("*.toml")):
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"mutants/{file.name}: {error}") from None
        for claim, details in document.items():
            try:
                mutants[claim] = _mutant(claim, details, claims)
            except ValueError as error:
                raise UsageError(f"mutants/{file.name}: {claim}: {error}") from None
    return mutants


def _mutant(claim: str, details: object, claims: Mapping[str, object]) -> Mutant:
    if claim not in claims:
        raise ValueError(f"there is no such claim{nearest(claim, claims)}")
    if not isinstance(details, dict) or not isinstance(details.get("operator"), str):
        raise ValueError('expected { operator = "…", … }')
    given = dict(details)
    operator = given.pop("operator")
    if operator not in OPERATORS:
        raise ValueError(f"unknown operator {operator!r}; expected {either(OPERATORS)}")
    required, optional = OPERATORS[operator]
    if missing := required - given.keys():
        raise ValueError(f"operator {operator} needs {either(sorted(missing))}")
    if unknown := given.keys() - required - optional:
        raise ValueError(f"operator {operator} takes no {either(sorted(unknown))}")
    return Mutant(claim, operator, given)
