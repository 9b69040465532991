"""`--plan`: what a run would do and cost, told before anything is created."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields

import typer

from surveyor.account.budget import Budget
from surveyor.claims.selection import Selection
from surveyor.cli._support.progress import progress_for
from surveyor.cli._support.tables import print_table
from surveyor.conformance.dry_run import rehearse
from surveyor.conformance.plan import Plan, beyond, plan_of
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.targets import Target

__all__ = ["tell_plan"]


def tell_plan(target: Target, selection: Selection, layout: Layout, workers: int) -> None:
    """Rehearse and print. Raises UsageError if the run would go beyond its budget."""
    typer.echo(f"rehearsing on the embedded target; nothing is sent to {target.name}")
    with progress_for() as progress:
        plan = plan_of(rehearse(target, selection, layout, progress), workers)
    _print(plan, target, workers)
    over = beyond(plan, target.budget)
    if over:
        raised = ",".join(f"{name}={math.ceil(needed)}" for name, needed in over.items())
        raise UsageError(f"this goes beyond the budget; --budget {raised} would do")


def _print(plan: Plan, target: Target, workers: int) -> None:
    by_service: Counter[str] = Counter()
    for operation, count in plan.calls.items():
        by_service[operation.partition(":")[0]] += count
    calls = ", ".join(f"{service} {count:,}" for service, count in by_service.most_common())
    made = ", ".join(f"{count:,} {what}{'s' if count > 1 else ''}" for what, count in plan.resources.items())
    where = f"account {target.account}, {target.region}"
    typer.echo(f"\n{target.name}, {where}: {plan.tests} tests, {workers} worker{'s' if workers > 1 else ''}")
    total = plan.total
    told = {
        "calls": calls,
        "resources": made,
        "minutes": "at the embedded target's delays",
        "dollars": "at most: as if each instance and health check were billed for a whole month",
    }
    rows = [
        (name, _figure(name, getattr(total, name)), _allowed(name, target.budget), told[name])
        for name in (one.name for one in fields(Budget))
    ]
    print_table(("", "needed", "budget", "of which"), rows)


def _allowed(name: str, budget: Budget) -> str:
    allowed = getattr(budget, name)
    return "none" if math.isinf(allowed) else _figure(name, allowed)


def _figure(name: str, value: float) -> str:
    return f"{value:,.2f}" if name == "dollars" else f"{math.ceil(value):,}"
