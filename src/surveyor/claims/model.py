"""Values of claims: documented behaviours with their sources, and the statements of two articles about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from surveyor.toml_lines import FileLocation

__all__ = [
    "Area",
    "Article",
    "Claim",
    "Claims",
    "FileLocation",
    "Level",
    "Opinion",
    "Reason",
    "Source",
    "SourceKind",
    "Unproven",
]


class Level(StrEnum):
    """How firmly a document states a behaviour."""

    MUST = "must"
    """A contract: an API reference or a guide states it."""
    SHOULD = "should"
    """Stated with a reservation: "generally", "recommended"."""
    OBSERVED = "observed"
    """Shown by samples, measurements or reports of users: no contract."""


class Reason(StrEnum):
    """Why no suite proves a claim."""

    CLIENT = "client"
    """It is a fact about the client; no answer of a target shows it."""
    UNDOCUMENTED = "undocumented"
    """No document gives the result, or documents contradict each other: it is recorded, never asserted."""
    LATER = "later"
    """It needs a feature that no target here has yet."""
    ENDED = "ended"
    """Its subject has ended: the claim is kept as history."""
    UNOBSERVABLE = "unobservable"
    """Nothing that a black-box test can observe could violate it."""


class Opinion(StrEnum):
    """How a statement of an article compares with the documents."""

    AGREES = "agrees"
    IMPRECISE = "imprecise"
    CONTRADICTS = "contradicts"
    OUTDATED = "outdated"
    UNSOURCED = "unsourced"


class SourceKind(StrEnum):
    """The kind of source of a statement."""

    MODEL = "model"
    """A member of a botocore model, which is the API reference; its text has a fingerprint."""
    GUIDE = "guide"
    REPORT = "report"
    MEASURED = "measured"
    CODE = "code"


@dataclass(frozen=True)
class Source:
    """A source as written in the file: `service/Path`, `guide: <guide>, <page>`, `report: <owner>/<repo>#<n>`, …"""

    kind: SourceKind
    text: str

    def __str__(self) -> str:
        return self.text if self.kind is SourceKind.MODEL else f"{self.kind}: {self.text}"


@dataclass(frozen=True)
class Unproven:
    """Why no suite proves a claim, and what a proof would need."""

    reason: Reason
    note: str


@dataclass(frozen=True)
class Claim:
    """One documented behaviour.

    `features`: the features that a target needs besides Cloud Map. `operations`: the Cloud Map operations that the
    claim is about. `check`: how a black-box test asserts it, with caveats; "" only if `unproven` gives a reason for
    having no test. `confirmed`: the day on which a published report of a real account last passed it; None if never.
    """

    id: str
    statement: str
    level: Level
    source: Source
    location: FileLocation
    features: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    check: str = ""
    unproven: Unproven | None = None
    confirmed: date | None = None

    @property
    def area(self) -> str:
        """Return the first segment of the id, which is also the name of its file and of its folder of suites."""
        return self.id.partition(".")[0]


@dataclass(frozen=True)
class Area:
    """The claims of one file."""

    name: str
    title: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Article:
    """A statement of an article and how it compares with the documents.

    Either `claims` decide it, or `decided_by` says why no claim does: "outside the project".
    """

    ref: str
    said: str
    opinion: Opinion
    documented: str
    sources: tuple[Source, ...]
    claims: tuple[str, ...]
    decided_by: str
    location: FileLocation


@dataclass(frozen=True)
class Claims:
    """All areas in the order of their names, and the articles."""

    areas: tuple[Area, ...]
    articles: tuple[Article, ...] = field(default=())

    @cached_property
    def by_id(self) -> Mapping[str, Claim]:
        """Return every claim by its id, in the order of the files."""
        return {claim.id: claim for area in self.areas for claim in area.claims}

    def articles_on(self, claim: str) -> tuple[Article, ...]:
        """Return the statements of articles that this claim decides."""
        return tuple(article for article in self.articles if claim in article.claims)
