"""`--plan`: print what a run would do and cost, before anything is created."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import typer

from surveyor.account.budget import TOTALS, Budget
from surveyor.account.prices import PRICES_READ
from surveyor.claims.selection import Selection
from surveyor.cli._support.progress import make_progress
from surveyor.cli._support.tables import print_table
from surveyor.cli._support.unjudged import print_unjudged
from surveyor.conformance.plan import Plan, make_plan, over_budget
from surveyor.conformance.rehearsal import Rehearsal, rehearse
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.targets import Target

__all__ = ["print_plan"]

_MAX_KINDS = 4


def print_plan(target: Target, selection: Selection, layout: Layout, workers: int, seed: int = 7) -> None:
    """Print the plan of a run, found by a rehearsal. Raises UsageError if the run would exceed its budget."""
    typer.echo(f"rehearsal on the embedded target as an account in use; nothing is sent to {target.name}")
    with make_progress() as progress:
        rehearsal = rehearse(target, selection, layout, progress, seed)
    plan = make_plan(rehearsal.results, rehearsal.facts, workers)
    count = f"{plan.tests} tests, {workers} worker{'s' if workers > 1 else ''}"
    typer.echo(f"\n{target.name}, account {target.account}, {target.region}: {count}")
    print_table(("", "needed", "budget", "of which"), _rows(plan, target.budget))
    print_unjudged(target, selection, layout)
    for line in _gaps(rehearsal):
        typer.echo(line)
    excess = over_budget(plan, target.budget)
    if excess:
        limits = ",".join(f"{name}={math.ceil(needed)}" for name, needed in excess.items())
        raise UsageError(f"the run exceeds its budget; --budget {limits} would allow it")


def _gaps(rehearsal: Rehearsal) -> list[str]:
    """Return what the figures lack since this machine could not rehearse it."""
    return [
        f"not rehearsed, and not in these figures: {feature}, which needs {package} on this machine: "
        f"pip install 'surveyor[{package}]'"
        for feature, package in rehearsal.missing.items()
    ]


def _rows(plan: Plan, budget: Budget) -> list[tuple[str, str, str, str]]:
    by_service: Counter[str] = Counter()
    for operation, count in plan.calls.items():
        by_service[operation.partition(":")[0]] += count
    total = plan.total
    details = {
        "calls": f"{_list(by_service.most_common())}; {plan.repeated:,} are repeated, throttled or failed for a moment",
        "resources": ", ".join(_count(count, kind) for kind, count in plan.resources.items()),
        "minutes": "with the delays, call rates and late reads of an account; 0.1 s for each call",
        "dollars": f"an hour of each resource, for the budget; list prices of {PRICES_READ}",
    }
    rows = [
        (name, _format_amount(name, getattr(total, name)), _format_limit(name, budget), details[name])
        for name in TOTALS
    ]
    months = [f"{kind} {dollars:,.2f}" for kind, dollars in plan.month.items() if dollars]
    return [
        *rows,
        ("about", f"{plan.dollars:,.2f}", "", "dollars expected: each resource by the time of its test"),
        ("at most", f"{plan.at_most:,.2f}", "", f"dollars if nothing were deleted, for a month: {_shorten(months)}"),
        ("", "", "", "a hosted zone costs nothing for 12 hours, then 0.50 for each month: sweep in time"),
        ("at a time", "", _at_a_time(budget), "Fargate tasks, namespaces, hosted zones"),
    ]


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
