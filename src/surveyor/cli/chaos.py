"""`surveyor chaos`: run experiments by name; `surveyor verify`: judge a history from its file alone.

Exit codes of both: 0 all checks passed, 1 a check failed or could not be judged, 2 usage, 3 the target cannot be
reached or a fault failed, 4 something was left behind, 5 nothing was done: the target supports none of the experiments,
or limits forbid the first fault of each; 130 interrupted.
An experiment that was named and that the target does not support counts as not judged.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
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
from surveyor.errors import UsageError
from surveyor.terminal import print_error
from surveyor.visible_text import one_line

if TYPE_CHECKING:
    from surveyor.checkers import Judgement
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.pytest_plugin.options import Chaos
    from surveyor.report.experiments import ExperimentReport
    from surveyor.report.model import ConformanceReport
    from surveyor.targets.model import Target

__all__ = ["chaos", "verify"]

ANY_FAULT = "any-fault"
"""The experiment that `--fault` selects."""


@with_option_groups
def chaos(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|PATH.py", help="Experiments to run; without any, all of Surveyor's."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--list", help="List experiments and faults; with --service: what can be done."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the victims, and exit before the first fault.")
    ] = False,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target to run against.")] = "embedded",
    service: Annotated[
        str,
        typer.Option(
            metavar="CLUSTER/SERVICE", help="ECS service to disrupt (CLUSTER/SERVICE); default: create a temporary one."
        ),
    ] = "",
    task: TaskSettingOptions,
    path: Annotated[
        str, typer.Option(metavar="PATH", help="What is called with --service; default: its health check's path, or /.")
    ] = "",
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Run any-fault with this fault (task.pause); may be repeated."),
    ] = None,
    duration: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long the faults of any-fault last (service seconds).")
    ] = 30,
    scale: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=100,
            metavar="N",
            help="Speed-up: simulated seconds per real second (embedded target only).",
        ),
    ] = 10,
    max_task_share: Annotated[
        float, typer.Option(min=0.01, max=1, metavar="SHARE", help="Maximum share of the service's tasks to disrupt.")
    ] = 0.5,
    max_tasks: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Maximum number of the service's tasks to disrupt or to add.")
    ] = None,
    min_healthy: Annotated[int, typer.Option(min=0, metavar="N", help="Minimum number of healthy tasks to keep.")] = 1,
    max_error_rate: Annotated[
        float,
        typer.Option(
            min=0.01, max=1, metavar="SHARE", help="Stop when more than this share of the last 100 calls fails."
        ),
    ] = 0.2,
    kill_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Stop when this file exists.")] = None,
    stop_on_alarm: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Stop when this CloudWatch alarm is in ALARM; may be repeated."),
    ] = None,
    yes_production: Annotated[
        bool, typer.Option("--yes-production", help="Disrupt a service whose name or tags say production.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report (default: reports/out/RUN).")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes, each with a separate target; 0 chooses.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
    account_options: TaskOptions,
    plan: Plan = False,
) -> None:
    """Run experiments: inject faults into a service under traffic, and judge what was observed."""
    from rich.console import Console

    from surveyor.chaos.faults import find_fault
    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.progress import CountingProgress, make_progress
    from surveyor.cli._support.run_ending import print_not_searched
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.conformance.run import check_account, run_suites
    from surveyor.layout import find_layout
    from surveyor.pytest_plugin.options import Chaos
    from surveyor.report.outputs import save_outputs
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target
    from surveyor.targets.options import pinned

    layout = find_layout()
    known = find_programs(layout.chaos)
    if every and not service:
        _list(known)
        return
    names = names or ([ANY_FAULT] if fault else [])
    chosen = select_programs(names or known, known, "experiment", "surveyor chaos --list", "experiment")
    files = tuple(chosen.values())
    target_options = account_options.target_options()
    loaded = load_target(target, layout.targets, target_options)
    target_options = pinned(target_options, loaded)
    if path and (not path.startswith("/") or not path.isprintable() or " " in path):
        raise UsageError(f"--path: expected a path such as /health, got {one_line(path)!r}")
    if service and (service.count("/") != 1 or not all(service.split("/"))):
        raise UsageError(f"expected --service CLUSTER/SERVICE, got {service!r}")
    if service and loaded.start is not None:
        raise UsageError(
            f"{target} is started for the run and has no service {service} yet: choose an endpoint with --target URL"
        )
    if plan:
        from surveyor.cli._support.plan_report import print_program_plan

        print_program_plan(loaded, chosen, "experiment", own_service=not service)
        return
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-chaos-{os.getpid()}"
    task_settings = task.settings()
    for name in fault or ():
        find_fault(name)
    options = Chaos(
        scale=scale,
        service=service,
        dry_run=dry_run or every,
        task_settings=task_settings,
        max_task_share=max_task_share,
        max_tasks=max_tasks,
        min_healthy=min_healthy,
        max_error_rate=max_error_rate,
        kill_file=kill_file,
        stop_alarms=tuple(stop_on_alarm or ()),
        yes_production=yes_production,
        path=path,
        faults=tuple(fault or ("task.pause",)),
        duration=duration,
        quiet=every,
    )
    one_process = not loaded.start or len(files) == 1 or dry_run
    count = workers or (1 if one_process else min(2, os.cpu_count() or 1))
    config = RunConfig(
        layout, target, folder, Selection(), count, seed, target_options, experiments=files, chaos=options,
        command="chaos",
    )  # fmt: skip
    if every:
        raise typer.Exit(_list_possible(config, loaded))
    reserve_folder(folder)
    check_account(config)
    print_caller(loaded)
    plural = "s" if len(files) > 1 else ""
    typer.echo(
        f"seed {seed}; {len(files)} experiment{plural}{_expected_time(loaded, files, options)}",
        err=True,
    )
    # A dry run judges nothing: its experiments end as inconclusive, which would read as a problem.
    with CountingProgress(Console(quiet=True)) if dry_run else make_progress(folder) as progress:
        report = run_suites(config, progress)
    unsupported = [result for result in report.experiments if result.verdict == "unsupported"]
    if dry_run and not any(result.verdict == "error" for result in report.experiments):
        for result in unsupported:
            typer.echo(f"{result.name}: {result.verdict}: {result.detail}")
        typer.echo("nothing was injected")
        nothing_can_be_done = len(unsupported) == len(report.experiments)
        raise typer.Exit(5 if nothing_can_be_done else 1 if names and unsupported else 0)
    page = save_outputs(report, load_claims(layout.claims), folder)
    print_not_searched(progress)
    code = _print(report, folder, page)
    if names and unsupported and code in (0, 5):
        for result in unsupported:
            print_error(f"{result.name} could not be judged: {result.detail}")
        code = code or 1
    raise typer.Exit(code)


def verify(
    history: Annotated[Path, typer.Argument(metavar="HISTORY", help="A history (histories/NAME.jsonl of a run).")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, as the run wrote it beside the history.")
    ] = False,
) -> None:
    """Judge a history again: the same file gives the same verdicts."""
    from surveyor.checkers import judge_history
    from surveyor.history import load_history
    from surveyor.typed_json import dump_json

    judgement = judge_history(load_history(history))
    if as_json:
        typer.echo(dump_json(judgement, indent=1), nl=False)
    else:
        for line in _judgement_lines(judgement):
            typer.echo(line)
    raise typer.Exit(0 if judgement.verdict == "pass" else 1)


def _expected_time(target: Target, files: Sequence[Path], options: Chaos) -> str:
    """Return how long experiments take that make their service; each one with a service of others says it itself."""
    from surveyor.chaos.durations import STEADY, describe_seconds, experiment_seconds
    from surveyor.chaos.plan import ACCOUNT_STEADY, OWN_SERVICE
    from surveyor.targets.running import speed_of

    if options.service:
        return ""
    is_account = target.start is None
    scale = speed_of(target, options.scale) if is_account else options.scale
    steady, more = (ACCOUNT_STEADY, OWN_SERVICE) if is_account else (STEADY, STEADY)
    seconds = [(experiment_seconds(file, duration=options.duration, steady=steady) + more) / scale for file in files]
    each = " each" if len(files) > 1 else ""
    return f", {describe_seconds(min(seconds), max(seconds))}{each} at scale {scale:g}"


def _list(known: dict[str, Path]) -> None:
    from surveyor.chaos.faults import FAULTS

    width = max(map(len, (*known, *FAULTS)))
    typer.echo("experiments:")
    for name, path in known.items():
        typer.echo(f"  {name:<{width}}  {describe_program(path)}")
    typer.echo("faults:")
    for fault in FAULTS.values():
        needs = " or ".join("+".join(sorted(found.needs)) for found in fault.implementations)
        typer.echo(f"  {fault.name:<{width}}  {fault.description} [needs {needs}]")


def _list_possible(config: RunConfig, target: Target) -> int:
    """Print what can be done on a service of the user's, by a dry run of each experiment; return the exit code."""
    import tempfile
    from dataclasses import replace

    from rich.console import Console

    from surveyor.cli._support.possible_experiments import print_possible
    from surveyor.cli._support.progress import CountingProgress
    from surveyor.conformance.run import check_account, exit_code, run_suites

    with tempfile.TemporaryDirectory() as folder:
        quiet = replace(config, out=Path(folder), workers=1)
        check_account(quiet)
        print_caller(target)
        with CountingProgress(Console(quiet=True)) as progress:
            report = run_suites(quiet, progress)
    errors = [result for result in report.experiments if result.verdict == "error"]
    for line in dict.fromkeys(result.detail for result in errors):
        print_error(line)
    if report.failure:
        print_error(report.failure)
    if report.failure or errors:
        return exit_code(report)
    print_possible(report, target, config.chaos, config.seed)
    return 5 if all(result.verdict == "unsupported" for result in report.experiments) else 0


def _print(report: ConformanceReport, folder: Path, page: Path) -> int:
    """Print the results of a run, and return its exit code."""
    from surveyor.chaos.leftovers import LeftBehind
    from surveyor.chaos.recovery import faults_in_effect
    from surveyor.cli._support.run_ending import print_failures, print_left_behind
    from surveyor.conformance.run import exit_code

    for result in report.experiments:
        typer.echo("")
        for line in _result_lines(result, folder):
            typer.echo(line)
    print_left_behind(report.leaked_resources, folder, report.started)
    typer.echo(f"\npage: {page}")
    print_failures(report)
    if in_effect := faults_in_effect(folder):
        print_error(
            f"not undone: {', '.join(in_effect)}; once it can be, surveyor sweep {shlex.quote(str(folder))} undoes it"
        )
    if in_effect or any(LeftBehind.__name__ in result.symptom for result in report.experiments):
        return 4
    code = exit_code(report)
    was_done = any(result.judged is not None and result.judged.faults for result in report.experiments)
    return 1 if code == 5 and was_done else code


def _result_lines(result: ExperimentReport, folder: Path) -> list[str]:
    if result.judged is None:
        return [f"{result.name}: {result.verdict}: {result.detail}"]
    lines = _judgement_lines(result.judged)
    lines += [f"  {result.verdict}: {result.detail}"] if result.verdict is not result.judged.verdict else []
    return [*lines, f"  history: {folder / result.history}"]


def _judgement_lines(judgement: Judgement) -> list[str]:
    """Return a judgement as lines for people: faults and victims, each check with its witness, the figures."""
    from surveyor.checkers.figures import CHECKED_BY

    scale = f"{judgement.scale:g}"
    lines = [
        f"{judgement.experiment}: {judgement.verdict}",
        f"  {judgement.title}",
        f"  on {judgement.target}, seed {judgement.seed}, {judgement.seconds:g} service seconds at {scale} per second",
    ]
    lines += [f"  stopped: {judgement.stopped}"] if judgement.stopped else []
    for fault in judgement.faults:
        victims = f" of {', '.join(victim[:8] for victim in fault.victims)}" if fault.victims else ""
        end = f" to {fault.end:g}" if fault.end - fault.start > 0.5 else ""
        described = f": {fault.description}" if fault.description else ""
        lines.append(f"  fault {fault.fault}{victims} at {fault.start:g}{end} s{described}")
    for verdict in judgement.checks:
        lines.append(f"  {verdict.verdict:<12} {verdict.label}: {verdict.detail}")
        lines += [f"  {'':<12}   event {event.event}: {event.description}" for event in verdict.witness]
    checks = {check.check for check in judgement.checks}
    for figure in judgement.figures:
        note = "" if CHECKED_BY.get(figure.figure) in checks else " (measured, not checked)"
        lines.append(f"  {figure.figure}: {figure.text}{note}")
    return lines
