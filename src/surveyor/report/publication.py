"""Small reports for a repository, and the table of them in a document.

A small report is a report of `surveyor conform` on one line, without the recorded calls of claims that hold. That of an
account is redacted.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import structs

from surveyor.input_files import read_text
from surveyor.layout import find_layout
from surveyor.output_files import write_text
from surveyor.report.claim_report import ClaimReport
from surveyor.report.file import load_report
from surveyor.report.model import ConformanceReport, ReportFile
from surveyor.report.redaction.folder import redact_report
from surveyor.report.score import Mark, score
from surveyor.typed_json import write_json
from surveyor.verdicts import Verdict

__all__ = ["published_path", "renew_table", "save_small_report"]

_COLUMNS = "| claims that hold | claims that could be judged | claims about features that it lacks |"
"""The heads of the columns after the first one, by which the table in a document is found."""


def published_path(report: ConformanceReport, folder: Path) -> Path:
    """Return the file of a report in a folder of published ones, which is named after target and version."""
    stem = "-".join(part for part in (report.target.name, report.target.version) if part)
    return folder / f"{stem.replace('/', '_')}.json"


def save_small_report(report: ConformanceReport, folder: Path) -> Path:
    """Write a small report to a folder of published ones, atomically, and return its path."""
    path = published_path(report, folder)
    is_account = report.target.kind == "endpoint" or bool(report.runs)
    report = redact_report(report, find_layout()) if is_account else report
    small = structs.replace(report, claims=tuple(_without_evidence(claim) for claim in report.claims))
    write_json(ReportFile.of(small), path, indent=None)
    return path


def renew_table(document: Path, published: Path, *, links: bool) -> bool:
    """Write a row for each published report into the table of a document; return whether the document changed.

    `links`: the first column links the report. Without a table with the known columns the document stays as it is.
    """
    lines = read_text(document).splitlines()
    head = next((number for number, line in enumerate(lines) if line.endswith(_COLUMNS)), None)
    if head is None:
        return False
    end = next((number for number in range(head, len(lines)) if not lines[number].startswith("|")), len(lines))
    rows = [_row(path, links=links) for path in sorted(published.glob("*.json"), key=_by_number)]
    renewed = [*lines[: head + 1], "|---|---|---|---|", *rows, *lines[end:]]
    write_text(document, "\n".join(renewed) + "\n")
    return renewed != lines


def _by_number(path: Path) -> list[tuple[str, int]]:
    """Return a key that puts moto-5.0.5 before moto-5.0.28."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D+)(\d*)", path.stem)]


def _without_evidence(claim: ClaimReport) -> ClaimReport:
    if claim.verdict is not Verdict.PASS:
        return claim
    return structs.replace(claim, tests=tuple(structs.replace(test, evidence=()) for test in claim.tests))


def _row(path: Path, *, links: bool) -> str:
    report = load_report(path)
    result = score(report.claims)
    name = f"[{path.name}]({path.name})" if links else f"{report.target.name} {report.target.version}".strip()
    return f"| {name} | {result.marks.get(Mark.PASS, 0)} | {result.judged} | {result.marks.get(Mark.UNSUPPORTED, 0)} |"
