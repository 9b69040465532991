"""Read the files of claims strictly; the first error is reported with file and line."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from surveyor.claims.features import FEATURES
from surveyor.claims.model import (
    Area,
    Article,
    Claim,
    Claims,
    ClaimsError,
    Level,
    Opinion,
    Reason,
    Source,
    SourceKind,
    Unproven,
)
from surveyor.claims.toml_table import Table, read
from surveyor.messages import either, nearest

__all__ = ["ARTICLES", "FINGERPRINTS", "NOT_COVERED", "PAGES", "load_claims"]

ARTICLES = "articles.toml"
FINGERPRINTS = "fingerprints.toml"
NOT_COVERED = "not-covered.toml"
PAGES = "pages.toml"
_OTHER_FILES = (ARTICLES, FINGERPRINTS, NOT_COVERED, PAGES)
_OUTSIDE = "outside the project"
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")
_MODEL = re.compile(r"[a-z0-9-]+/[A-Za-z0-9]+(\.[A-Za-z0-9]+)?")
_REPORT = re.compile(r"[\w.-]+/[\w.-]+#\d+")
_CLAIM_KEYS = ("id", "statement", "level", "source", "features", "operations", "check", "unproven", "confirmed")
_ARTICLE_KEYS = ("ref", "said", "verdict", "documented", "sources", "claims", "decided_by")
_SOURCES = "service/Operation, service/Shape, service/Shape.Member, or guide:, report:, measured: or code: with details"


def load_claims(folder: Path) -> Claims:
    """Return all claims and articles of `folder`: one `<area>.toml` per area, and articles.toml if there is one.

    Raise ClaimsError at the first error; its message is one line that begins with file and line.
    """
    if not folder.is_dir():
        raise ClaimsError(f"no folder of claims at {folder}")
    files = sorted(path for path in folder.glob("*.toml") if path.name not in _OTHER_FILES)
    if not files:
        raise ClaimsError(f"no claims in {folder}: expected one <area>.toml per area")
    areas = tuple(_area(path) for path in files)
    seen: dict[str, Claim] = {}
    for claim in (claim for area in areas for claim in area.claims):
        if claim.id in seen:
            raise ClaimsError(f"{claim.location}: duplicate claim {claim.id!r}, first at {seen[claim.id].location}")
        seen[claim.id] = claim
    articles = _articles(folder / ARTICLES, seen)
    return Claims(areas, articles)


def _area(path: Path) -> Area:
    top, tables = read(path, "claim")
    top.refuse_unknown_keys(("title", "claim"))
    if not tables:
        top.refuse("", "the file has no [[claim]]")
    return Area(path.stem, top.text("title"), tuple(_claim(table) for table in tables))


def _claim(table: Table) -> Claim:
    id_ = table.text("id")
    table.name = f"claim {id_!r}"
    if not _ID.fullmatch(id_):
        table.refuse("id", f"id {id_!r} must be lower-case words joined by hyphens in segments joined by dots")
    if (prefix := id_.partition(".")[0]) != table.path.stem:
        table.refuse("id", f"id {id_!r} begins with {prefix!r}; in this file ids begin with {table.path.stem!r}")
    table.refuse_unknown_keys(_CLAIM_KEYS)
    features = table.texts("features")
    for feature in features:
        if feature not in FEATURES:
            hint = nearest(feature, FEATURES) or f"; expected {either(FEATURES)}"
            table.refuse("features", f"unknown feature {feature!r}{hint}")
    unproven = _unproven(table)
    return Claim(
        id=id_,
        statement=table.text("statement"),
        level=table.choice("level", Level),
        source=_source(table, "source", table.text("source")),
        location=table.location(),
        features=features,
        operations=table.texts("operations"),
        check=table.text("check", default="" if unproven else None),
        unproven=unproven,
        confirmed=table.day("confirmed"),
    )


def _unproven(table: Table) -> Unproven | None:
    if "unproven" not in table.values:
        return None
    inner = table.inner("unproven")
    inner.refuse_unknown_keys(("reason", "note"))
    return Unproven(inner.choice("reason", Reason), inner.text("note"))


def _articles(path: Path, claims: Collection[str]) -> tuple[Article, ...]:
    if not path.is_file():
        return ()
    top, tables = read(path, "article")
    top.refuse_unknown_keys(("title", "article"))
    articles: dict[str, Article] = {}
    for table in tables:
        article = _article(table, claims)
        if article.ref in articles:
            table.refuse("ref", f"duplicate article {article.ref!r}, first at {articles[article.ref].location}")
        articles[article.ref] = article
    return tuple(articles.values())


def _article(table: Table, claims: Collection[str]) -> Article:
    table.name = f"article {table.text('ref')!r}"
    table.refuse_unknown_keys(_ARTICLE_KEYS)
    links = table.texts("claims")
    for link in links:
        if link not in claims:
            table.refuse("claims", f"{table.name} links the unknown claim {link!r}{nearest(link, claims)}")
    decided_by = table.text("decided_by", default="")
    if bool(links) == bool(decided_by):
        table.refuse("decided_by", f"{table.name} needs either claims or decided_by")
    if decided_by and decided_by != _OUTSIDE:
        table.refuse("decided_by", f"expected {_OUTSIDE!r}, got {decided_by!r}")
    return Article(
        ref=table.text("ref"),
        said=table.text("said"),
        opinion=table.choice("verdict", Opinion),
        documented=table.text("documented"),
        sources=tuple(_source(table, "sources", text) for text in table.texts("sources")),
        claims=links,
        decided_by=decided_by,
        location=table.location(),
    )


def _source(table: Table, key: str, text: str) -> Source:
    kind, colon, rest = text.partition(": ")
    if not colon:
        if not _MODEL.fullmatch(text):
            table.refuse(key, f"source {text!r} is not of a known form; expected {_SOURCES}")
        return Source(SourceKind.MODEL, text)
    if kind not in set(SourceKind) - {SourceKind.MODEL}:
        table.refuse(key, f"unknown kind of source {kind!r}{nearest(kind, list(SourceKind))}; expected {_SOURCES}")
    if kind == SourceKind.GUIDE and ", " not in rest:
        table.refuse(key, f"source {text!r} names no page; expected guide: <guide>, <page>")
    if kind == SourceKind.REPORT and not _REPORT.fullmatch(rest):
        table.refuse(key, f"source {text!r} names no report; expected report: <owner>/<repo>#<number>")
    return Source(SourceKind(kind), rest)
