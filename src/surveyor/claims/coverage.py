"""Counts which claims are proven by tests, which say why not, and which operations that reaches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveyor.claims.model import Area, Claims, Reason

__all__ = ["AreaCoverage", "Coverage", "OperationCoverage", "cover"]


@dataclass(frozen=True)
class AreaCoverage:
    """How the claims of one area stand; `proven` + the sum of `reasons` + `open` is `claims`."""

    name: str
    title: str
    claims: int
    proven: int
    reasons: Mapping[Reason, int]
    """Claims that no test proves and that say why, by reason."""
    open: int
    """Claims that no test proves and that do not say why."""
    tests: int


@dataclass(frozen=True)
class OperationCoverage:
    """The claims that are about an operation, and the tests that prove any of them."""

    name: str
    claims: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """What `cover` finds; everything in the order of the files."""

    proofs: Mapping[str, tuple[str, ...]]
    """Every claim with the tests that prove it, known claims only."""
    areas: tuple[AreaCoverage, ...]
    operations: tuple[OperationCoverage, ...]
    open: tuple[str, ...]
    """Claims that are neither proven nor say why."""
    torn: tuple[str, ...]
    """Claims that say why no suite proves them while a test does."""
    unknown: Mapping[str, tuple[str, ...]]
    """Ids that are no claim with the tests that name them."""

    @property
    def claims(self) -> int:
        """How many claims there are."""
        return len(self.proofs)

    @property
    def proven(self) -> int:
        """How many of them at least one test proves."""
        return sum(1 for tests in self.proofs.values() if tests)

    @property
    def complete(self) -> bool:
        """Whether every claim is proven or says why not, none both, and no test names an unknown claim."""
        return not (self.open or self.torn or self.unknown)


def cover(claims: Claims, proofs: Mapping[str, tuple[str, ...]], operations: Iterable[str] = ()) -> Coverage:
    """Lays the tests of each claim (`proofs`: claim id to test ids) beside the claims.

    `operations`: the names of the operations of the API, of which each is listed, also one that no claim is about.
    """
    known = {claim: proofs.get(claim, ()) for claim in claims.by_id}
    return Coverage(
        proofs=known,
        areas=tuple(_area(area, known) for area in claims.areas),
        operations=tuple(_operation(name, claims, known) for name in operations),
        open=tuple(claim.id for claim in claims.by_id.values() if not known[claim.id] and claim.unproven is None),
        torn=tuple(claim.id for claim in claims.by_id.values() if known[claim.id] and claim.unproven is not None),
        unknown={claim: tests for claim, tests in proofs.items() if claim not in known},
    )


def _area(area: Area, proofs: Mapping[str, tuple[str, ...]]) -> AreaCoverage:
    silent = [claim for claim in area.claims if not proofs[claim.id]]
    reasons = Counter(claim.unproven.reason for claim in silent if claim.unproven is not None)
    return AreaCoverage(
        name=area.name,
        title=area.title,
        claims=len(area.claims),
        proven=len(area.claims) - len(silent),
        reasons=dict(reasons),
        open=len(silent) - reasons.total(),
        tests=len({test for claim in area.claims for test in proofs[claim.id]}),
    )


def _operation(name: str, claims: Claims, proofs: Mapping[str, tuple[str, ...]]) -> OperationCoverage:
    source = f"servicediscovery/{name}"  # a claim that rests on an operation is about it without saying so
    about = tuple(c.id for c in claims.by_id.values() if name in c.operations or c.source.text == source)
    tests = dict.fromkeys(test for claim in about for test in proofs[claim])
    return OperationCoverage(name, about, tuple(tests))
