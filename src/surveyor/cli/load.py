"""`surveyor load`: run scenarios under load, with all client models at once; `--self-check` only runs the self-check.

Exit codes: 0 all checks passed, 1 a check failed or could not be judged, 2 usage, 3 the target cannot be reached or the
self-check of the instrument failed, 4 something was left behind, 130 interrupted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import (
    Plan,
    print_caller,
)
from surveyor.cli._support.programs import describe_program, find_programs, select_programs
from surveyor.cli._support.target_options import TaskOptions
from surveyor.cli._support.task_settings import TaskSettingOptions
from surveyor.cli._support.waiting import shown_wait
from surveyor.errors import SurveyorError, UsageError
from surveyor.terminal import print_error

if TYPE_CHECKING:
    from surveyor.report.model import ConformanceReport
    from surveyor.targets.model import Target

__all__ = ["load"]

COMPARISONS = {"compare-architectures": ("compare-direct", "compare-connect")}
"""Scenarios that are played together, because one service cannot have the tasks of both."""


@with_option_groups
def load(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|PATH.py", help="Scenarios to run; without any, all of Surveyor's."),
    ] = None,
    every: Annotated[bool, typer.Option("--list", help="List scenarios and client models, and exit.")] = False,
    self_check: Annotated[
        bool, typer.Option("--self-check", help="Only check that this client counts known errors correctly.")
    ] = False,
    runtimes: Annotated[
        bool,
        typer.Option(
            "--runtimes",
            help="Measure real clients (nginx, a JVM, gRPC …) instead, in a sandbox; names are those of runtimes.",
        ),
    ] = False,
    scenario: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --runtimes: that scenario (--runtimes --list prints all)."),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --runtimes: write the table as Markdown to this file.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target to run against.")] = "embedded",
    task: TaskSettingOptions,
    scale: Annotated[
        float | None,
        typer.Option(
            min=0.1, max=100, metavar="N", help="Speed-up: simulated seconds per real second (embedded target only)."
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="N", help="Arrivals of each client per real second (20, or fewer on a slow machine)."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report (default: reports/out/RUN).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
    account_options: TaskOptions,
    plan: Plan = False,
) -> None:
    """Measure failed calls while a service scales, deploys and loses tasks, for each kind of client."""
    from surveyor.cli._support.run_ending import print_failures, print_sweep
    from surveyor.layout import find_layout
    from surveyor.load.console import report_lines
    from surveyor.load.scenario import VANISHED
    from surveyor.report.merge import merge_reports
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target
    from surveyor.targets.credentials import hand_over

    layout = find_layout()
    if runtimes or markdown is not None or scenario is not None:
        is_other = self_check or plan or rate or scale or target != "embedded"
        _check_runtimes(is_fitting=runtimes and not is_other)
        folder = out or layout.out / _folder_name("runtimes")
        _run_runtimes(names or [], folder, seed, markdown, scenario or "default", only_list=every)
        return
    known = find_programs(layout.loadtests)
    if every:
        _list(known)
        return
    names = [name for given in names or known for name in COMPARISONS.get(given, (given,))]
    vanished = {f"{name}{VANISHED}": path for name, path in known.items()}
    chosen = select_programs(names, {**known, **vanished}, "scenario", "surveyor load --list", "play")
    target_options = account_options.target_options()
    loaded = load_target(target, layout.targets, target_options)
    if plan:
        from surveyor.cli._support.plan_report import print_program_plan

        print_program_plan(loaded, chosen, "scenario", own_service=True)
        return
    task_settings = task.settings()
    folder = out or layout.out / _folder_name("load")
    if not self_check:
        reserve_folder(folder)
    if not self_check:
        print_caller(loaded)
    typer.echo(f"seed {seed}{_expected_time(loaded, chosen.values())}", err=True)
    max_rate = _self_check(seed, rate)
    if self_check:
        return
    words = ["--target", target, "--scale", f"{scale or 0:g}", "--rate", f"{rate or 0:g}", "--seed", str(seed)]
    words += ["--max-rate", f"{max_rate:g}"]
    words += ["--task-settings", task_settings.dumps()] if task_settings else []
    given_options = {key: value for key, value in vars(target_options).items() if value}
    words += ["--target-options", json.dumps(given_options)]
    codes, parts = [], {}
    with hand_over(loaded):
        for name, path in chosen.items():
            more = ["--vanish"] if vanished.get(name) == path else []
            code, report = _play(path, folder / name, [*words, *more])
            codes.append(code)
            if report is not None:
                parts[name] = report
                for line in report_lines(report):
                    typer.echo(line)
                print_sweep(report.leaked_resources, folder / name, report.started)
            if codes[-1] == 130:
                break
    if parts:
        report = merge_reports(parts)
        _save(report, folder)
        print_failures(report)
    raise typer.Exit(_worst(codes))


def _check_runtimes(*, is_fitting: bool) -> None:
    if not is_fitting:
        raise UsageError(
            "--runtimes runs on the embedded target in real time, without --target, --scale, --rate, --plan and "
            "--self-check; --scenario and --markdown go with --runtimes"
        )


def _run_runtimes(
    names: list[str], folder: Path, seed: int, markdown: Path | None, scenario: str, *, only_list: bool
) -> None:
    from surveyor.cli._support.runtimes_run import list_runtimes, run_runtimes

    if only_list:
        list_runtimes()
    else:
        run_runtimes(names, folder, seed, markdown, scenario)


def _folder_name(kind: str) -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{kind}-{os.getpid()}"


def _expected_time(target: Target, files: Iterable[Path]) -> str:
    """Return how long scenarios take in an account, where they are played in real time."""
    from surveyor.chaos.plan import plan_programs

    if not target.is_one_account or target.start is not None:
        return ""
    return f"; about {plan_programs(files, own_service=True).minutes:.0f} minutes in all in real time (scale 1)"


def _worst(codes: list[int]) -> int:
    """Return the exit code of several scenarios: 5 if none could be judged, 3 for a process that broke."""
    if any(code not in (0, 1, 2, 4, 5, 130) for code in codes):
        codes = [3, *codes]
    return next((code for code in (130, 3, 4, 2, 1) if code in codes), 0 if 0 in codes else 5)


def _self_check(seed: int, rate: float | None) -> float:
    """Run the self-check, print it, and return the attempts per second that this machine can make.

    Raises SurveyorError if it fails, UsageError if the rate is too high.
    """
    from surveyor.callers import TOTAL_SHARE
    from surveyor.load.call_rate import check_rate
    from surveyor.load.self_check import Reading, self_check_in_subprocess
    from surveyor.messages import UNTRUSTED

    typer.echo("self-check of the instrument: a killed fifth, a dead address, a stall (7 s)", err=True)
    check = self_check_in_subprocess(seed)
    typer.echo(f"  {Reading.HEADER}")
    for reading in check.readings:
        typer.echo(f"  {reading}")
    typer.echo(f"  at most {check.max_rate:,.0f} attempts per second")
    if not check.passed:
        raise SurveyorError(UNTRUSTED)
    if rate:
        check_rate(check.max_rate, rate, TOTAL_SHARE)
    return check.max_rate


def _play(locustfile: Path, out: Path, words: list[str]) -> tuple[int, ConformanceReport | None]:
    """Conduct a scenario, whose callers are a process of Locust; return the exit code, and the report or None."""
    from surveyor.conformance.run import exit_code
    from surveyor.load.callers_process import start_callers
    from surveyor.load.conductor import conduct

    with start_callers(locustfile, ["--checked", "--out", str(out), *words]) as callers:
        if callers.conductor_input is None:
            if callers.status not in (2, 3):  # otherwise it has said why in one line
                print_error(f"{locustfile} cannot be played: Locust ended with {callers.status}, for the reason above")
            return callers.status if callers.status == 3 else 2, None
        try:
            with shown_wait(f"playing {out.name}", out):
                report = conduct(callers.conductor_input, callers.link)
        except KeyboardInterrupt:
            return 130, None
        except SurveyorError as error:
            print_error(str(error))
            return 2 if isinstance(error, UsageError) else 3, None
    return exit_code(report), report


def _save(report: ConformanceReport, folder: Path) -> None:
    """Save one report of all scenarios, with its page."""
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.load.console import comparison_lines
    from surveyor.report.file import REPORT_FILE, save_report
    from surveyor.report.outputs import save_outputs

    save_report(report, folder / REPORT_FILE)
    for line in comparison_lines(report):
        typer.echo(line)
    typer.echo(f"page: {save_outputs(report, load_claims(find_layout().claims), folder)}")


def _list(known: dict[str, Path]) -> None:
    from surveyor.callers import MODELS
    from surveyor.load.scenario import VANISHED

    width = max(map(len, (*known, *MODELS)))
    typer.echo("scenarios:")
    for name, path in known.items():
        typer.echo(f"  {name:<{width}}  {describe_program(path)}")
    for name, parts in COMPARISONS.items():
        typer.echo(f"  {name}: {' and '.join(parts)}")
    typer.echo(
        f"  NAME{VANISHED}: any of these, while calls to stopped tasks hang instead of being refused, as on Fargate"
    )
    typer.echo("client models:")
    for model in MODELS.values():
        typer.echo(f"  {model.name:<{width}}  {model.description}; stands for {model.runtime}")
