"""Render reports as one self-contained HTML page: the score by area, claims by target, and all the evidence.

The page loads nothing: its policy forbids every connection and allows only its own script and style sheet, by their
hashes. Evidence is hostile input: it stands in JSON blocks that do not run, is parsed when its cell is opened, and is
inserted into the document as text only.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from surveyor.claims import Claims
from surveyor.evidence import EvidenceEntry
from surveyor.layout import find_layout
from surveyor.report.chart import Chart
from surveyor.report.client_tables import architectures_of, client_table_by_phase, client_table_by_scenario
from surveyor.report.drawing import draw, draw_narrow, view_title
from surveyor.report.impact import (
    experiments_failed_first,
    failed_calls,
    service_under_test,
    settings_of,
    worst_failed_calls,
)
from surveyor.report.jsontext import dumps
from surveyor.report.links import href
from surveyor.report.model import ClaimReport, ConformanceReport, KnownReport
from surveyor.report.page_data import MEANINGS, ClaimRow, Column, PageData, bar, page_data
from surveyor.report.score import SCORE_RULE, mark, status_text
from surveyor.report.snippets import Documented, boto3_snippet, dig_snippet
from surveyor.report.timeline import timeline_of
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line, visible

__all__ = ["render"]

_STYLES = ("page.css", "charts.css", "media.css")
_SCRIPTS = ("base.js", "matrix.js", "evidence.js", "timeline.js", "chart.js", "panel.js", "main.js")
_UNSAFE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def render(reports: Sequence[ConformanceReport], claims: Claims) -> str:
    """Return the page of one or several reports, with a column per report in their order."""
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
        "by_phase": client_table_by_phase,
        "by_scenario": client_table_by_scenario,
        "architectures": architectures_of,
        "drawn_narrow": draw_narrow,
        "failed_first": experiments_failed_first,
        "failed_calls": failed_calls,
        "worst_failed_calls": worst_failed_calls,
        "service_under_test": service_under_test,
        "settings": settings_of,
    }
    style = "".join(_source(environment, name) for name in _STYLES)
    script = "(() => {\n'use strict';\n" + "".join(_source(environment, name) for name in _SCRIPTS) + "})();\n"
    shown = page_data(reports, claims)
    return environment.get_template("page.html.j2").render(
        page=shown,
        single=len(shown.columns) == 1,
        total=sum(len(area.rows) for area in shown.areas),
        meanings=MEANINGS,
        score_rule=SCORE_RULE,
        status=status_text([cell for area in shown.areas for row in area.rows for cell in row.cells[:1] if cell]),
        style=Markup(style),  # noqa: S704  # from the templates, so trusted
        script=Markup(script),  # noqa: S704  # from the templates, so trusted
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'",
        blocks=_blocks(shown),
    )


def _blocks(shown: PageData) -> list[tuple[str, Markup]]:
    """Return ids and contents of the JSON blocks.

    The first has all verdicts; then there is one of evidence per test and target, and one per chart.
    """
    numbers = [{test: number for number, test in enumerate(column.tests)} for column in shown.columns]
    rows = [row for area in shown.matrix for row in area.rows]
    data = {
        "columns": [_column(column) for column in shown.columns],
        "claims": [_claim(row) for row in rows],
        "cells": [
            [_cell(cell, numbers[column]) if cell else None for column, cell in enumerate(row.cells)] for row in rows
        ],
    }
    blocks = [("data", _json(data))]
    documented: dict[str, list[Documented]] = {}
    for row in rows:
        claim = Documented(row.id, row.statement, row.source)
        for identifier in {test.id for cell in row.cells if cell for test in cell.tests}:
            documented.setdefault(identifier, []).append(claim)
    for number, column in enumerate(shown.columns):
        for test in column.tests.values():
            if test.evidence:
                value = {
                    "entries": test.evidence,
                    "timeline": _timeline(test.evidence),
                    "boto3": boto3_snippet(test.evidence, column.report.target, test, documented.get(test.id, ())),
                    "dig": dig_snippet(test.evidence, column.report.target),
                }
                blocks.append((f"evidence-{number}-{numbers[number][test.id]}", _json(value)))
        blocks += [
            (f"chart-{number}-{place}", _json(_chart(experiment.chart)))
            for place, experiment in enumerate(column.report.experiments)
            if experiment.chart
        ]
    return blocks


def _chart(chart: Chart) -> Mapping[str, object]:
    """Return the values that the page shows for a moment of a chart."""
    views = [{"view": view_title(view.view), "steps": view.steps} for view in chart.stairs]
    return {**msgspec.to_builtins(chart), "stairs": views}


def _timeline(evidence: Sequence[EvidenceEntry]) -> Mapping[str, object] | None:
    timeline = timeline_of(evidence)
    return asdict(timeline) if timeline else None


def _column(column: Column) -> Mapping[str, object]:
    target = column.report.target
    return {"label": column.label, "target": f"{target.name} {target.version}".strip()}


def _claim(row: ClaimRow) -> Mapping[str, object]:
    known = row.known
    return {
        "id": row.id,
        "statement": row.statement,
        "level": known.level if known else "",
        "source": row.source,
        "href": row.address,
        "check": known.check if known else "",
        "features": known.features if known else (),
        "unproven": f"{known.unproven.reason}: {known.unproven.note}" if known and known.unproven else "",
        "status": row.known_by.status,
        "statusText": row.known_by.status_text,
        "recordings": [
            {"text": recording.text, "fact": recording.fact, "href": recording.href}
            for recording in row.known_by.recordings
        ],
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
    """Return JSON that is safe inside a script element and that every parser accepts."""
    return Markup(dumps(value).translate(_UNSAFE))  # noqa: S704  # escaped for a script element, which knows no entities


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _reason(claim: ClaimReport | None) -> str:
    """Return the reason of an outcome for paper, where no panel can be opened; "" if the verdict is enough."""
    if claim is None or (claim.expected and claim.verdict not in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)):
        return ""
    note = claim.note or ("known" if claim.known else "")
    return one_line("; ".join(part for part in (note, claim.detail) if part), 400)


def _moment(iso: str) -> str:
    """Return a time of a report in a form for people."""
    try:
        return datetime.fromisoformat(iso).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return iso
