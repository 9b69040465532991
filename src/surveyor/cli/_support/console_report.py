"""Print a report on the console in at most about 50 lines: verdicts by area, what is unexpected, what to fix first.

Calls and everything that is left out are in the report and on its page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.console import Console

from surveyor.claims import Claim
from surveyor.cli._support.tables import print_table
from surveyor.cli._support.waiting import minutes
from surveyor.report.fix_first import FailureGroup, failed_first
from surveyor.report.model import ClaimReport, ConformanceReport
from surveyor.report.score import SCORE_RULE, Mark, score, status_text
from surveyor.targets import Target
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["MAX_LINES", "capped", "describe_ending", "features_hint", "print_report", "waits_hint"]

MAX_LINES = 60
"""Maximum lines of a run on the terminal, with progress, table and paths."""

_OTHER_LINES = 18
"""Lines that a run prints besides its report: progress, the account, paths, failures, what was left behind."""

_MAX_AREAS = 12
_MAX_GROUPS = 10
_MAX_IDS = 3
_MAX_DETAILED = 3
"""Claims up to which each is printed with its statement and its tests."""

_MIN_UNEXPECTED = 4
_MIN_WIDTH, _MAX_WIDTH = 100, 200
"""Characters to which lines are cut: to the width of the terminal, within these limits."""
_MAX_FEATURES = 6
_LONG_RUN = 60.0
"""Wall seconds from which on a run should not be longer than necessary."""

_ANSWERED = (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)
"""Verdicts that need an answer of the target."""


def print_report(report: ConformanceReport, path: Path, hints: Sequence[str] = ()) -> None:
    """Print the results of a run, hints, and the path of its report."""
    if report.failure and not any(claim.verdict in _ANSWERED for claim in report.claims):
        typer.echo(f"report: {path}")
        return  # nothing was judged; the command prints the failure itself as its last line
    columns, rows = _table(report)
    version = f" {report.target.version}" if report.target.version else ""
    is_terminal = Console().is_terminal
    absent = [f"{report.target.name} declares {name}, and {why}" for name, why in report.target.absent.items()]
    tail = [
        *capped(absent, 3, path),
        *_fix_first_lines(report, path),
        *_score_lines(report),
        *([f"{report.resumed}: the verdicts of all are counted"] if report.resumed else []),
        *filter(None, hints),
        f"report: {path}",
    ]
    used = len(rows) + (5 if is_terminal else 1) + len(tail) + _OTHER_LINES
    unexpected = [*_unexpected_lines(report), *report.unexpected, *_claim_lines(_open_claims(report))]
    shown = capped(unexpected, max(MAX_LINES - used, _MIN_UNEXPECTED), path)

    print_table(columns, rows, title=f"{report.target.name}{version}", header_in_pipe=True)
    for line in (*shown, *tail):
        typer.echo(line)


def describe_ending(report: ConformanceReport) -> str:
    """Return why a run without failure as a whole ended without success: an error, or nothing that could be judged."""
    results = [(claim.id, claim.verdict, claim.detail) for claim in report.claims]
    results += [(found.name, found.verdict, found.detail) for found in report.experiments]
    errors = [(name, detail) for name, verdict, detail in results if verdict is Verdict.ERROR]
    if errors:
        name, detail = errors[0]
        return f"{len(errors)} ended with an error, the first of them {name}: {one_line(detail)}"
    counts = Counter(str(verdict) for _, verdict, _ in results)
    found = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    return f"nothing passed or failed, so nothing is known about the target: {found}"


def capped(lines: Sequence[str], limit: int, path: Path) -> list[str]:
    """Return the lines, each cut to a readable length; of more than `limit` the last says how many the report has."""
    width = _line_width()
    cut = [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]
    if len(cut) <= limit:
        return cut
    return [*cut[: limit - 1], f"and {len(cut) - limit + 1} more: {path}"]


def _line_width() -> int:
    console = Console()
    return min(_MAX_WIDTH, max(_MIN_WIDTH, console.width)) if console.is_terminal else _MAX_WIDTH


def features_hint(report: ConformanceReport, claims: Mapping[str, Claim]) -> str:
    """Return how to have the unsupported claims tested on a target that declares no features; "" if there are none."""
    present = set(report.target.features)
    unsupported = [claims[claim.id] for claim in report.claims if claim.verdict is Verdict.UNSUPPORTED]
    lacking = Counter(feature for claim in unsupported for feature in claim.features if feature not in present)
    if not lacking:
        return ""
    names = [f"{name} ({count})" for name, count in lacking.most_common(_MAX_FEATURES)]
    names += [f"{len(lacking) - _MAX_FEATURES} more"] if len(lacking) > _MAX_FEATURES else []
    verb = "is" if len(unsupported) == 1 else "are"
    return (
        f"{_count(len(unsupported), 'claim')} {verb} unsupported, because a URL declares no features. What the target "
        f"has of {', '.join(names)} can be named in a target file: see `surveyor conform --help`"
    )


def waits_hint(target: Target, report: ConformanceReport | None = None) -> str:
    """Return how to save time at a URL, of which is not known whether changes take time; "" if it would save little.

    `report`: of the run, if it is over.
    """
    if target.features is not None or math.isfinite(target.settles):
        return ""
    if report is not None and report.wall_seconds < _LONG_RUN:
        return ""
    waits = "tests wait" if report is None else f"it took {minutes(report.wall_seconds)}, mostly because tests wait"
    return (
        f"{waits} as long as a change may take on AWS; if all changes of the target are immediate, "
        "`settles = 1.0` in a target file saves most of that (docs/targets.md)"
    )


def _table(report: ConformanceReport) -> tuple[Sequence[str], list[tuple[object, ...]]]:
    """Return the columns and rows of verdicts by area; areas without failures share a row if there are many."""
    whole = score(report.claims)
    shown = [mark for mark in Mark if mark in whole.marks or mark is Mark.PASS]
    by_area: dict[str, list[ClaimReport]] = {}
    for claim in report.claims:
        by_area.setdefault(claim.area, []).append(claim)

    def row(name: str, claims: Sequence[ClaimReport]) -> tuple[object, ...]:
        part = score(claims)
        return (name, part.claims, *(part.marks.get(mark, 0) for mark in shown), part.unexpected)

    areas = list(by_area)
    if (_open_claims(report) or any(not claim.expected for claim in report.claims)) and len(areas) > _MAX_AREAS:
        failures = {name: sum(claim.verdict is Verdict.FAIL for claim in claims) for name, claims in by_area.items()}
        areas = sorted(areas, key=lambda name: -failures[name])[: _MAX_AREAS - 1]
        areas = [name for name in by_area if name in areas]
    rows = [row(name, by_area[name]) for name in areas]
    others = [claim for name, claims in by_area.items() if name not in areas for claim in claims]
    if others:
        rows.append(row(f"{len(by_area) - len(areas)} other areas", others))
    rows.append(row("all", report.claims))
    return ("area", "claims", *shown, "unexpected"), rows


def _unexpected_lines(report: ConformanceReport) -> list[str]:
    """Return a line for each unexpected claim, failed ones first.

    Claims that were not judged for the same reason, such as the end of the run, share a line.
    """
    has_known = _has_known_failures(report)
    return _claim_lines(failed_first(claim for claim in report.claims if not claim.expected), has_known=has_known)


def _open_claims(report: ConformanceReport) -> list[ClaimReport]:
    """Return the claims that an account in use left open."""
    found = [claim for claim in report.claims if claim.verdict is Verdict.INCONCLUSIVE and claim.expected]
    return found if report.runs else []


def _claim_lines(claims: Sequence[ClaimReport], *, has_known: bool = True) -> list[str]:
    """Return a line for each claim; of a few claims also their tests."""
    reasons = Counter((claim.verdict, claim.detail) for claim in claims if claim.verdict is not Verdict.FAIL)
    shared = {reason: count for reason, count in reasons.items() if count > _MAX_DETAILED}
    lines = [f"{count} claims {verdict}: {one_line(detail)}" for (verdict, detail), count in shared.items()]
    alone = [claim for claim in claims if (claim.verdict, claim.detail) not in shared]
    for claim in alone:
        note = claim.note if has_known or claim.verdict is not Verdict.FAIL else str(claim.verdict)
        note = note or "could not be judged"
        if len(alone) > _MAX_DETAILED:
            lines.append(f"{claim.id}: {'; '.join(filter(None, (note, one_line(claim.detail))))}")
            continue
        lines += [f"{claim.id}: {note}", f"  documented: {one_line(claim.statement)}"]
        tests = [test for test in claim.tests if test.verdict is not Verdict.PASS] or list(claim.tests)
        for test in tests:
            lines.append(f"  {test.id}: {test.verdict}")
            lines += [f"    {one_line(test.detail)}"] if test.detail else []
    return lines


def _fix_first_lines(report: ConformanceReport, path: Path) -> list[str]:
    """Return the first groups of failures; none if only one claim fails, whose line says it all."""
    groups = report.fix_first
    if sum(claim.verdict is Verdict.FAIL for claim in report.claims) < 2:
        return []
    lines = [_group_line(group) for group in groups]
    return ["fix first, by the number of claims that depend on it:", *capped(lines, _MAX_GROUPS + 1, path)]


def _group_line(group: FailureGroup) -> str:
    """Return a group with the ids of up to three claims that fail because of it; its title is cut, not the ids."""
    width = _line_width()
    ids = ", ".join(group.claims[:1])
    for count in range(2, min(_MAX_IDS, len(group.claims)) + 1):
        more = ", ".join(group.claims[:count])
        ids = more if len(more) <= width // 2 else ids
    more = ", …" if ids.count(", ") + 1 < len(group.claims) else ""
    suffix = f" ({ids}{more})"
    line = f"  {group.weight_text}: {one_line(group.title)}"
    limit = width - len(suffix)
    return (line if len(line) <= limit else f"{line[: limit - 1]}…") + suffix


def _has_known_failures(report: ConformanceReport) -> bool:
    return bool(report.unexpected) or any(claim.known for claim in report.claims)


def _outcome(report: ConformanceReport, unexpected: int) -> str:
    """Return how many outcomes are unexpected; without a list of known failures, how many claims fail."""
    if not unexpected:
        left_open = len(_open_claims(report))
        return f"what was judged is as expected, {left_open} could not be judged" if left_open else "all as expected"
    counts = Counter(claim.verdict for claim in report.claims if not claim.expected)
    if _has_known_failures(report) or Verdict.FAIL not in counts:
        return f"{unexpected} unexpected"
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    return f"{verdicts}; no known failures are recorded for this target (docs/ci/README.md)"


def _score_lines(report: ConformanceReport) -> list[str]:
    whole = score(report.claims)
    unexpected = whole.unexpected + len(report.unexpected)
    outcome = _outcome(report, unexpected)
    times = f"took {report.wall_seconds:.1f} s"
    if not report.runs:  # the clock of an account is no other than that of this machine
        times += f"; the targets' clocks moved {report.service_seconds:,.0f} s (all workers added)"
    lines = [status_text(report.claims), f"{whole.text}; {outcome}; {times}", SCORE_RULE]
    return [*lines, f"not counted: {whole.not_counted_text}"] if whole.not_counted else lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
