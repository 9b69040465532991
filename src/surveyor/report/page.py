"""One self-contained HTML page of one or several reports: the score by area, claims by targets, and all the evidence.

The page loads nothing: its policy forbids every connection and lets only the one script and the one style sheet in it
take effect, by their hashes. Evidence is hostile input: it stands in blocks of JSON that are no script, is parsed when
its cell is opened, and reaches the document as text only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from surveyor.claims import Claims
from surveyor.evidence import Entry
from surveyor.layout import find_layout
from surveyor.report.client_tables import architectures_of, felt_by_phases, felt_by_scenarios
from surveyor.report.drawing import draw
from surveyor.report.jsontext import dumps
from surveyor.report.links import href
from surveyor.report.model import ClaimReport, ConformanceReport, KnownReport
from surveyor.report.page_data import Column, PageData, Row, bar, page_data
from surveyor.report.score import mark
from surveyor.report.snippets import boto3_snippet, dig_snippet
from surveyor.report.text import one_line, visible
from surveyor.report.timeline import timeline_of
from surveyor.verdicts import Verdict

__all__ = ["render"]

_SCRIPTS = ("base.js", "matrix.js", "evidence.js", "timeline.js", "panel.js", "main.js")
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def render(reports: Sequence[ConformanceReport], claims: Claims) -> str:
    """The page of at least one report; with several, one column a report, in their order."""
    environment = Environment(
        loader=FileSystemLoader(find_layout().templates / "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    environment.filters |= {"moment": _moment, "bar": bar, "mark": mark, "reason": _reason, "drawn": draw}
    environment.filters |= {
        "by_phases": felt_by_phases,
        "by_scenarios": felt_by_scenarios,
        "architectures": architectures_of,
    }
    style = _source(environment, "page.css")
    script = "(() => {\n'use strict';\n" + "".join(_source(environment, name) for name in _SCRIPTS) + "})();\n"
    shown = page_data(reports, claims)
    return environment.get_template("page.html.j2").render(
        page=shown,
        single=len(shown.columns) == 1,
        total=sum(len(area.rows) for area in shown.areas),
        style=Markup(style),  # ours, from the templates
        script=Markup(script),  # ours, from the templates
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        blocks=_blocks(shown),
    )


def _blocks(shown: PageData) -> list[tuple[str, Markup]]:
    """Ids and contents of the page's blocks of JSON: one of all verdicts, then the evidence, one a test and target."""
    numbers = [{test: number for number, test in enumerate(column.tests)} for column in shown.columns]
    rows = [row for area in shown.areas for row in area.rows]
    data = {
        "columns": [_column(column) for column in shown.columns],
        "claims": [_claim(row) for row in rows],
        "cells": [
            [_cell(cell, numbers[column]) if cell else None for column, cell in enumerate(row.cells)] for row in rows
        ],
    }
    blocks = [("data", _json(data))]
    for number, column in enumerate(shown.columns):
        for test in column.tests.values():
            if test.evidence:
                value = {
                    "entries": test.evidence,
                    "timeline": _timeline(test.evidence),
                    "boto3": boto3_snippet(test.evidence, column.report.target),
                    "dig": dig_snippet(test.evidence, column.report.target),
                }
                blocks.append((f"evidence-{number}-{numbers[number][test.id]}", _json(value)))
    return blocks


def _timeline(evidence: Sequence[Entry]) -> Mapping[str, object] | None:
    timeline = timeline_of(evidence)
    return asdict(timeline) if timeline else None


def _column(column: Column) -> Mapping[str, object]:
    target = column.report.target
    return {"label": column.label, "named": f"{target.name} {target.version}".strip()}


def _claim(row: Row) -> Mapping[str, object]:
    known = row.known
    confirmed = max((cell.last_confirmed_on_aws or "" for cell in row.cells if cell), default="")
    return {
        "id": row.id,
        "statement": row.statement,
        "level": known.level if known else "",
        "source": row.source,
        "href": row.address,
        "check": known.check if known else "",
        "features": known.features if known else (),
        "unproven": f"{known.unproven.reason}: {known.unproven.note}" if known and known.unproven else "",
        "confirmed": confirmed,
        "articles": [
            {
                "said": article.said,
                "opinion": article.opinion,
                "documented": article.documented,
                "sources": [{"text": str(source), "href": href(source)} for source in article.sources],
            }
            for article in row.articles
        ],
    }


def _cell(claim: ClaimReport, numbers: Mapping[str, int]) -> Mapping[str, object]:
    return {
        "mark": mark(claim),
        "expected": claim.expected,
        "note": claim.note,
        "symptom": claim.symptom,
        "detail": claim.detail,
        "known": _known(claim.known) if claim.known else None,
        "tests": [
            {
                "id": test.id,
                "verdict": test.verdict,
                "symptom": test.symptom,
                "detail": test.detail,
                "evidence": numbers[test.id] if test.evidence else None,
            }
            for test in claim.tests
        ],
    }


def _known(known: KnownReport) -> Mapping[str, object]:
    return {
        "verdict": known.verdict,
        "reason": known.reason,
        "link": known.link,
        "expires": known.expires,
    }


def _json(value: object) -> Markup:
    """JSON that can stand in a script element whatever it holds, and that every parser takes."""
    return Markup(dumps(value).translate(_UNSAFE))  # escaped for a script element, which knows no entities


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _reason(claim: ClaimReport | None) -> str:
    """What is said of an outcome where there is no panel to open, on paper; "" if the verdict says it all."""
    if claim is None or (claim.expected and claim.verdict not in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)):
        return ""
    return one_line("; ".join(part for part in (claim.note or "known", claim.detail) if part), 400)


def _moment(iso: str) -> str:
    """A time of a report as people write it."""
    try:
        return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return iso
