"""`--plan`: print what a run would do and cost, before anything is created."""

from __future__ import annotations

import math
from collections import Counter

import typer

from surveyor.account.budget import Budget
from surveyor.claims.selection import Selection
from surveyor.cli._support.progress import make_progress
from surveyor.cli._support.tables import print_table
from surveyor.conformance.dry_run import dry_run
from surveyor.conformance.plan import Plan, make_plan, over_budget
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.targets import Target

__all__ = ["print_plan"]


def print_plan(target: Target, selection: Selection, layout: Layout, workers: int) -> None:
    """Print the plan of a run, found by a dry run. Raises UsageError if the run would exceed its budget."""
    typer.echo(f"dry run on the embedded target; nothing is sent to {target.name}")
    with make_progress() as progress:
        plan = make_plan(dry_run(target, selection, layout, progress), workers)
    _print(plan, target, workers)
    excess = over_budget(plan, target.budget)
    if excess:
        limits = ",".join(f"{name}={math.ceil(needed)}" for name, needed in excess.items())
        raise UsageError(f"the run exceeds its budget; --budget {limits} would allow it")


def _print(plan: Plan, target: Target, workers: int) -> None:
    by_service: Counter[str] = Counter()
    for operation, count in plan.calls.items():
        by_service[operation.partition(":")[0]] += count
    calls = ", ".join(f"{service} {count:,}" for service, count in by_service.most_common())
    resources = ", ".join(f"{count:,} {kind}{'s' if count > 1 else ''}" for kind, count in plan.resources.items())
    account = f"account {target.account}, {target.region}"
    typer.echo(f"\n{target.name}, {account}: {plan.tests} tests, {workers} worker{'s' if workers > 1 else ''}")
    total = plan.total
    details = {
        "calls": calls,
        "resources": resources,
        "minutes": "with the delays of the embedded target",
        "dollars": "upper bound: as if each instance and health check were billed for a whole month",
    }
    names = Budget.__struct_fields__
    rows = [
        (name, _format_amount(name, getattr(total, name)), _format_limit(name, target.budget), details[name])
        for name in names
    ]
    print_table(("", "needed", "budget", "of which"), rows)


def _format_limit(name: str, budget: Budget) -> str:
    limit = getattr(budget, name)
    return "none" if math.isinf(limit) else _format_amount(name, limit)


def _format_amount(name: str, value: float) -> str:
    return f"{value:,.2f}" if name == "dollars" else f"{math.ceil(value):,}"
