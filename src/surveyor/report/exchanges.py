"""Says what was asked and what came, one line an entry of evidence, and which tests decided a claim."""

from __future__ import annotations

import json
from collections.abc import Mapping

from surveyor.evidence import Entry
from surveyor.report.model import ClaimReport, TestReport
from surveyor.report.text import one_line

__all__ = ["deciding_tests", "last_exchange", "said", "transcript"]


def deciding_tests(claim: ClaimReport) -> list[TestReport]:
    """The tests whose verdict became the claim's."""
    return [test for test in claim.tests if test.verdict is claim.verdict]


def last_exchange(test: TestReport) -> str:
    """The last call or question of a test in one line; "" if it has none."""
    return said(test.evidence[-1]) if test.evidence else ""


def said(entry: Entry) -> str:
    """One entry in one line: who was asked what, and what came."""
    kind = entry.get("kind")
    if kind == "call":
        return one_line(f"{entry.get('service', '')} {entry.get('operation', '')}: {_came(entry)}", 200)
    if kind == "dns":
        return one_line(f"dns {entry.get('question', '')} at {entry.get('server', '')}: {_answer(entry)}", 300)
    if kind == "event":
        return one_line(entry.get("event", ""), 200)
    if kind == "look":
        return one_line(f"{entry.get('question', '')} by {entry.get('server', '')}: {entry.get('answer', '')}", 200)
    if kind == "figure":
        return f"{entry.get('figure', '')}: {entry.get('low')} to {entry.get('high')} {entry.get('unit', '')}".strip()
    if kind == "skipped":
        return f"{entry.get('skipped', 'some')} left out"
    return one_line(json.dumps(entry, default=str), 200)


def transcript(test: TestReport, longest: int) -> str:
    """The end of what a test asked and was answered, one line an entry, in at most about `longest` characters."""
    lines: list[str] = []
    for entry in reversed(test.evidence):
        line = said(entry)
        if longest < len(line):
            lines.append(f"({len(test.evidence) - len(lines)} earlier ones left out)")
            break
        longest -= len(line) + 1
        lines.append(line)
    return "\n".join(reversed(lines))


def _came(entry: Entry) -> str:
    status, error = entry.get("status"), entry.get("error")
    code = error.get("Code") if isinstance(error, Mapping) else error
    return " ".join(str(part) for part in (status, code) if part) or "answered"


def _answer(entry: Entry) -> str:
    answer = entry.get("answer")
    if not isinstance(answer, Mapping):
        return str(answer)
    lines = answer.get("answer")
    return f"{answer.get('rcode')}, " + (f"{len(lines)} records" if isinstance(lines, list) else "no records")
