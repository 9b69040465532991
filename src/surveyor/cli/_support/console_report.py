"""Print a report on the console: a table by area, then each unexpected verdict with the calls behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console

from surveyor.cli._support.tables import print_table
from surveyor.evidence import EvidenceEntry
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import score
from surveyor.verdicts import Verdict

__all__ = ["format_entry", "print_report"]

_MAX_DETAILED = 12
"""Unexpected verdicts that are printed with their calls; the others get one line each, and all are in the report."""

_ANSWERED = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
"""Verdicts that need an answer of the target."""

_MAX_TESTS = 3
_MAX_CALLS = 10


def print_report(report: ConformanceReport, path: Path) -> None:
    """Print the results of a run and the path of its report."""
    if report.failure and not any(claim.verdict in _ANSWERED for claim in report.claims):
        typer.echo(f"report: {path}")
        return  # nothing was judged; the command prints the failure itself as its last line
    _print_table(report)
    unexpected = [claim for claim in report.claims if not claim.expected]
    for number, claim in enumerate(unexpected):
        if number < _MAX_DETAILED:
            typer.echo("\n".join(_detail_lines(claim)))
        else:
            typer.echo(f"{claim.id}: {claim.note}")
    for line in report.unexpected:
        typer.echo(line)
    for feature, reason in report.target.absent.items():
        typer.echo(f"{report.target.name} declares {feature}, and {reason}")
    typer.echo(_summary(report, len(unexpected)))
    typer.echo(f"report: {path}")


def format_entry(entry: EvidenceEntry) -> str:
    """Return one call or DNS question of the evidence on one line."""
    kind = entry.get("kind")
    if kind == "skipped":
        return f"… {entry.get('skipped')} more …"
    times = f" ({entry['times']} times)" if "times" in entry else ""
    if kind == "dns":
        return f"dns {entry.get('question')} @{entry.get('server')} -> {_shorten(entry.get('answer'))}{times}"
    response = entry.get("error", entry.get("response"))
    status = f"{entry['status']} " if "status" in entry else ""
    request = f"{entry.get('service')}:{entry.get('operation')} {_shorten(entry.get('params'))}"
    return f"{request} -> {status}{_shorten(response)}{times}"


def _print_table(report: ConformanceReport) -> None:
    shown = [verdict for verdict in reversed(Verdict) if report.summary[verdict] or verdict is Verdict.PASS]
    areas = dict.fromkeys(claim.area for claim in report.claims)
    rows: list[tuple[object, ...]] = []
    for area in (*areas, None):
        claims = [claim for claim in report.claims if area in (None, claim.area)]
        counts = [sum(claim.verdict is verdict for claim in claims) for verdict in shown]
        rows.append((area or "all", len(claims), *counts, sum(not claim.expected for claim in claims)))
    version = f" {report.target.version}" if report.target.version else ""
    columns = ("area", "claims", *shown, "unexpected")
    if not Console().is_terminal:  # tables have no header there, and numbers alone would be unreadable
        typer.echo("\t".join(columns))
    print_table(columns, rows, title=f"{report.target.name}{version}")


def _detail_lines(claim: ClaimReport) -> Iterator[str]:
    yield f"\n{claim.id}: {claim.note}"
    yield f"  documented: {claim.statement}"
    tests = [test for test in claim.tests if test.verdict is not Verdict.PASS] or list(claim.tests)
    for test in tests[:_MAX_TESTS]:
        yield f"  {test.id}: {test.verdict}"
        if test.detail:
            yield f"    {test.detail}"
        if test.evidence:
            hidden = len(test.evidence) - _MAX_CALLS
            yield f"    the last {_MAX_CALLS} of {len(test.evidence)} calls:" if hidden > 0 else "    calls:"
            yield from (f"      {format_entry(entry)}" for entry in test.evidence[-_MAX_CALLS:])
    if len(tests) > _MAX_TESTS:
        yield f"  and {len(tests) - _MAX_TESTS} more tests, see the report"


def _summary(report: ConformanceReport, unexpected_claims: int) -> str:
    judged = score(report.claims).judged
    text = f"{judged} of {len(report.claims)} claims judged in {report.wall_seconds:.1f} s (wall)"
    text += f", covering {report.service_seconds:,.0f} s of service time"
    unexpected = unexpected_claims + len(report.unexpected)
    return f"{text}; {'all as expected' if not unexpected else f'{unexpected} unexpected'}"


def _shorten(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"
