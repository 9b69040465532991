"""Mutants as values, read from mutants/*.toml: a list for each claim, of changes that break it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from surveyor.messages import either, nearest
from surveyor.typed_toml import Text, TypedToml, read_toml

__all__ = ["FORGED", "OPERATORS", "Mutant", "load_mutants", "missing_mutants", "mutants_by_claim"]

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
    # change the target itself, where a proxy cannot: a setting, a mutation of surveyor_emulator.mutations, or an edit
    # of its source: `find`, which occurs once in the function `in`, becomes `with`; without `find` a constant does
    "setting": (frozenset({"name", "value"}), frozenset()),
    "mutation": (frozenset({"name"}), frozenset()),
    "edit": (frozenset({"in", "with"}), frozenset({"find"})),
}


FORGED = "forged"
"""The mutation with which the target accepts requests that the proxy has changed: it verifies no signature."""

MIN_MUTANTS = 2
"""How many mutants a proven claim needs, of different kinds; one of them is fine."""


@dataclass(frozen=True)
class Mutant:
    """A change that breaks one claim. `details` are those that `OPERATORS` lists for the operator.

    `number` counts the mutants of the claim from 1. A `fine` mutant differs from what is documented by one step: off by
    one, the other member, the other order, the neighbouring operation.
    """

    claim: str
    operator: str
    details: Mapping[str, Any]
    number: int = 1
    fine: bool = False

    def __str__(self) -> str:
        details = ", ".join(f"{name} {value}" for name, value in self.details.items())
        return f"{self.operator} {details}".strip()

    @property
    def id(self) -> str:
        """The claim's id and the number."""
        return f"{self.claim}#{self.number}"

    @property
    def kind(self) -> tuple[str, ...]:
        """What distinguishes mutants of different kinds: the operator, and the place that it changes."""
        return (
            self.operator,
            *(str(self.details.get(name, "")) for name in ("operation", "path", "type", "name", "in")),
        )

    @property
    def settings(self) -> list[str]:
        """The changes of the target's settings (``NAME=VALUE``); empty if a proxy makes the change."""
        if self.operator == "setting":
            return [f"{self.details['name']}={self.details['value']}"]
        if self.operator == "edit":
            return [f"mutation={self.id}"]
        if self.operator.startswith("ask-"):
            return [f"mutation={FORGED}"]
        return [f"mutation={self.details['name']}"] if self.operator == "mutation" else []


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant as it is written: `OPERATORS` says which operator has which of these details."""

    operator: Text
    fine: bool = False
    operation: Text | UnsetType = UNSET
    error: Text | UnsetType = UNSET
    to: Text | UnsetType = UNSET
    path: Text | UnsetType = UNSET
    value: Any = UNSET
    by: int | float | UnsetType = UNSET
    key: Text | UnsetType = UNSET
    count: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    find: Text | UnsetType = UNSET
    with_: str | UnsetType = msgspec.field(default=UNSET, name="with")
    type: Text | UnsetType = UNSET
    from_: Text | UnsetType = msgspec.field(default=UNSET, name="from")
    name: Text | UnsetType = UNSET
    in_: Text | UnsetType = msgspec.field(default=UNSET, name="in")


_File = dict[str, Annotated[tuple[_Entry, ...], Meta(min_length=1)]]


def load_mutants(
    folder: Path, claims: Collection[str] | None, areas: Collection[str] | None = None
) -> dict[str, Mutant]:
    """Return mutants by id, of these areas. Raises UsageError, which names file and line, for an invalid entry.

    `claims`: those that exist; None if that is checked elsewhere.
    """
    mutants: dict[str, Mutant] = {}
    for path in sorted(folder.glob("*.toml")):
        if areas is not None and path.stem not in areas:
            continue
        file: TypedToml[_File] = read_toml(path, _File)
        for claim, entries in file.value.items():
            if claims is not None and claim not in claims:
                raise file.error(claim, f"there is no claim {claim!r}{nearest(claim, claims)}")
            if (area := claim.partition(".")[0]) != path.stem:
                raise file.error(claim, f"the mutants of {claim} belong in {area}.toml")
            for number, entry in enumerate(entries, 1):
                try:
                    mutant = _mutant(claim, number, entry)
                except ValueError as error:
                    raise file.error(claim, f"{claim}#{number}: {error}") from None
                mutants[mutant.id] = mutant
    return mutants


def mutants_by_claim(mutants: Mapping[str, Mutant]) -> dict[str, list[Mutant]]:
    """Return the mutants of each claim that has any."""
    found: dict[str, list[Mutant]] = {}
    for mutant in mutants.values():
        found.setdefault(mutant.claim, []).append(mutant)
    return found


def missing_mutants(mutants: Sequence[Mutant]) -> str:
    """Return what a claim with these mutants lacks, "" if nothing."""
    kinds = len({mutant.kind for mutant in mutants})
    lacks = [f"{MIN_MUTANTS - kinds} more of another kind"] if kinds < MIN_MUTANTS else []
    lacks += [] if any(mutant.fine for mutant in mutants) else ["a fine one"]
    return " and ".join(lacks)


def _mutant(claim: str, number: int, entry: _Entry) -> Mutant:
    details = msgspec.to_builtins(entry)
    operator, fine = details.pop("operator"), details.pop("fine", False)
    if operator not in OPERATORS:
        raise ValueError(f"unknown operator {operator!r}; expected {either(OPERATORS)}")
    required, optional = OPERATORS[operator]
    if missing := required - details.keys():
        raise ValueError(f"operator {operator} needs {either(sorted(missing))}")
    if unknown := details.keys() - required - optional:
        raise ValueError(f"operator {operator} takes no {either(sorted(unknown))}")
    if details.get("with") is not None and details.get("with") == details.get("find"):
        raise ValueError(f"operator {operator} changes nothing: `find` and `with` are the same")
    return Mutant(claim, operator, details, number, fine)
