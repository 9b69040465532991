"""`--plan`: print what a run would do and cost, before anything is created."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from surveyor.account.budget import TOTALS, Budget
from surveyor.account.prices import HOSTED_ZONE, PRICES_READ
from surveyor.chaos.plan import plan_programs, read_program
from surveyor.claims.selection import Selection
from surveyor.cli._support.progress import make_progress
from surveyor.cli._support.tables import print_table
from surveyor.cli._support.unjudged import print_unjudged
from surveyor.conformance.plan import Plan, make_plan, over_budget
from surveyor.conformance.pytest_run import run_pytest
from surveyor.conformance.rehearsal import Perform, Rehearsal, rehearsal_target, rehearse
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.report.test_results import TestResult
from surveyor.targets import Target
from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from surveyor.model_testing.search import SearchBudget

__all__ = ["check_account_to_plan", "print_plan", "print_program_plan", "print_search_plan"]

_MAX_KINDS = 4
_VANTAGE = (
    "not in these figures: the vantage, a Fargate task with a public address, about 0.02 dollars an hour, and its "
    "requests to S3"
)
_HOW = "with the delays, call rates and late reads of an account; 0.1 s for each call"


def print_plan(
    target: Target,
    selection: Selection,
    layout: Layout,
    workers: int,
    seed: int = 7,
    perform: Perform | None = None,
) -> None:
    """Print the plan of a run, found by a rehearsal: of the selected suites, or of what `perform` runs.

    Raises UsageError if the target is no account, or if the run would exceed its budget.
    """
    check_account_to_plan(target)
    typer.echo(f"rehearsal on the embedded target as an account in use; nothing is sent to {target.name}")
    with make_progress() as progress:
        rehearsal = rehearse(target, selection, layout, progress, workers, seed, perform or run_pytest)
    plan = make_plan(rehearsal.results, rehearsal.facts, workers)
    _print_figures(plan, target, f"{plan.tests} tests, {workers} worker{'s' if workers > 1 else ''}", _HOW)
    if perform is None:
        print_unjudged(target, selection, layout)
    if target.from_vpc is not None:
        typer.echo(_VANTAGE)
    for line in _gaps(rehearsal):
        typer.echo(line)
    _check_budget(plan, target)


def print_program_plan(target: Target, files: Mapping[str, Path], kind: str, *, own_service: bool) -> None:
    """Print the plan of experiments or load scenarios, from their definitions, as `print_plan` does."""
    check_account_to_plan(target)
    plan = plan_programs(files.values(), own_service=own_service)
    count = f"{plan.tests} {kind}{'' if plan.tests == 1 else 's'} in real time, one after the other"
    _print_figures(plan, target, count, "about half as much or twice as much: estimated, with start and deletion")
    most = {name: read_program(path, own_service=own_service).tasks for name, path in files.items()}
    largest = max(most, key=lambda name: most[name])
    if (tasks := most[largest]) > target.budget.tasks:
        needed = f"{largest} needs {tasks} Fargate tasks at a time"
        raise UsageError(f"{needed}; --budget tasks={tasks} would allow it")
    _check_budget(plan, target)


def print_search_plan(target: Target, layout: Layout, limits: SearchBudget) -> None:
    """Print the plan of a search for divergences of the model, found by a rehearsal, as `print_plan` does."""
    from surveyor.model_testing.run import ModelRunConfig, run_model

    check_account_to_plan(target)
    typer.echo(f"rehearsal on the embedded target as an account in use; nothing is sent to {target.name}")
    with rehearsal_target(target, layout) as (file, options):
        done = run_model(ModelRunConfig(layout, str(file), options, file.parent / "out", limits), lambda progress: None)
    result = TestResult("model", (), Verdict.PASS, service_seconds=done.service_seconds, calls=dict(done.calls))
    plan = make_plan([result], (), 1)
    _print_figures(plan, target, f"{done.report.histories} call sequences", _HOW)
    _check_budget(plan, target)


def _print_figures(plan: Plan, target: Target, count: str, minutes: str) -> None:
    typer.echo(f"\n{target.name}, account {target.account}, {target.region}: {count}")
    print_table(("", "needed", "budget", "of which"), _rows(plan, target.budget, minutes))


def _check_budget(plan: Plan, target: Target) -> None:
    excess = over_budget(plan, target.budget)
    if excess:
        limits = ",".join(f"{name}={math.ceil(needed)}" for name, needed in excess.items())
        raise UsageError(f"the run exceeds its budget; --budget {limits} would allow it")


def check_account_to_plan(target: Target) -> None:
    """Raise UsageError unless the target is an account: elsewhere nothing costs anything."""
    if not target.is_one_account:
        raise UsageError(f"--plan needs an account: {target.name} is not one; use --target aws --account ID")


def _gaps(rehearsal: Rehearsal) -> list[str]:
    """Return what the figures lack since this machine could not rehearse it."""
    return [
        f"not rehearsed, and not in these figures: {feature}, which needs {package} on this machine: "
        f"pip install 'surveyor[{package}]'"
        for feature, package in rehearsal.missing.items()
    ]


def _rows(plan: Plan, budget: Budget, minutes: str) -> list[tuple[str, str, str, str]]:
    by_service: Counter[str] = Counter()
    for operation, count in plan.calls.items():
        by_service[operation.partition(":")[0]] += count
    total = plan.total
    repeated = f"{plan.repeated:,} made again, throttled or failed for a moment"
    calls = _list(by_service.most_common())
    details = {
        "calls": f"{calls}; {repeated}" if plan.repeated else calls,
        "resources": ", ".join(_count(count, kind) for kind, count in plan.resources.items()),
        "minutes": minutes,
        "dollars": f"an hour of each resource, for the budget; list prices of {PRICES_READ}",
    }
    rows = [
        (name, _format_amount(name, getattr(total, name)), _format_limit(name, budget), details[name])
        for name in TOTALS
    ]
    months = [f"{kind} {dollars:,.2f}" for kind, dollars in plan.month.items() if dollars] or ["nothing"]
    zones = ("", "", "", "a hosted zone costs nothing for 12 hours, then 0.50 for each month: sweep in time")
    return [
        *rows,
        ("about", _format_dollars(plan.dollars), "", "dollars expected: each resource by the time of its test"),
        ("at most", f"{plan.at_most:,.2f}", "", f"dollars if nothing were deleted, for a month: {_shorten(months)}"),
        *([zones] if HOSTED_ZONE.name in plan.month else []),
        ("at a time", "", _at_a_time(budget), "Fargate tasks, namespaces, hosted zones"),
    ]


def _format_dollars(dollars: float) -> str:
    return "under 0.01" if 0 < dollars < 0.01 else f"{dollars:,.2f}"


def _at_a_time(budget: Budget) -> str:
    return "/".join(_format_limit(name, budget) for name in Budget.__struct_fields__ if name not in TOTALS)


def _shorten(parts: list[str]) -> str:
    rest = len(parts) - _MAX_KINDS
    return ", ".join(parts[:_MAX_KINDS]) + (f" and {rest} more" if rest > 0 else "")


def _list(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts)


def _count(count: int, kind: str) -> str:
    ending = "" if count == 1 else "ies" if kind.endswith("y") else "s"
    return f"{count:,} {kind.removesuffix('y') if ending == 'ies' else kind}{ending}"


def _format_limit(name: str, budget: Budget) -> str:
    limit = getattr(budget, name)
    return "none" if math.isinf(limit) else _format_amount(name, limit)


def _format_amount(name: str, value: float) -> str:
    return f"{value:,.2f}" if name == "dollars" else f"{math.ceil(value):,}"
