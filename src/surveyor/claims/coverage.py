"""Count the claims that tests prove, the claims that give a reason for having no test, and the operations tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveyor.claims.model import Area, Claims, Reason

__all__ = ["AreaCoverage", "Coverage", "OperationCoverage", "measure_coverage"]


@dataclass(frozen=True)
class AreaCoverage:
    """The coverage of one area; `proven` + the sum of `reasons` + `open` equals `claims`."""

    name: str
    title: str
    claims: int
    proven: int
    reasons: Mapping[Reason, int]
    """The number of claims that no test proves and that give a reason, by reason."""
    open: int
    """The number of claims that no test proves and that give no reason."""
    tests: int


@dataclass(frozen=True)
class OperationCoverage:
    """The claims about one operation, and the tests that prove any of them."""

    name: str
    claims: tuple[str, ...]
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """The result of `measure_coverage`; everything is in the order of the files."""

    proofs: Mapping[str, tuple[str, ...]]
    """Every claim with the tests that prove it; known claims only."""
    areas: tuple[AreaCoverage, ...]
    operations: tuple[OperationCoverage, ...]
    open: tuple[str, ...]
    """Claims that no test proves and that give no reason."""
    contradictory: tuple[str, ...]
    """Claims that give a reason for having no test although a test proves them."""
    unknown: Mapping[str, tuple[str, ...]]
    """Ids that tests name although no claim has them, with those tests."""

    @property
    def claims(self) -> int:
        """Return the number of claims."""
        return len(self.proofs)

    @property
    def proven(self) -> int:
        """Return the number of claims that at least one test proves."""
        return sum(1 for tests in self.proofs.values() if tests)

    @property
    def complete(self) -> bool:
        """Return whether each claim has either a test or a reason, not both, and no test names an unknown claim."""
        return not (self.open or self.contradictory or self.unknown)


def measure_coverage(claims: Claims, proofs: Mapping[str, tuple[str, ...]], operations: Iterable[str] = ()) -> Coverage:
    """Compare the claims with the tests that prove them (`proofs`: claim id to test ids).

    `operations` are the names of the operations of the API. Each is listed, even if no claim is about it.
    """
    known = {claim: proofs.get(claim, ()) for claim in claims.by_id}
    return Coverage(
        proofs=known,
        areas=tuple(_area_coverage(area, known) for area in claims.areas),
        operations=tuple(_operation_coverage(name, claims, known) for name in operations),
        open=tuple(claim.id for claim in claims.by_id.values() if not known[claim.id] and claim.unproven is None),
        contradictory=tuple(
            claim.id for claim in claims.by_id.values() if known[claim.id] and claim.unproven is not None
        ),
        unknown={claim: tests for claim, tests in proofs.items() if claim not in known},
    )


def _area_coverage(area: Area, proofs: Mapping[str, tuple[str, ...]]) -> AreaCoverage:
    untested = [claim for claim in area.claims if not proofs[claim.id]]
    reasons = Counter(claim.unproven.reason for claim in untested if claim.unproven is not None)
    return AreaCoverage(
        name=area.name,
        title=area.title,
        claims=len(area.claims),
        proven=len(area.claims) - len(untested),
        reasons=dict(reasons),
        open=len(untested) - reasons.total(),
        tests=len({test for claim in area.claims for test in proofs[claim.id]}),
    )


def _operation_coverage(name: str, claims: Claims, proofs: Mapping[str, tuple[str, ...]]) -> OperationCoverage:
    source = f"servicediscovery/{name}"  # a claim whose source is an operation is about it even if it does not list it
    about = tuple(
        claim.id for claim in claims.by_id.values() if name in claim.operations or claim.source.text == source
    )
    tests = dict.fromkeys(test for claim in about for test in proofs[claim])
    return OperationCoverage(name, about, tuple(tests))
