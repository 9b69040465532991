"""`surveyor advise`: the life of one task measured, or read from a report, and what would close its danger window.

Exit codes: 0 the window is closed, 1 it is open, 2 usage, 3 the target cannot be reached or could not be measured,
4 something was left behind, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, BudgetText, DnsText, Endpoint, Region, Role, Vpc, given
from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.advice.figures import Figures
    from surveyor.report.model import ConformanceReport

__all__ = ["advise"]


def advise(
    report: Annotated[
        Path | None, typer.Argument(metavar="[REPORT.json]", help="Read this report instead of measuring.")
    ] = None,
    ttl: Annotated[int, typer.Option(metavar="S", help="TTL of the records.")] = 60,
    stop_timeout: Annotated[int, typer.Option(metavar="S", help="The container's stopTimeout.")] = 30,
    drain: Annotated[int, typer.Option(metavar="S", help="How long it answers after SIGTERM.")] = 0,
    no_check: Annotated[bool, typer.Option("--no-check", help="The container has no health check.")] = False,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Where it is measured.")] = "embedded",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes (reports/out/RUN).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 7,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
    dns: DnsText = None,
    vpc: Vpc = None,
    role: Role = None,
    budget: BudgetText = None,
) -> None:
    """Says how long clients call a task after its death, and which stopTimeout, TTL and drain would end that."""
    from surveyor.advice.figures import CLAIM, GAP_CLAIM, parse_task_settings
    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import progress_for
    from surveyor.conformance.run import RunConfig, check_account, exit_code, run_suites
    from surveyor.layout import find_layout
    from surveyor.report.file import load_report
    from surveyor.report.outputs import save_forms

    if report is not None:
        raise typer.Exit(_tell(_figures(load_report(report)), "", target))
    try:
        tuning = parse_task_settings(f"ttl={ttl},stop={stop_timeout},drain={drain},check={int(not no_check)}")
    except ValueError as wrong:
        raise UsageError(str(wrong)) from None
    layout = find_layout()
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-advise-{os.getpid()}"
    how = given(account, region, endpoint, dns, vpc, role, None, budget)
    order = RunConfig(layout, target, folder, Selection((), (CLAIM, GAP_CLAIM)), 1, seed, how, tuning)
    check_account(order)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    with progress_for() as progress:
        made = run_suites(order, progress)
    page = save_forms(made, load_claims(layout.claims), folder)
    for line in made.left_behind:
        typer.echo(f"left behind: {line}", err=True)
    code = exit_code(made)
    if code in (3, 4, 130):
        if made.failure:
            typer.echo(f"surveyor: {made.failure}", err=True)
        raise typer.Exit(code)
    raise typer.Exit(_tell(_figures(made), str(page), target))


def _figures(report: ConformanceReport) -> Figures:
    from surveyor.advice.figures import CLAIM, GAP_CLAIM, figures_of

    tests = {claim.id: claim.tests for claim in report.claims if claim.id in (CLAIM, GAP_CLAIM)}
    for test in tests.get(CLAIM, ()):
        try:
            return figures_of(entry for found in tests.values() for one in found for entry in one.evidence)
        except KeyError:
            raise SurveyorError(f"the life of the task was not measured: {test.verdict}: {test.detail}") from None
    raise UsageError(f"the report says nothing of {CLAIM}: surveyor conform --claim {CLAIM} measures it")


def _tell(figures: Figures, page: str, target: str) -> int:
    from surveyor.advice.recommendations import advise as advice_of

    advice = advice_of(figures)
    typer.echo(f"{figures.tuning}; service seconds, each between the two looks that saw it:")
    wide = max(map(len, figures.seen))
    for name, one in figures.seen.items():
        shown = f"{one.low:.1f}" if one.low == one.high else f"{one.low:.1f} to {one.high:.1f}"
        typer.echo(f"  {name:<{wide}}  {shown}")
    for line in advice.lines:
        typer.echo(line)
    for number, (tuning, why) in enumerate(advice.ways, 1):
        typer.echo(f"{number}. {tuning}: {why}.")
        again = f"--ttl {tuning.ttl} --stop-timeout {tuning.stop_timeout} --drain {tuning.drain}"
        again += "" if tuning.check else " --no-check"
        typer.echo(f"   to see it: surveyor advise {again}{'' if target == 'embedded' else f' --target {target}'}")
    if page:
        typer.echo(f"page: {page}")
    return 0 if advice.is_closed else 1
