"""What the page shows, as values: columns (one a report), areas with their scores, rows (one a claim) and their cells.

Reports of different suites meet here: a claim that a report lacks has no cell there, and one that no file of claims
has any more keeps what its report says of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.claims import Article, Claim, Claims
from surveyor.report.model import ClaimReport, ConformanceReport, TestReport
from surveyor.report.score import Mark, Score, area_title, areas_of, score
from surveyor.report.text import one_line, visible

__all__ = ["AreaRows", "Column", "PageData", "Row", "Segment", "bar", "page_data"]


@dataclass(frozen=True)
class Column:
    """One report. `label` is its target's name, with what tells it from others of that name."""

    label: str
    report: ConformanceReport
    score: Score
    tests: Mapping[str, TestReport]
    """Every test once, by its id, though it may prove several claims."""


@dataclass(frozen=True)
class Row:
    """One claim with its outcome in each column, None where a report lacks it. `known`: its claim, if there is one."""

    id: str
    statement: str
    known: Claim | None
    articles: tuple[Article, ...]
    cells: tuple[ClaimReport | None, ...]
    source: str
    address: str


@dataclass(frozen=True)
class AreaRows:
    """The rows of one area, and its score in each column."""

    name: str
    title: str
    rows: tuple[Row, ...]
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class PageData:
    """All of it; `marks` are those that occur."""

    columns: tuple[Column, ...]
    areas: tuple[AreaRows, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Segment:
    """A part of a bar that is 100 wide."""

    mark: Mark
    count: int
    x: float
    width: float


def page_data(reports: Sequence[ConformanceReport], claims: Claims) -> PageData:
    """The reports side by side, in their order."""
    outcomes = [{claim.id: claim for claim in report.claims} for report in reports]
    columns = tuple(
        Column(label, report, score(report.claims), {test.id: test for one in report.claims for test in one.tests})
        for label, report in zip(_labels(reports), reports, strict=True)
    )
    areas = []
    for name in areas_of(reports, claims):
        rows = tuple(_row(claim, outcomes, claims) for claim in _ids(name, outcomes, claims))
        scores = tuple(score(one for one in report.claims if one.area == name) for report in reports)
        areas.append(AreaRows(visible(name), area_title(name, claims), rows, scores))
    met = {one for column in columns for one in column.score.marks}
    return PageData(columns, tuple(areas), tuple(one for one in Mark if one in met))


def bar(counted: Score) -> list[Segment]:
    """The segments of a score from left to right, as wide as their share."""
    segments, x = [], 0.0
    for one in Mark:
        count = counted.marks.get(one, 0)
        if count:
            width = 100 * count / counted.claims
            segments.append(Segment(one, count, round(x, 3), round(width, 3)))
            x += width
    return segments


def _ids(area: str, outcomes: Sequence[Mapping[str, ClaimReport]], claims: Claims) -> list[str]:
    """The claims of an area that any report has: known ones in the order of their file, then others as they come."""
    met = dict.fromkeys(one.id for report in outcomes for one in report.values() if one.area == area)
    known = [claim for claim in claims.by_id if claim in met]
    return [*known, *(claim for claim in met if claim not in claims.by_id)]


def _row(claim: str, outcomes: Sequence[Mapping[str, ClaimReport]], claims: Claims) -> Row:
    from surveyor.report.links import href  # botocore's models take their time, and only rows need them

    cells = tuple(report.get(claim) for report in outcomes)
    known = claims.by_id.get(claim)
    told = next(cell.statement for cell in cells if cell is not None)
    return Row(
        id=claim,
        statement=known.statement if known else told,
        known=known,
        articles=claims.articles_on(claim),
        cells=cells,
        source=str(known.source) if known else "",
        address=href(known.source) if known else "",
    )


def _labels(reports: Sequence[ConformanceReport]) -> list[str]:
    """The target's name; with its version if two have one name, and with a number if two have both in common."""
    names = Counter(report.target.name for report in reports)
    labels: list[str] = []
    for report in reports:
        label = report.target.name
        if names[label] > 1:
            label = f"{label} {report.target.version}"
        label = one_line(label, 60)  # it is a name in the page's address, too
        same = sum(other == label or other.startswith(f"{label} #") for other in labels)
        labels.append(f"{label} #{same + 1}" if same else label)
    return labels
