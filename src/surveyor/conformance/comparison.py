"""Compare reports: the verdicts of each claim by target, and the score of each target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.report.model import ConformanceReport
from surveyor.report.score import Score, score
from surveyor.verdicts import Verdict

__all__ = ["ComparisonRow", "Matrix", "TargetScore", "compare_reports"]


@dataclass(frozen=True)
class TargetScore:
    """The score of one target, the same as in its report."""

    target: str
    score: Score


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
    """The claims that have a verdict on at least one target, and the score of each target."""

    targets: tuple[str, ...]
    rows: tuple[ComparisonRow, ...]
    scores: tuple[TargetScore, ...]


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
    scores = (TargetScore(target, score(report.claims)) for target, report in zip(targets, reports, strict=True))
    return Matrix(targets, rows, tuple(scores))
