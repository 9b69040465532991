"""Count verdicts, in the same way for every output of a report.

There is one score: of the claims that were judged, how many hold. Everything else is counted apart from it. Claims
without a suite are counted apart from claims that did not run: the former are a gap of Surveyor, the latter of this
run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from surveyor.claims import Claims
from surveyor.recordings.model import Relation
from surveyor.recordings.status import ClaimStatus
from surveyor.report.claim_report import ClaimReport
from surveyor.verdicts import Verdict

__all__ = [
    "SCORE_RULE",
    "AreaScore",
    "Mark",
    "Score",
    "area_title",
    "areas_of",
    "mark",
    "score",
    "score_by_area",
    "status_text",
]

SCORE_RULE = "The score counts claims whose features the target has and that could be judged, as pass or fail."
"""The sentence that explains the denominator, shown wherever the score is."""


class Mark(StrEnum):
    """What is shown for a claim on a target, in display order: its verdict, or that no suite tests it."""

    PASS = "pass"  # noqa: S105  # a verdict
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


_JUDGED = (Mark.PASS, Mark.FAIL)


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

    @property
    def judged(self) -> int:
        """Return the number of claims that pass or fail: the denominator of the score."""
        return sum(self.marks.get(judged, 0) for judged in _JUDGED)

    @property
    def percent(self) -> int | None:
        """Return the share of judged claims that hold, in whole percent rounded down; None if none was judged."""
        return 100 * self.held // self.judged if self.judged else None

    @property
    def not_counted(self) -> Mapping[Mark, int]:
        """Return the number of claims with each mark that the score does not count."""
        return {mark: count for mark, count in self.marks.items() if mark not in _JUDGED}

    @property
    def text(self) -> str:
        """Return the score in words: `15 of 102 judged claims hold (14 %)`."""
        if self.percent is None:
            return "no claim was judged"
        return f"{self.held} of {self.judged} judged claims hold ({self.percent} %)"

    @property
    def not_counted_text(self) -> str:
        """Return the claims that the score does not count, in words: `148 unsupported, 23 not run`; "" if none."""
        return ", ".join(f"{count} {mark.label}" for mark, count in self.not_counted.items())


class ClaimResults(Protocol):
    """A report, or another value that has claims."""

    @property
    def claims(self) -> tuple[ClaimReport, ...]:
        """The results for claims, in the order of their files."""


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


def score_by_area(report: ClaimResults, claims: Claims) -> list[AreaScore]:
    """Return the areas of the report, each with its score."""
    return [
        AreaScore(name, area_title(name, claims), score(claim for claim in report.claims if claim.area == name))
        for name in areas_of([report], claims)
    ]


def areas_of(reports: Iterable[ClaimResults], claims: Claims) -> list[str]:
    """Return the areas of the reports: known ones in the order of their files, then the others as they occur."""
    found = dict.fromkeys(claim.area for report in reports for claim in report.claims)
    known = [area.name for area in claims.areas if area.name in found]
    return [*known, *(name for name in found if name not in known)]


def status_text(claims: Iterable[ClaimReport]) -> str:
    """Return how many claims an answer of AWS confirms or contradicts, in one sentence."""
    chosen = list(claims)
    recorded = sum(
        any(recording.relation is Relation.CONFIRMS for recording in claim.recordings)
        for claim in chosen
        if claim.status is ClaimStatus.CONFIRMED
    )
    on_account = sum(claim.confirmed_on_account is not None for claim in chosen)
    contradicted = sum(claim.status is ClaimStatus.CONTRADICTED for claim in chosen)
    rest = f"; recordings contradict {contradicted}" if contradicted else ""
    counted = f"{recorded} of {len(chosen)} claims"
    return f"Recorded answers of AWS confirm {counted}, runs on a real account {on_account}{rest}."


def area_title(name: str, claims: Claims) -> str:
    """Return the title of an area; its name if there is no file for it."""
    return next((area.title for area in claims.areas if area.name == name), name)
