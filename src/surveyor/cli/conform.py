"""`surveyor survey` and `surveyor conform`: every documented behaviour on one target, one report."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, Allow, BudgetText, DnsText, Endpoint, Region, Role, Vpc, given
from surveyor.errors import UsageError
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions

if TYPE_CHECKING:
    from surveyor.conformance.run import RunConfig
    from surveyor.report.model import ConformanceReport

__all__ = ["conform", "survey"]

Area = Annotated[list[str] | None, typer.Option("--area", metavar="AREA", help="Only this area; may be repeated.")]
Chosen = Annotated[list[str] | None, typer.Option("--claim", metavar="ID", help="Only this claim; may be repeated.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes (reports/out/RUN).")]
Workers = Annotated[int, typer.Option(min=0, help="Processes, each with a target of its own; 0 chooses.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Plan = Annotated[bool, typer.Option("--plan", help="Say what the run would do and cost, and create nothing.")]

_WAITING = 4
"""Workers where nearly all time is waiting for somebody else's clock."""

_LOOK_AGAIN = timedelta(days=365)


def survey(
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="What is tested.")] = "embedded",
    area: Area = None,
    claim: Chosen = None,
    out: Out = None,
    workers: Workers = 0,
    seed: Seed = 7,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
    dns: DnsText = None,
    vpc: Vpc = None,
    role: Role = None,
    allow: Allow = None,
    budget: BudgetText = None,
    plan: Plan = False,  # an option of the command line, given by its name
) -> None:
    """Checks every documented behaviour, on the embedded target unless told otherwise, and shows what callers feel.

    The latter only in a survey of everything, on a target that is started for it.
    """
    how = given(account, region, endpoint, dns, vpc, role, allow, budget)
    _run(target, area, claim, out, workers, seed, how, plan=plan, update=False, felt=True)


def conform(
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="What is tested.")],
    area: Area = None,
    claim: Chosen = None,
    out: Out = None,
    workers: Workers = 0,
    seed: Seed = 7,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
    dns: DnsText = None,
    vpc: Vpc = None,
    role: Role = None,
    allow: Allow = None,
    budget: BudgetText = None,
    plan: Plan = False,  # an option of the command line, given by its name
    update_expectations: Annotated[
        bool, typer.Option("--update-expectations", help="Write down what came as what is expected of this target.")
    ] = False,
) -> None:
    """Judges a target against the claims and against what is expected of it; exit 1 if a verdict moved."""
    how = given(account, region, endpoint, dns, vpc, role, allow, budget)
    _run(target, area, claim, out, workers, seed, how, plan=plan, update=update_expectations)


def _run(
    target: str,
    areas: list[str] | None,
    claims: list[str] | None,
    out: Path | None,
    workers: int,
    seed: int,
    how: TargetOptions,
    *,
    plan: bool,
    update: bool,
    felt: bool = False,
) -> None:
    # Imported here: pytest and botocore are slow to load, and `surveyor --help` needs neither.
    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.console_report import tell
    from surveyor.cli._support.progress import progress_for
    from surveyor.cli._support.survey_experiments import run_experiments_after_survey, supports_experiments
    from surveyor.conformance.run import RunConfig, check_account, exit_code, run_suites
    from surveyor.layout import find_layout
    from surveyor.report.file import REPORT_FILE, save_report
    from surveyor.report.outputs import save_forms
    from surveyor.targets import load_target

    layout = find_layout()
    selection = Selection(tuple(areas or ()), tuple(claims or ()))
    chosen = load_target(target, layout.targets, how)
    if update and (not selection.is_full or chosen.file is None):
        raise UsageError("--update-expectations needs a full run of a target that has a file")
    if update and not layout.is_checkout and chosen.file == layout.targets / f"{chosen.name}.toml":
        raise UsageError(f"{chosen.file} belongs to an installed package; copy it and give the copy as --target")
    if out is None:
        out = layout.out / _run_id(chosen.name)
    if workers == 0:
        workers = _workers(chosen) if selection.is_full else 1
    if workers > 1 and not chosen.start and not chosen.is_one_account:
        raise UsageError(f"{chosen.name} is there already, and workers would share its clock: --workers 1")
    if plan:
        from surveyor.cli._support.plan_report import tell_plan

        if not chosen.is_one_account:
            raise UsageError(f"there is nothing to plan on {chosen.name}: --plan goes with --account")
        tell_plan(chosen, selection, layout, workers)
        return
    order = RunConfig(layout, target, out, selection, workers, seed, how)
    check_account(order)
    if chosen.is_one_account:
        typer.echo(f"run {order.run} in account {chosen.account}, {chosen.region}; its ledger is in {out}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    with progress_for() as progress:
        report = run_suites(order, progress)
    tell(report, out / REPORT_FILE)
    if felt and selection.is_full and supports_experiments(chosen) and not (report.failure or report.interrupted):
        report = run_experiments_after_survey(report, out, target, seed)
        save_report(report, out / REPORT_FILE)
    page = save_forms(report, load_claims(layout.claims), out)
    typer.echo(f"page:   {page}")
    code = exit_code(report)
    if report.failure:
        typer.echo(f"surveyor: {report.failure}", err=True)
    _left(report, order)
    if update and code in (0, 1):
        from surveyor.report.build import fresh_expectations
        from surveyor.targets.expectations import expectations_file, load_expectations, write_expectations

        path = expectations_file(chosen, layout.targets)
        expires = datetime.now(UTC).date() + _LOOK_AGAIN
        count = write_expectations(path, chosen.name, fresh_expectations(report, expires), load_expectations(path))
        typer.echo(f"expectations written to {path}: {count}")
        code = 0
    raise typer.Exit(code)


def _left(report: ConformanceReport, order: RunConfig) -> None:
    for line in report.left_behind:
        typer.echo(f"left behind: {line}", err=True)
    if report.left_behind:
        typer.echo(f"to take it away: surveyor sweep --run {order.run} {order.out}", err=True)
    if report.interrupted:
        left = f"{len(report.left_behind)} things were" if report.left_behind else "nothing was"
        typer.echo(f"surveyor: interrupted; {left} left behind", err=True)


def _workers(target: Target) -> int:
    if target.start:
        return min(4, os.cpu_count() or 1)
    return _WAITING if target.is_one_account else 1


def _run_id(target: str) -> str:
    """When, on what, and by which process, fit for a directory's name."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = "".join(letter if letter.isalnum() else "-" for letter in target)
    return f"{stamp}-{name}-{os.getpid()}"
