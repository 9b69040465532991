"""What a run says at its end: what it left and when that costs, what was not permitted, how to accept its failures.

On an account also what it used, in the terms of `--plan`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import typer

from surveyor.account.needed_calls import needed_operations
from surveyor.account.permissions import is_read, required_actions
from surveyor.account.prices import HOSTED_ZONE
from surveyor.account.refusals import NOT_PERMITTED
from surveyor.account.resources import CREATES
from surveyor.cli._support.console_report import capped
from surveyor.conformance.plan import make_plan
from surveyor.conformance.pytest_run import RunConfig
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.file import REPORT_FILE
from surveyor.report.model import ConformanceReport
from surveyor.targets import Target
from surveyor.targets.expectations import expectations_file
from surveyor.targets.sweep import leftovers_of_all
from surveyor.terminal import lost_output, print_error
from surveyor.verdicts import Verdict
from surveyor_policies.dependent import DEPENDENT

__all__ = [
    "describe_denied",
    "describe_zones",
    "print_accepting",
    "print_failures",
    "print_leaked_resources",
    "print_left_behind",
    "print_not_searched",
    "print_sweep",
    "print_use",
]

_MAX_LEAKED = 5
"""Resources left behind that are printed; all are in the report."""

_MAX_ACTIONS = 40
_NOT_PASSED = (Verdict.ERROR, Verdict.FAIL, Verdict.INCONCLUSIVE)
_DENIED = re.compile(rf"{re.escape(NOT_PERMITTED)}([\w-]+:\w+)")


def print_leaked_resources(report: ConformanceReport, config: RunConfig) -> None:
    """Print what is left in an account, how to delete it and until when that costs nothing; and what was denied."""
    chosen = f" --run {config.run}" if config.earlier is None else ""
    print_left_behind(report.leaked_resources, config.out, report.started, chosen)
    needed = required_actions(needed_operations(config.command, report.target.features), DEPENDENT)
    if line := describe_denied(report, needed, config.command):
        typer.echo(line, err=True)
    is_quiet = isinstance(lost_output(), BrokenPipeError) and not report.leaked_resources  # `surveyor … | head -1`
    if report.interrupted and not is_quiet:
        count = len(report.leaked_resources)
        leaked = f"{count} resources were" if count else "nothing was"
        print_error(f"interrupted; {leaked} left behind")


def print_left_behind(resources: Sequence[str], folder: Path, started: str, chosen: str = "") -> None:
    """Print what a run left, how to delete it, and until when its hosted zones cost nothing.

    `folder`: that of its ledgers; `started`: when it began, ISO; `chosen`: options of `surveyor sweep` that select it.
    """
    for line in capped([f"left behind: {resource}" for resource in resources], _MAX_LEAKED, folder / REPORT_FILE):
        typer.echo(line, err=True)
    print_sweep(resources, folder, started, chosen)


def print_failures(report: ConformanceReport) -> None:
    """Print in one line, meant as the last, which experiments or scenarios did not pass, and why the first did not."""
    failed = [result for result in report.experiments if result.verdict in _NOT_PASSED]
    if report.failure:
        print_error(report.failure)
    elif failed:
        count, first = len(failed), failed[0]
        others = f" (first of {count} that did not pass)" if count > 1 else ""
        print_error(f"{first.name}: {first.verdict}{others}: {first.detail or first.symptom}")


def print_sweep(resources: Sequence[str], folder: Path, started: str, chosen: str = "") -> None:
    """Print how to delete what a run left, and until when its zones cost nothing; the options are those above."""
    if resources:
        typer.echo(f"to delete them: surveyor sweep{chosen} {folder}", err=True)
        if line := describe_zones(_count_zones(folder), started):
            typer.echo(line, err=True)


def describe_zones(count: int, started: str) -> str:
    """Return until when hosted zones that are left cost nothing; "" if there are none. `started`: of the run, ISO.

    Route 53 Developer Guide, "I was billed twice for the same hosted zone": a zone is not billed if it is deleted
    within 12 hours, and its monthly price is not prorated.
    """
    if not count:
        return ""
    deadline = datetime.fromisoformat(started) + timedelta(seconds=HOSTED_ZONE.free)
    zones, each = ("hosted zones", " each") if count > 1 else ("hosted zone", "")
    return (
        f"{count} {zones} among them: delete {'them' if count > 1 else 'it'} before {deadline:%Y-%m-%d %H:%M} "
        f"{deadline.tzname() or 'UTC'}, 12 hours after the run began; later {'they cost' if count > 1 else 'it costs'} "
        f"{HOSTED_ZONE.month:.2f} dollars{each} a month, not prorated"
    )


def describe_denied(report: ConformanceReport, needed: Collection[str], command: str = "conform") -> str:
    """Return one list of the actions that the account did not permit the run; "" if none was denied.

    `needed`: the actions in the policy of the command, which allows them only on what runs made. A run begins only if
    they are allowed so far; a test that is denied one of them calls it for something else, such as what does not exist.
    Reads are allowed everywhere: one that is denied is missing in the policy of the role.
    """
    found: dict[str, set[str]] = {}
    for claim in report.claims:
        for test in claim.tests:
            if test.verdict is not Verdict.PASS:
                for action in _DENIED.findall(test.symptom):
                    found.setdefault(action, set()).add(claim.id)
    if not found:
        return ""
    actions = sorted(found)
    shown = ", ".join(actions[:_MAX_ACTIONS]) + (", …" if len(actions) > _MAX_ACTIONS else "")
    claims = len(set().union(*found.values()))
    what = f"not permitted: {shown}; so {claims} claim{'s' if claims > 1 else ''} could not be judged"
    if found.keys() <= set(needed) and not any(map(is_read, found)):
        return (
            f"{what}; with the policy of `surveyor policy {command}` this is expected: it permits them only for what "
            "runs made; the report has the reasons"
        )
    return f"{what}; `surveyor policy {command}` prints what a run needs, and the report has the reasons"


def print_use(collector: Collector, target: Target, report: ConformanceReport) -> None:
    """Print what a run, or the last part of one that was resumed, used of an account, in the terms of its plan.

    The minutes are those of the service's time, which are minutes of a clock on AWS.
    """
    used = make_plan(collector.finished(), collector.facts, 1)
    if not target.is_one_account or target.start or not used.calls:
        return
    dollars = "under 0.01" if used.dollars < 0.01 else f"about {used.dollars:,.2f}"
    calls = sum(used.calls.values()) + collector.closing.total()
    seconds = max((facts.service_seconds for facts in collector.facts), default=0.0) or report.wall_seconds
    resources, minutes = sum(used.resources.values()), math.ceil(seconds / 60)
    part = " by this part" if report.resumed else ""
    typer.echo(f"used{part}: {calls:,} calls, {resources:,} resources, {minutes:,} min, {dollars} dollars")


def print_not_searched(collector: Collector) -> None:
    """Print where a run could not look for what it left, if it could not look everywhere."""
    if line := collector.describe_search():
        typer.echo(line, err=True)


def print_accepting(report: ConformanceReport, config: RunConfig, target: Target, code: int) -> None:
    """Print how to accept what a run saw, if an account has no list of known failures yet."""
    outlives = target.is_one_account and not target.start and target.file is not None
    fails = any(claim.verdict is Verdict.FAIL for claim in report.claims)
    if code == 1 and outlives and fails and not expectations_file(target, config.layout.targets).exists():
        again = f"surveyor conform --resume {report.runs[0]} --out {config.out} --update-expectations"
        typer.echo(f"there is no list of known failures of {target.name} yet; to accept these as known: {again}")


def _count_zones(folder: Path) -> int:
    """Return how many hosted zones are left: those of namespaces, too."""
    return sum(CREATES[resource.operation].price is HOSTED_ZONE for resource in leftovers_of_all(folder))
