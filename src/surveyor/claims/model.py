"""What a claim is, as values: one documented behaviour with its source, and what two articles say beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from surveyor.errors import UsageError

__all__ = [
    "Area",
    "Article",
    "Claim",
    "Claims",
    "ClaimsError",
    "Level",
    "Opinion",
    "Place",
    "Reason",
    "Source",
    "SourceKind",
    "Unproven",
]


class ClaimsError(UsageError):
    """A file of claims, or a suite that names claims, says something wrong; the text begins with file and line."""


class Level(StrEnum):
    """How firmly a document says it."""

    MUST = "must"
    """A contract: an API reference or a guide states it."""
    SHOULD = "should"
    """Worded with room: "generally", "recommended"."""
    OBSERVED = "observed"
    """Samples, measurements, reports of users: no contract."""


class Reason(StrEnum):
    """Why no suite proves a claim."""

    CLIENT = "client"
    """A fact about the client; no answer of a target shows it."""
    UNDOCUMENTED = "undocumented"
    """No document gives the outcome, or documents contradict each other: recorded, never asserted."""
    LATER = "later"
    """Needs a feature that no target has here yet."""
    ENDED = "ended"
    """What it is about has ended: kept as history."""
    UNOBSERVABLE = "unobservable"
    """Nothing that a black box sees could violate it."""


class Opinion(StrEnum):
    """How a statement of an article stands to the documents."""

    AGREES = "agrees"
    IMPRECISE = "imprecise"
    CONTRADICTS = "contradicts"
    OUTDATED = "outdated"
    UNSOURCED = "unsourced"


class SourceKind(StrEnum):
    """Where a statement comes from."""

    MODEL = "model"
    """A member of a botocore model, which is the API reference; its text has a fingerprint."""
    GUIDE = "guide"
    REPORT = "report"
    MEASURED = "measured"
    CODE = "code"


@dataclass(frozen=True)
class Source:
    """A source as the file spells it: `service/Path`, or `guide: <guide>, <page>`, `report: <owner>/<repo>#<n>`, …"""

    kind: SourceKind
    text: str

    def __str__(self) -> str:
        return self.text if self.kind is SourceKind.MODEL else f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Place:
    """A line of a file, shown as `claims/dns.toml:41`."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}:{self.line}"


@dataclass(frozen=True)
class Unproven:
    """Why no suite proves a claim, and what it would take."""

    reason: Reason
    note: str


@dataclass(frozen=True)
class Claim:
    """One documented behaviour.

    `features`: what a target must have beside Cloud Map. `operations`: the Cloud Map operations that it is about.
    `check`: how a black box asserts it, with the caveat; "" only where `unproven` says why none does.
    `confirmed`: the day on which a published report of a real account last passed it; None is never.
    """

    id: str
    statement: str
    level: Level
    source: Source
    place: Place
    features: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    check: str = ""
    unproven: Unproven | None = None
    confirmed: date | None = None

    @property
    def area(self) -> str:
        """The first segment of the id, which is also the name of its file and of its folder of suites."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Area:
    """The claims of one file."""

    name: str
    title: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Article:
    """A statement of an article and how it stands to the documents.

    Either `claims` decide it, or `decided_by` says why none does: "outside the project".
    """

    ref: str
    said: str
    opinion: Opinion
    documented: str
    sources: tuple[Source, ...]
    claims: tuple[str, ...]
    decided_by: str
    place: Place


@dataclass(frozen=True)
class Claims:
    """All areas in the order of their names, and the articles."""

    areas: tuple[Area, ...]
    articles: tuple[Article, ...] = field(default=())

    @cached_property
    def by_id(self) -> Mapping[str, Claim]:
        """Every claim by its id, in the order of the files."""
        return {claim.id: claim for area in self.areas for claim in area.claims}

    def articles_on(self, claim: str) -> tuple[Article, ...]:
        """The statements of articles that this claim decides."""
        return tuple(article for article in self.articles if claim in article.claims)
