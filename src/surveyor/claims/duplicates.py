"""Find claims that say almost the same: one behaviour is one claim."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

from surveyor.claims.model import Claim, Claims

__all__ = ["ALMOST_EQUAL", "Duplicate", "find_duplicates"]

ALMOST_EQUAL = 0.9
"""Share of equal text from which two statements count as one.

The most similar claims of today that differ have 0.84: `dns.multivalue.returns-all-up-to-eight` and `caps-at-eight`.
"""


@dataclass(frozen=True)
class Duplicate:
    """A claim with the same source and operations as an earlier one, and almost the same statement."""

    claim: Claim
    earlier: Claim
    similarity: float


def find_duplicates(claims: Claims) -> tuple[Duplicate, ...]:
    """Return the pairs of claims that say almost the same, in the order of the files."""
    groups: defaultdict[object, list[Claim]] = defaultdict(list)
    for claim in claims.by_id.values():
        groups[claim.source, frozenset(claim.operations)].append(claim)
    pairs = (pair for group in groups.values() for pair in combinations(group, 2))
    found = (Duplicate(claim, earlier, _similarity(earlier.statement, claim.statement)) for earlier, claim in pairs)
    return tuple(duplicate for duplicate in found if duplicate.similarity >= ALMOST_EQUAL)


def _similarity(first: str, second: str) -> float:
    """Return the share of equal text, 0 to 1, whatever its case and spaces."""
    return SequenceMatcher(None, _normal(first), _normal(second), autojunk=False).ratio()


def _normal(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".")
