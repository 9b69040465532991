"""Tells a report to a person: a table by area, then each unexpected verdict with the calls behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console

from surveyor.cli._support.tables import print_table
from surveyor.evidence import Entry
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["describe", "tell"]

_IN_FULL = 12
"""Unexpected verdicts that are told with their calls; the rest get one line each, and all are in the report."""

_SAID = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
"""Verdicts that need a target to answer."""

_TESTS = 3
_CALLS = 10


def tell(report: ConformanceReport, path: Path) -> None:
    """Print what a run found and where its report is."""
    if report.failure and not any(claim.verdict in _SAID for claim in report.claims):
        typer.echo(f"report: {path}")
        return  # nothing was judged; the failure itself is the caller's last line
    _table(report)
    unexpected = [claim for claim in report.claims if not claim.expected]
    for number, claim in enumerate(unexpected):
        if number < _IN_FULL:
            typer.echo("\n".join(_unexpected(claim)))
        else:
            typer.echo(f"{claim.id}: {claim.note}")
    for surprise in report.surprises:
        typer.echo(surprise)
    for feature, why in report.target.absent.items():
        typer.echo(f"{report.target.name} declares {feature}, and {why}")
    typer.echo(_summary(report, len(unexpected)))
    typer.echo(f"report: {path}")


def describe(entry: Entry) -> str:
    """One call or question of the evidence on one line."""
    kind = entry.get("kind")
    if kind == "skipped":
        return f"… {entry.get('skipped')} more …"
    times = f" ({entry['times']} times)" if "times" in entry else ""
    if kind == "dns":
        return f"dns {entry.get('question')} @{entry.get('server')} -> {_brief(entry.get('answer'))}{times}"
    actual = entry.get("error", entry.get("response"))
    status = f"{entry['status']} " if "status" in entry else ""
    asked = f"{entry.get('service')}:{entry.get('operation')} {_brief(entry.get('params'))}"
    return f"{asked} -> {status}{_brief(actual)}{times}"


def _table(report: ConformanceReport) -> None:
    shown = [verdict for verdict in reversed(Verdict) if report.summary[verdict] or verdict is Verdict.PASS]
    areas = dict.fromkeys(claim.area for claim in report.claims)
    rows: list[tuple[object, ...]] = []
    for area in (*areas, None):
        claims = [claim for claim in report.claims if area in (None, claim.area)]
        counts = [sum(claim.verdict is verdict for claim in claims) for verdict in shown]
        rows.append((area or "all", len(claims), *counts, sum(not claim.expected for claim in claims)))
    version = f" {report.target.version}" if report.target.version else ""
    columns = ("area", "claims", *shown, "unexpected")
    if not Console().is_terminal:  # where tables have no header, and bare numbers would say nothing
        typer.echo("\t".join(columns))
    print_table(columns, rows, title=f"{report.target.name}{version}")


def _unexpected(claim: ClaimReport) -> Iterator[str]:
    yield f"\n{claim.id}: {claim.note}"
    yield f"  documented: {claim.statement}"
    telling = [test for test in claim.tests if test.verdict is not Verdict.PASS] or list(claim.tests)
    for test in telling[:_TESTS]:
        yield f"  {test.id}: {test.verdict}"
        if test.detail:
            yield f"    {test.detail}"
        if test.evidence:
            left = len(test.evidence) - _CALLS
            yield f"    the last {_CALLS} of {len(test.evidence)} calls:" if left > 0 else "    calls:"
            yield from (f"      {describe(entry)}" for entry in test.evidence[-_CALLS:])
    if len(telling) > _TESTS:
        yield f"  and {len(telling) - _TESTS} more tests, see the report"


def _summary(report: ConformanceReport, unexpected: int) -> str:
    judged = sum(bool(claim.tests) for claim in report.claims)
    told = f"{judged} of {len(report.claims)} claims judged in {report.wall_seconds:.1f} s (wall)"
    told += f", covering {report.service_seconds:,.0f} s of service time"
    surprising = unexpected + len(report.surprises)
    return f"{told}; {'all as expected' if not surprising else f'{surprising} unexpected'}"


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:159] + "…"
