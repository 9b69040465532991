"""`surveyor load`: scenarios under load, by all client models at once; `--instrument` only checks the instrument.

Exit codes: 0 all held, 1 something did not or could not be judged, 2 usage, 3 the target or the instrument is not to be
trusted, 4 something was left behind, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surveyor.cli.given import Account, Allow, BudgetText, DnsText, Endpoint, Region, Role, Vpc, given, tuning_given
from surveyor.cli.programs import about, check_names, programs_in
from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.report.experiments import ClientRow

__all__ = ["load"]


def load(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Scenarios; all if none.")] = None,
    every: Annotated[bool, typer.Option("--list", help="List scenarios and client models, and do nothing.")] = False,
    instrument: Annotated[bool, typer.Option("--instrument", help="Only check the instrument.")] = False,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Where it is done.")] = "embedded",
    ttl: Annotated[int | None, typer.Option(metavar="S", help="TTL of the records.")] = None,
    stop_timeout: Annotated[int | None, typer.Option(metavar="S", help="The container's stopTimeout.")] = None,
    drain: Annotated[int | None, typer.Option(metavar="S", help="How long it answers after SIGTERM.")] = None,
    no_check: Annotated[bool, typer.Option("--no-check", help="Without a check of the container.")] = False,
    scale: Annotated[
        float, typer.Option(min=0.1, max=100, metavar="N", help="Service seconds a second, on the embedded target.")
    ] = 10,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the figures go (reports/out/RUN).")] = None,
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
    """Measures what callers get while services scale, deploy and lose tasks, for each way of finding them."""
    from surveyor.layout import find_layout
    from surveyor.targets import load_target

    layout = find_layout()
    known = programs_in(layout.loadtests)
    if every:
        _list(known)
        return
    check_names(names or (), known, "scenario", "surveyor load --list")
    how = given(account, region, endpoint, dns, vpc, role, allow, budget)
    load_target(target, layout.targets, how)
    tuning = tuning_given(ttl, stop_timeout, drain, check=not no_check)
    typer.echo(f"seed {seed}", err=True)
    _check_instrument(seed)
    if instrument:
        return
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-load-{os.getpid()}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    codes = []
    for name in names or known:
        told = {key: value for key, value in vars(how).items() if value}
        codes.append(_run(known[name], folder / name, target, scale, seed, told, tuning.argument() if tuning else ""))
        _tell(folder / name, name)
    raise typer.Exit(next((code for code in (130, 3, 4, 2, 1) if code in codes), 0))


def _check_instrument(seed: int) -> None:
    """Raises SurveyorError if this machine's client does not count what it should."""
    from surveyor.load.instrument import UNTRUSTED, checked_apart

    typer.echo("checking the instrument: a killed fifth, a dead address, a stall (9 s)", err=True)
    readings = checked_apart(seed)
    for one in readings:
        typer.echo(f"  {one}")
    if not all(one.right for one in readings):
        raise SurveyorError(UNTRUSTED)


def _run(locustfile: Path, out: Path, target: str, scale: float, seed: int, how: dict[str, Any], tuning: str) -> int:
    """Locust, as a process of its own: imported after boto3 it would patch sockets that are in use."""
    users = ["--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup"]
    words = ["--target", target, "--scale", f"{scale:g}", "--seed", str(seed), "--out", str(out), "--checked"]
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), *users, *words, "--given", json.dumps(how)]
    command += ["--tuning", tuning] if tuning else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        return 130


def _tell(folder: Path, name: str) -> None:
    """Put what clients got into the report, and tell it."""
    from surveyor.claims import load_claims
    from surveyor.history import HistoryBroken
    from surveyor.layout import find_layout
    from surveyor.load.told import told_with
    from surveyor.report.file import REPORT_FILE, load_report, save_report
    from surveyor.report.forms import save_forms

    try:
        report = told_with(load_report(folder / REPORT_FILE), folder)
    except (HistoryBroken, UsageError, OSError, ValueError) as broken:
        typer.echo(f"{name}: nothing to tell: {broken}", err=True)
        return
    save_report(report, folder / REPORT_FILE)
    page = save_forms(report, load_claims(find_layout().claims), folder)
    for one in report.experiments:
        typer.echo(f"\n{one.name}: {one.verdict}: {one.title}")
        typer.echo("  latency in wall time from when a call was due, outage and recovery in service seconds")
        rows = [_HEAD, *(_row(row) for row in one.clients)]
        wide = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            typer.echo("  " + "  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip())
        for sentence in one.sentences:
            typer.echo(f"  {sentence}")
    typer.echo(f"  page: {page}")


_HEAD = ("client", "phase", "attempts", "failed %", "masked %", "p50 ms", "p99 ms", "outage s", "recovery s")


def _row(one: ClientRow) -> tuple[str, ...]:
    return (
        one.client,
        one.phase,
        f"{one.attempts}",
        f"{one.failed[0]:.2f}",
        f"{one.masked[0]:.2f}",
        f"{one.p50:.1f}",
        f"{one.p99:.1f}",
        f"{one.outage:.0f}",
        f"{one.recovery:.0f}",
    )


def _list(known: dict[str, Path]) -> None:
    from surveyor.load.models import MODELS

    wide = max(map(len, (*known, *MODELS)))
    typer.echo("scenarios:")
    for name, path in known.items():
        typer.echo(f"  {name:<{wide}}  {about(path)}")
    typer.echo("client models:")
    for model in MODELS.values():
        typer.echo(f"  {model.name:<{wide}}  {model.does}")
