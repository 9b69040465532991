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
import time
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
from surveyor.errors import SurveyorError

if TYPE_CHECKING:
    from surveyor.report.model import ConformanceReport

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
        float | None,
        typer.Option(min=0.1, max=100, metavar="N", help="Service seconds a second, on the embedded target."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, metavar="N", help="Arrivals of each client in a (wall) second.")
    ] = None,
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
    from surveyor.load.console import lines_of
    from surveyor.report.file import fresh_report
    from surveyor.report.merge import joined
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
    _check_instrument(seed, rate)
    if instrument:
        return
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-load-{os.getpid()}"
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    words = ["--target", target, "--scale", f"{scale or 0:g}", "--rate", f"{rate or 0:g}", "--seed", str(seed)]
    words += ["--tuning", tuning.argument()] if tuning else []
    words += ["--given", json.dumps({key: value for key, value in vars(how).items() if value})]
    codes, parts = [], {}
    for name in names or known:
        since = time.time()
        codes.append(_run(known[name], folder / name, words))
        report = fresh_report(folder / name, since)
        if report is not None:
            parts[name] = report
            for line in lines_of(report):
                typer.echo(line)
        if codes[-1] == 130:
            break
    if parts:
        _save(joined(parts), folder)
    raise typer.Exit(next((code for code in (130, 3, 4, 2, 1) if code in codes), 0))


def _check_instrument(seed: int, rate: float | None) -> None:
    """Raises SurveyorError if this machine's client does not count what it should, or cannot call so often."""
    from surveyor.load.client_models import CLIENTS_IN_ALL
    from surveyor.load.self_check import UNTRUSTED, check_rate, checked_apart

    typer.echo("checking the instrument: a killed fifth, a dead address, a stall (7 s)", err=True)
    checked = checked_apart(seed)
    for one in checked.readings:
        typer.echo(f"  {one}")
    typer.echo(f"  at most {checked.most:,.0f} attempts a second")
    if not checked.right:
        raise SurveyorError(UNTRUSTED)
    if rate:
        check_rate(checked, rate, CLIENTS_IN_ALL)


def _run(locustfile: Path, out: Path, words: list[str]) -> int:
    """Locust, as a process of its own: imported after boto3 it would patch sockets that are in use.

    Its session is its own too: Ctrl-C would break into whatever its greenlets are doing, which SIGTERM does not.
    """
    users = ["--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup"]
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), *users, "--checked", "--out", str(out), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        for one in (signal.SIGINT, signal.SIGTERM):  # what was done is undone already
            signal.signal(one, signal.SIG_IGN)
        process.terminate()
        process.wait()
        return 130


def _save(report: ConformanceReport, folder: Path) -> None:
    """One report of all scenarios, with its page."""
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.load.console import comparison_lines
    from surveyor.report.file import REPORT_FILE, save_report
    from surveyor.report.outputs import save_forms

    save_report(report, folder / REPORT_FILE)
    for line in comparison_lines(report):
        typer.echo(line)
    typer.echo(f"page: {save_forms(report, load_claims(find_layout().claims), folder)}")


def _list(known: dict[str, Path]) -> None:
    from surveyor.load.client_models import MODELS

    wide = max(map(len, (*known, *MODELS)))
    typer.echo("scenarios:")
    for name, path in known.items():
        typer.echo(f"  {name:<{wide}}  {about(path)}")
    typer.echo("client models:")
    for model in MODELS.values():
        typer.echo(f"  {model.name:<{wide}}  {model.does}")
