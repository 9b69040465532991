"""Claims by targets, and how faithful each target is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["Faithfulness", "Matrix", "Row", "compare_reports"]


@dataclass(frozen=True)
class Faithfulness:
    """How many of the claims that suites prove hold on a target.

    ``proven`` counts the claims that some target of the comparison was judged on, so that all are measured alike.
    """

    target: str
    passed: int
    failed: int
    unsupported: int
    other: int
    proven: int

    @property
    def share(self) -> float:
        """Passed of all, 0 to 1: what a user of the target can count on."""
        return self.passed / self.proven if self.proven else 0.0

    @property
    def share_of_offered(self) -> float:
        """Passed of what the target does not declare to lack, 0 to 1."""
        offered = self.proven - self.unsupported
        return self.passed / offered if offered else 0.0


@dataclass(frozen=True)
class Row:
    """One claim and its verdict on each target, in the order of the targets; None where a report lacks it."""

    claim: str
    area: str
    verdicts: tuple[Verdict | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the targets do not agree."""
        return len(set(self.verdicts)) > 1


@dataclass(frozen=True)
class Matrix:
    """All claims that were judged on at least one target."""

    targets: tuple[str, ...]
    rows: tuple[Row, ...]
    scores: tuple[Faithfulness, ...]


def compare_reports(reports: Sequence[ConformanceReport]) -> Matrix:
    """The reports side by side; a target that occurs twice is told apart by its version."""
    names = [report.target.name for report in reports]
    targets = tuple(
        name if names.count(name) == 1 else f"{name} {report.target.version}"
        for name, report in zip(names, reports, strict=True)
    )
    verdicts = [{claim.id: claim.verdict for claim in report.claims} for report in reports]
    areas = {claim.id: claim.area for report in reports for claim in report.claims}
    every = (Row(claim, area, tuple(one.get(claim) for one in verdicts)) for claim, area in areas.items())
    rows = tuple(row for row in every if set(row.verdicts) - {None, Verdict.NOT_RUN})
    scores = tuple(_score(target, [row.verdicts[number] for row in rows]) for number, target in enumerate(targets))
    return Matrix(targets, rows, scores)


def _score(target: str, verdicts: Sequence[Verdict | None]) -> Faithfulness:
    passed, failed, unsupported = (
        verdicts.count(verdict) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNSUPPORTED)
    )
    other = len(verdicts) - passed - failed - unsupported
    return Faithfulness(target, passed, failed, unsupported, other, len(verdicts))
