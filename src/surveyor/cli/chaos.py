"""`surveyor chaos`: experiments by name; `surveyor check`: the verdict on a history, from its file alone.

Exit codes of both: 0 all held, 1 something did not or could not be judged, 2 usage, 3 the target cannot be reached or
a fault failed, 4 something was left behind, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import (
    Account,
    Allow,
    BudgetText,
    DnsText,
    Endpoint,
    Region,
    Role,
    Vpc,
    given,
    tuning_given,
)
from surveyor.cli._support.programs import about, check_names, programs_in
from surveyor.errors import UsageError

if TYPE_CHECKING:
    from surveyor.checkers import Judged
    from surveyor.report.model import ConformanceReport

__all__ = ["chaos", "check"]


def chaos(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Experiments; all if none.")] = None,
    every: Annotated[bool, typer.Option("--list", help="List experiments and faults, and do nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Choose the victims, and do nothing to them.")] = False,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Where it is done.")] = "embedded",
    service: Annotated[
        str, typer.Option(metavar="CLUSTER/SERVICE", help="To whom; a service of its own if not given.")
    ] = "",
    ttl: Annotated[int | None, typer.Option(metavar="S", help="TTL of the records.")] = None,
    stop_timeout: Annotated[int | None, typer.Option(metavar="S", help="The container's stopTimeout.")] = None,
    drain: Annotated[int | None, typer.Option(metavar="S", help="How long it answers after SIGTERM.")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Without a check of the container.")] = False,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="What any-fault does (task.pause); may be repeated.")
    ] = None,
    lasts: Annotated[float, typer.Option(min=1, metavar="S", help="For how long it does so (service seconds).")] = 30,
    scale: Annotated[
        float, typer.Option(min=0.1, max=100, metavar="N", help="Service seconds a second, on the embedded target.")
    ] = 10,
    most_share: Annotated[
        float, typer.Option(min=0.01, max=1, metavar="S", help="Share of the service's tasks that may be taken.")
    ] = 0.5,
    survivors: Annotated[int, typer.Option(min=0, metavar="N", help="Tasks of it that have to be left.")] = 1,
    most_errors: Annotated[
        float, typer.Option(min=0.01, max=1, metavar="S", help="Stop when more of the last 100 calls fail.")
    ] = 0.9,
    kill_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Stop when this file is there.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes (reports/out/RUN).")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes, each with a target of its own; 0 chooses.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 7,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
    dns: DnsText = None,
    vpc: Vpc = None,
    role: Role = None,
    allow: Allow = None,
    budget: BudgetText = None,
) -> None:
    """Does experiments: faults under observation, a history, and a verdict that can be recomputed."""
    from surveyor.chaos.faults import fault_of
    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import progress_for
    from surveyor.conformance.run import RunConfig, check_account, run_suites
    from surveyor.layout import find_layout
    from surveyor.pytest_plugin.options import Chaos
    from surveyor.report.outputs import save_forms
    from surveyor.targets import load_target

    layout = find_layout()
    known = programs_in(layout.chaos)
    if every:
        _list(known)
        return
    check_names(names or (), known, "experiment", "surveyor chaos --list")
    files = tuple(known[name] for name in (names or known))
    how = given(account, region, endpoint, dns, vpc, role, allow, budget)
    chosen = load_target(target, layout.targets, how)
    if service and chosen.start is not None:
        raise UsageError(f"{target} is started for the run and has no service {service} yet: name an endpoint")
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-chaos-{os.getpid()}"
    tuning = tuning_given(ttl, stop_timeout, drain, check=not no_check)
    for one in fault or ():
        fault_of(one)
    wanted = tuple(fault or ("task.pause",))
    how_far = Chaos(scale, service, dry_run, tuning, most_share, survivors, most_errors, kill_file, wanted, lasts)
    alone = not chosen.start or len(files) == 1 or dry_run
    count = workers or (1 if alone else min(2, os.cpu_count() or 1))
    order = RunConfig(layout, target, folder, Selection(), count, seed, how, experiments=files, chaos=how_far)
    check_account(order)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    typer.echo(
        f"seed {seed}; {len(files)} experiment{'s' if len(files) > 1 else ''}, about 20 s each at scale 10", err=True
    )
    with progress_for() as progress:
        report = run_suites(order, progress)
    if dry_run and not any(shown.verdict == "error" for shown in report.experiments):
        for shown in report.experiments:
            if shown.verdict == "unsupported":
                typer.echo(f"{shown.name}: {shown.verdict}: {shown.detail}")
        return
    page = save_forms(report, load_claims(layout.claims), folder)
    raise typer.Exit(_tell(report, folder, page))


def check(
    history: Annotated[Path, typer.Argument(metavar="HISTORY", help="A history (histories/NAME.jsonl of a run).")],
    as_json: Annotated[bool, typer.Option("--json", help="As the run wrote it beside the history.")] = False,
) -> None:
    """Judges a history again: the same file gives the same verdicts."""
    from surveyor.checkers import judge_history
    from surveyor.history import load_history

    judged = judge_history(load_history(history))
    if as_json:
        typer.echo(judged.dumps(), nl=False)
    else:
        for line in _lines(judged):
            typer.echo(line)
    raise typer.Exit(0 if judged.verdict == "pass" else 1)


def _list(known: dict[str, Path]) -> None:
    from surveyor.chaos.faults import FAULTS

    wide = max(map(len, (*known, *FAULTS)))
    typer.echo("experiments:")
    for name, path in known.items():
        typer.echo(f"  {name:<{wide}}  {about(path)}")
    typer.echo("faults:")
    for fault in FAULTS.values():
        needs = " or ".join("+".join(sorted(way.needs)) for way in fault.ways)
        typer.echo(f"  {fault.name:<{wide}}  {fault.does} [needs {needs}]")


def _tell(report: ConformanceReport, folder: Path, page: Path) -> int:
    from surveyor.conformance.run import exit_code
    from surveyor.pytest_plugin.verdict_rules import REFUSED

    for one in report.experiments:
        typer.echo("")
        if one.judged is None:
            typer.echo(f"{one.name}: {one.verdict}: {one.detail}")
            continue
        for line in _lines(one.judged):
            typer.echo(line)
        if one.verdict is not one.judged.verdict:
            typer.echo(f"  {one.verdict}: {one.detail}")
        typer.echo(f"  history: {folder / one.history}")
    for left in report.left_behind:
        typer.echo(f"left behind: {left}", err=True)
    typer.echo(f"\npage: {page}")
    refused = [one for one in report.experiments if REFUSED in one.symptom]
    for one in refused:
        typer.echo(f"surveyor: {one.name}: {one.detail}", err=True)
    if report.failure:
        typer.echo(f"surveyor: {report.failure}", err=True)
    return exit_code(report)


def _lines(judged: Judged) -> list[str]:
    """A verdict for people: what was done to whom, each check with its witness, the figures."""
    lines = [
        f"{judged.experiment}: {judged.verdict}",
        f"  {judged.title}",
        f"  on {judged.target}, seed {judged.seed}, {judged.seconds:g} service seconds at {judged.scale:g} a second",
    ]
    lines += [f"  stopped: {judged.stopped}"] if judged.stopped else []
    for deed in judged.deeds:
        whom = f" of {', '.join(victim[:8] for victim in deed.victims)}" if deed.victims else ""
        until = f" to {deed.end:g}" if deed.end - deed.start > 0.5 else ""
        lines.append(f"  did {deed.fault}{whom} at {deed.start:g}{until} s")
    for one in judged.checks:
        lines.append(f"  {one.verdict:<12} {one.named}: {one.detail}")
        lines += [f"  {'':<12}   event {event.event}: {event.told}" for event in one.witness]
    lines += [f"  {one.figure}: {one.shown}" for one in judged.figures]
    return lines
