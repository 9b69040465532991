"""Counts verdicts by area, the same way for every form of a report.

What no suite proves is counted apart from what did not run: the one is a gap of ours, the other of this run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from surveyor.claims import Claims
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["AreaScore", "Mark", "Score", "area_title", "areas_of", "mark", "score", "score_by_area"]


class Mark(StrEnum):
    """What is shown of a claim on a target, in the order of showing: its verdict, or that no suite proves it."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not-run"
    NOT_PROVEN = "not-proven"

    @property
    def label(self) -> str:
        """In words."""
        return self.value.replace("-", " ")


@dataclass(frozen=True)
class Score:
    """How many claims have each mark (those that occur), and how many outcomes were not expected."""

    marks: Mapping[Mark, int]
    unexpected: int

    @property
    def claims(self) -> int:
        """All of them."""
        return sum(self.marks.values())

    @property
    def held(self) -> int:
        """Those that pass."""
        return self.marks.get(Mark.PASS, 0)


@dataclass(frozen=True)
class AreaScore:
    """The score of one area; `title` is how its file of claims calls it."""

    name: str
    title: str
    score: Score


def mark(claim: ClaimReport) -> Mark:
    """What is shown of a claim."""
    if claim.verdict is Verdict.NOT_RUN and claim.unproven is not None:
        return Mark.NOT_PROVEN
    return Mark(claim.verdict.value)


def score(claims: Iterable[ClaimReport]) -> Score:
    """Counts the claims."""
    chosen = list(claims)
    counted = Counter(mark(claim) for claim in chosen)
    return Score({one: counted[one] for one in Mark if counted[one]}, sum(1 for claim in chosen if not claim.expected))


def score_by_area(report: ConformanceReport, claims: Claims) -> list[AreaScore]:
    """The areas that the report has claims of, each with its score."""
    return [
        AreaScore(name, area_title(name, claims), score(one for one in report.claims if one.area == name))
        for name in areas_of([report], claims)
    ]


def areas_of(reports: Iterable[ConformanceReport], claims: Claims) -> list[str]:
    """The areas that any of the reports has claims of: known ones in their order, then the others as they come."""
    met = dict.fromkeys(claim.area for report in reports for claim in report.claims)
    known = [area.name for area in claims.areas if area.name in met]
    return [*known, *(name for name in met if name not in known)]


def area_title(name: str, claims: Claims) -> str:
    """How the file of an area calls it; its name if there is no such file any more."""
    return next((area.title for area in claims.areas if area.name == name), name)
