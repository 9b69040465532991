"""Compute what the page shows: columns (one per report), areas with their scores, rows (one per claim) and cells.

The reports may be of different versions: a claim that a report lacks has no cell there, and a claim that is no longer
in the files of claims keeps the text of its report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from surveyor.claims import Article, Claim, Claims
from surveyor.report.model import ClaimReport, ConformanceReport, TestReport
from surveyor.report.score import Mark, Score, area_title, areas_of, mark, score
from surveyor.visible_text import one_line, visible

__all__ = ["MEANINGS", "AreaRows", "ClaimRow", "Column", "PageData", "Segment", "bar", "page_data"]

MEANINGS = {
    Mark.PASS: "every test of the claim found the documented behaviour",
    Mark.FAIL: "the target answered, but not as documented",
    Mark.INCONCLUSIVE: "could not be judged: no traffic, throttled, sampling too coarse",
    Mark.ERROR: "the harness broke, or the target stopped",
    Mark.UNSUPPORTED: "the target declares that it does not support a feature that the claim needs",
    Mark.NOT_RUN: "was not part of this run, or the run ended before it",
    Mark.NO_SUITE: "no suite tests the claim, for the given reason",
}
"""What each mark means, for the legend."""

_READING_ORDER = (Mark.FAIL, Mark.ERROR, Mark.INCONCLUSIVE, Mark.PASS, Mark.UNSUPPORTED, Mark.NOT_RUN, Mark.NO_SUITE)


@dataclass(frozen=True)
class Column:
    """One report. `label`: its target's name, with version or number if several have the same name."""

    label: str
    report: ConformanceReport
    score: Score
    tests: Mapping[str, TestReport]
    """Every test once, by its id; a test may prove several claims."""


@dataclass(frozen=True)
class ClaimRow:
    """One claim with its outcome in each column, None if a report lacks it. `known`: the claim in its file, if any."""

    id: str
    statement: str
    known: Claim | None
    articles: tuple[Article, ...]
    cells: tuple[ClaimReport | None, ...]
    source: str
    address: str

    @property
    def known_by(self) -> ClaimReport:
        """Return the outcome that shows best how the claim is known: reports are of different times."""
        cells = [cell for cell in self.cells if cell is not None]
        return max(cells, key=lambda cell: (len(cell.recordings), cell.confirmed_on_account or ""))

    @property
    def rank(self) -> int:
        """Return the place of the row's worst mark in reading order: 0 if the claim fails in any column."""
        return min(_READING_ORDER.index(mark(cell)) for cell in self.cells if cell is not None)


@dataclass(frozen=True)
class AreaRows:
    """The rows of one area, failed claims first, and its score in each column."""

    name: str
    title: str
    rows: tuple[ClaimRow, ...]
    scores: tuple[Score, ...]

    def split(self) -> tuple[AreaRows, AreaRows]:
        """Return the claims that fail in any column, and the others."""
        failed = tuple(row for row in self.rows if row.rank == 0)
        return replace(self, rows=failed), replace(self, rows=self.rows[len(failed) :])


@dataclass(frozen=True)
class PageData:
    """Everything that the page shows; `marks` are those that occur; `areas` are in the order of their files."""

    columns: tuple[Column, ...]
    areas: tuple[AreaRows, ...]
    marks: tuple[Mark, ...]

    @property
    def matrix(self) -> tuple[AreaRows, ...]:
        """Return the rows in the order of the matrix: the failed claims of all areas, then the others of all areas."""
        failed, others = zip(*(area.split() for area in self.areas), strict=True) if self.areas else ((), ())
        return tuple(area for area in (*failed, *others) if area.rows)


@dataclass(frozen=True)
class Segment:
    """A part of a score bar, whose total width is 100."""

    mark: Mark
    count: int
    x: float
    width: float


def page_data(reports: Sequence[ConformanceReport], claims: Claims) -> PageData:
    """Return the reports side by side, in their order."""
    outcomes = [{claim.id: claim for claim in report.claims} for report in reports]
    columns = tuple(
        Column(label, report, score(report.claims), {test.id: test for claim in report.claims for test in claim.tests})
        for label, report in zip(_labels(reports), reports, strict=True)
    )
    areas = []
    for name in areas_of(reports, claims):
        rows = [_row(claim, outcomes, claims) for claim in _ids(name, outcomes, claims)]
        scores = tuple(score(claim for claim in report.claims if claim.area == name) for report in reports)
        ordered = tuple(sorted(rows, key=lambda row: row.rank))
        areas.append(AreaRows(visible(name), area_title(name, claims), ordered, scores))
    found = {shown for column in columns for shown in column.score.marks}
    return PageData(columns, tuple(areas), tuple(shown for shown in Mark if shown in found))


def bar(area_score: Score) -> list[Segment]:
    """Return the segments of a score from left to right; the width of each is its share."""
    segments, x = [], 0.0
    for shown in Mark:
        count = area_score.marks.get(shown, 0)
        if count:
            width = 100 * count / area_score.claims
            segments.append(Segment(shown, count, round(x, 3), round(width, 3)))
            x += width
    return segments


def _ids(area: str, outcomes: Sequence[Mapping[str, ClaimReport]], claims: Claims) -> list[str]:
    """Return the claims of an area in any report: known ones in the order of their file, then the others."""
    met = dict.fromkeys(claim.id for report in outcomes for claim in report.values() if claim.area == area)
    known = [claim for claim in claims.by_id if claim in met]
    return [*known, *(claim for claim in met if claim not in claims.by_id)]


def _row(claim: str, outcomes: Sequence[Mapping[str, ClaimReport]], claims: Claims) -> ClaimRow:
    from surveyor.report.links import href  # imported late: botocore's models load slowly, and only rows need them

    cells = tuple(report.get(claim) for report in outcomes)
    known = claims.by_id.get(claim)
    reported = next(cell.statement for cell in cells if cell is not None)
    return ClaimRow(
        id=claim,
        statement=known.statement if known else reported,
        known=known,
        articles=claims.articles_on(claim),
        cells=cells,
        source=str(known.source) if known else "",
        address=href(known.source) if known else "",
    )


def _labels(reports: Sequence[ConformanceReport]) -> list[str]:
    """Return the targets' names, with the version if two names are equal, and a number if both are equal."""
    names = Counter(report.target.name for report in reports)
    labels: list[str] = []
    for report in reports:
        label = report.target.name
        if names[label] > 1:
            label = f"{label} {report.target.version}"
        label = one_line(label, 60)  # it is also used in the page's address
        same = sum(other == label or other.startswith(f"{label} #") for other in labels)
        labels.append(f"{label} #{same + 1}" if same else label)
    return labels
