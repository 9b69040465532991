"""Compare reports: the verdicts of each claim by target, and how faithful each target is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["ComparisonRow", "Faithfulness", "Matrix", "compare_reports"]


@dataclass(frozen=True)
class Faithfulness:
    """The number of proven claims that hold on a target.

    ``proven`` counts the claims that were judged on at least one target of the comparison, so that all targets are
    measured by the same claims.
    """

    target: str
    passed: int
    failed: int
    unsupported: int
    other: int
    proven: int

    @property
    def share(self) -> float:
        """Return the share of all proven claims that pass, 0 to 1: what a user of the target can rely on."""
        return self.passed / self.proven if self.proven else 0.0

    @property
    def share_of_offered(self) -> float:
        """Return the share of passes among claims whose features the target does not declare to lack, 0 to 1."""
        offered = self.proven - self.unsupported
        return self.passed / offered if offered else 0.0


@dataclass(frozen=True)
class ComparisonRow:
    """One claim and its verdict on each target, in the order of the targets; None if a report lacks the claim."""

    claim: str
    area: str
    verdicts: tuple[Verdict | None, ...]

    @property
    def differs(self) -> bool:
        """Return whether the verdicts differ between targets."""
        return len(set(self.verdicts)) > 1


@dataclass(frozen=True)
class Matrix:
    """All claims that were judged on at least one target."""

    targets: tuple[str, ...]
    rows: tuple[ComparisonRow, ...]
    scores: tuple[Faithfulness, ...]


def compare_reports(reports: Sequence[ConformanceReport]) -> Matrix:
    """Return the reports side by side; targets of the same name are distinguished by version."""
    names = [report.target.name for report in reports]
    targets = tuple(
        name if names.count(name) == 1 else f"{name} {report.target.version}"
        for name, report in zip(names, reports, strict=True)
    )
    verdicts_by_report = [{claim.id: claim.verdict for claim in report.claims} for report in reports]
    areas = {claim.id: claim.area for report in reports for claim in report.claims}
    all_rows = (
        ComparisonRow(claim, area, tuple(verdicts.get(claim) for verdicts in verdicts_by_report))
        for claim, area in areas.items()
    )
    rows = tuple(row for row in all_rows if set(row.verdicts) - {None, Verdict.NOT_RUN})
    scores = tuple(_score(target, [row.verdicts[number] for row in rows]) for number, target in enumerate(targets))
    return Matrix(targets, rows, scores)


def _score(target: str, verdicts: Sequence[Verdict | None]) -> Faithfulness:
    passed, failed, unsupported = (
        verdicts.count(verdict) for verdict in (Verdict.PASS, Verdict.FAIL, Verdict.UNSUPPORTED)
    )
    other = len(verdicts) - passed - failed - unsupported
    return Faithfulness(target, passed, failed, unsupported, other, len(verdicts))
