"""Count verdicts by area, in the same way for every output of a report.

Claims without a suite are counted apart from claims that did not run: the former are a gap of Surveyor, the latter of
this run.
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
    """What is shown for a claim on a target, in display order: its verdict, or that no suite tests it."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not-run"
    NO_SUITE = "no-suite"

    @property
    def label(self) -> str:
        """Return the mark in words."""
        return self.value.replace("-", " ")


@dataclass(frozen=True)
class Score:
    """The number of claims with each mark that occurs, and the number of unexpected outcomes."""

    marks: Mapping[Mark, int]
    unexpected: int

    @property
    def claims(self) -> int:
        """Return the number of all claims."""
        return sum(self.marks.values())

    @property
    def held(self) -> int:
        """Return the number of claims that pass."""
        return self.marks.get(Mark.PASS, 0)


@dataclass(frozen=True)
class AreaScore:
    """The score of one area; `title` is from its file of claims."""

    name: str
    title: str
    score: Score


def mark(claim: ClaimReport) -> Mark:
    """Return the mark of a claim."""
    if claim.verdict is Verdict.NOT_RUN and claim.unproven is not None:
        return Mark.NO_SUITE
    return Mark(claim.verdict.value)


def score(claims: Iterable[ClaimReport]) -> Score:
    """Return the score of these claims."""
    chosen = list(claims)
    counts = Counter(mark(claim) for claim in chosen)
    unexpected = sum(not claim.expected for claim in chosen)
    return Score({shown: counts[shown] for shown in Mark if counts[shown]}, unexpected)


def score_by_area(report: ConformanceReport, claims: Claims) -> list[AreaScore]:
    """Return the areas of the report, each with its score."""
    return [
        AreaScore(name, area_title(name, claims), score(claim for claim in report.claims if claim.area == name))
        for name in areas_of([report], claims)
    ]


def areas_of(reports: Iterable[ConformanceReport], claims: Claims) -> list[str]:
    """Return the areas of the reports: known ones in the order of their files, then the others as they occur."""
    found = dict.fromkeys(claim.area for report in reports for claim in report.claims)
    known = [area.name for area in claims.areas if area.name in found]
    return [*known, *(name for name in found if name not in known)]


def area_title(name: str, claims: Claims) -> str:
    """Return the title of an area; its name if there is no file for it."""
    return next((area.title for area in claims.areas if area.name == name), name)
