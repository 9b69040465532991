"""Read the files of claims strictly; the first error is reported with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from surveyor.claims.features import FEATURES
from surveyor.claims.model import (
    Area,
    Article,
    Claim,
    Claims,
    Level,
    Opinion,
    Reason,
    Source,
    SourceKind,
    Unproven,
)
from surveyor.errors import UsageError
from surveyor.messages import either, nearest
from surveyor.typed_toml import Text, TypedEntry, read_entries

__all__ = ["ARTICLES", "FINGERPRINTS", "NOT_COVERED", "PAGES", "load_claims"]

ARTICLES = "articles.toml"
FINGERPRINTS = "fingerprints.toml"
NOT_COVERED = "not-covered.toml"
PAGES = "pages.toml"
_OTHER_FILES = (ARTICLES, FINGERPRINTS, NOT_COVERED, PAGES)
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
_MODEL = re.compile(r"[a-z0-9-]+/[A-Za-z0-9]+(\.[A-Za-z0-9]+)?")
_REPORT = re.compile(r"[\w.-]+/[\w.-]+#\d+")
_SOURCES = "service/Operation, service/Shape, service/Shape.Member, or guide:, report:, measured: or code: with details"


def load_claims(folder: Path, areas: Collection[str] | None = None) -> Claims:
    """Return all claims and articles of `folder`: one `<area>.toml` per area, and articles.toml if there is one.

    `areas`: read only the claims of those that exist, and no articles. Raise UsageError at the first error; its message
    is one line that begins with file and line.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder of claims at {folder}")
    files = sorted(path for path in folder.glob("*.toml") if path.name not in _OTHER_FILES)
    if not files:
        raise UsageError(f"no claims in {folder}: expected one <area>.toml per area")
    loaded = tuple(_area(path) for path in files if areas is None or path.stem in areas)
    seen: dict[str, Claim] = {}
    for claim in (claim for area in loaded for claim in area.claims):
        if claim.id in seen:
            raise UsageError(f"{claim.location}: duplicate claim {claim.id!r}, first at {seen[claim.id].location}")
        seen[claim.id] = claim
    articles = _articles(folder / ARTICLES, seen) if areas is None else ()
    return Claims(loaded, articles)


class _UnprovenTable(Struct, frozen=True, forbid_unknown_fields=True):
    """`unproven` as written."""

    reason: Reason
    note: Text


class _ClaimTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A `[[claim]]` as written."""

    id: str
    statement: Text
    level: Level
    source: Text
    features: tuple[Text, ...] = ()
    operations: tuple[Text, ...] = ()
    check: Text | None = None
    unproven: _UnprovenTable | None = None
    confirmed: date | None = None


class _ArticleTable(Struct, frozen=True, forbid_unknown_fields=True):
    """An `[[article]]` as written."""

    ref: Text
    said: Text
    verdict: Opinion
    documented: Text
    sources: tuple[Text, ...]
    claims: tuple[Text, ...] = ()
    decided_by: Literal["outside the project"] | None = None

    @property
    def id(self) -> str:
        """Return the name in errors."""
        return self.ref


def _area(path: Path) -> Area:
    file = read_entries(path, "claim", _ClaimTable)
    return Area(path.stem, file.title, tuple(_claim(entry) for entry in file.entries))


def _claim(entry: TypedEntry[_ClaimTable]) -> Claim:
    table = entry.value
    if not _ID.fullmatch(table.id):
        entry.refuse("id", f"id {table.id!r} must be lower-case words joined by hyphens in segments joined by dots")
    if (prefix := table.id.partition(".")[0]) != entry.file.stem:
        entry.refuse("id", f"id {table.id!r} begins with {prefix!r}; in this file ids begin with {entry.file.stem!r}")
    for feature in table.features:
        if feature not in FEATURES:
            hint = nearest(feature, FEATURES) or f"; expected {either(FEATURES)}"
            entry.refuse("features", f"unknown feature {feature!r}{hint}")
    for key, texts in (("features", table.features), ("operations", table.operations)):
        if len(set(texts)) < len(texts):
            entry.refuse(key, f"claim {table.id!r}: {key} has the same value twice")
    if table.check is None and table.unproven is None:
        entry.refuse("check", f"claim {table.id!r}: check is missing")
    return Claim(
        id=table.id,
        statement=_one_line(table.statement),
        level=table.level,
        source=_source(entry, "source", _one_line(table.source)),
        location=entry.location(),
        features=table.features,
        operations=table.operations,
        check=_one_line(table.check or ""),
        unproven=Unproven(table.unproven.reason, _one_line(table.unproven.note)) if table.unproven else None,
        confirmed=table.confirmed,
    )


def _articles(path: Path, claims: Collection[str]) -> tuple[Article, ...]:
    if not path.is_file():
        return ()
    articles: dict[str, Article] = {}
    for entry in read_entries(path, "article", _ArticleTable).entries:
        article = _article(entry, claims)
        if article.ref in articles:
            entry.refuse("ref", f"duplicate article {article.ref!r}, first at {articles[article.ref].location}")
        articles[article.ref] = article
    return tuple(articles.values())


def _article(entry: TypedEntry[_ArticleTable], claims: Collection[str]) -> Article:
    table = entry.value
    for link in table.claims:
        if link not in claims:
            entry.refuse("claims", f"article {table.ref!r} links the unknown claim {link!r}{nearest(link, claims)}")
    if bool(table.claims) == bool(table.decided_by):
        entry.refuse("decided_by", f"article {table.ref!r} needs either claims or decided_by")
    return Article(
        ref=table.ref,
        said=_one_line(table.said),
        opinion=table.verdict,
        documented=_one_line(table.documented),
        sources=tuple(_source(entry, "sources", text) for text in table.sources),
        claims=table.claims,
        decided_by=table.decided_by or "",
        location=entry.location(),
    )


def _source(entry: TypedEntry[Any], key: str, text: str) -> Source:
    kind, colon, rest = text.partition(": ")
    if not colon:
        if not _MODEL.fullmatch(text):
            entry.refuse(key, f"source {text!r} is not of a known form; expected {_SOURCES}")
        return Source(SourceKind.MODEL, text)
    if kind not in set(SourceKind) - {SourceKind.MODEL}:
        hint = nearest(kind, map(str, SourceKind)) or f"; expected {_SOURCES}"
        entry.refuse(key, f"unknown kind of source {kind!r}{hint}")
    if kind == SourceKind.GUIDE and ", " not in rest:
        entry.refuse(key, f"source {text!r} names no page; expected guide: <guide>, <page>")
    if kind == SourceKind.REPORT and not _REPORT.fullmatch(rest):
        entry.refuse(key, f"source {text!r} names no report; expected report: <owner>/<repo>#<number>")
    return Source(SourceKind(kind), rest)


def _one_line(text: str) -> str:
    """Return a text with line breaks and indents as single spaces."""
    return " ".join(text.split())
