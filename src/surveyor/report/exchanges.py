"""Format evidence as text, one line per entry, and find the tests that decided a claim."""

from __future__ import annotations

import json
from collections.abc import Mapping

from surveyor.evidence import EvidenceEntry
from surveyor.report.model import ClaimReport, TestReport
from surveyor.visible_text import one_line

__all__ = ["deciding_tests", "format_exchange", "last_exchange", "transcript"]


def deciding_tests(claim: ClaimReport) -> list[TestReport]:
    """Return the tests whose verdict became the claim's."""
    return [test for test in claim.tests if test.verdict is claim.verdict]


def last_exchange(test: TestReport) -> str:
    """Return the last call or question of a test in one line; "" if it has none."""
    return format_exchange(test.evidence[-1]) if test.evidence else ""


def format_exchange(entry: EvidenceEntry) -> str:
    """Return one entry in one line: the request and its response."""
    kind = entry.get("kind")
    if kind == "call":
        return one_line(f"{entry.get('service', '')} {entry.get('operation', '')}: {_format_response(entry)}", 200)
    if kind == "dns":
        answer = _format_answer(entry)
        return one_line(f"dns {entry.get('question', '')} at {entry.get('server', '')}: {answer}", 300)
    if kind == "event":
        return one_line(entry.get("event", ""), 200)
    if kind == "look":
        return one_line(f"{entry.get('question', '')} by {entry.get('server', '')}: {entry.get('answer', '')}", 200)
    if kind == "figure":
        return f"{entry.get('figure', '')}: {entry.get('low')} to {entry.get('high')} {entry.get('unit', '')}".strip()
    if kind == "skipped":
        return f"{entry.get('skipped', 'some')} left out"
    return one_line(json.dumps(entry, default=str), 200)


def transcript(test: TestReport, max_length: int) -> str:
    """Return the last entries of a test's evidence, one per line, in at most about `max_length` characters."""
    lines: list[str] = []
    for entry in reversed(test.evidence):
        line = format_exchange(entry)
        if max_length < len(line):
            lines.append(f"({len(test.evidence) - len(lines)} earlier entries left out)")
            break
        max_length -= len(line) + 1
        lines.append(line)
    return "\n".join(reversed(lines))


def _format_response(entry: EvidenceEntry) -> str:
    status, error = entry.get("status"), entry.get("error")
    code = error.get("Code") if isinstance(error, Mapping) else error
    return " ".join(str(part) for part in (status, code) if part) or "answered"


def _format_answer(entry: EvidenceEntry) -> str:
    answer = entry.get("answer")
    if not isinstance(answer, Mapping):
        return str(answer)
    lines = answer.get("answer")
    return f"{answer.get('rcode')}, " + (f"{len(lines)} records" if isinstance(lines, list) else "no records")
