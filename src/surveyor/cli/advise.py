"""`surveyor advise`: measure the lifetime of tasks, or read it from a report, and recommend settings.

With --service it watches a deployment of a service of the user's; otherwise it starts a task.

Exit codes: 0 the windows are closed, 1 one is open, 2 usage, 3 the target could not be reached or measured,
4 something was left behind, 130 interrupted.
"""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import (
    Plan,
    print_caller,
)
from surveyor.cli._support.target_options import TaskOptions
from surveyor.cli._support.task_settings import task_settings_from
from surveyor.errors import SurveyorError, UsageError
from surveyor.terminal import print_error
from surveyor.visible_text import visible

if TYPE_CHECKING:
    from surveyor.advice.figures import TaskFigures
    from surveyor.report.model import ConformanceReport
    from surveyor.targets.options import TargetOptions

__all__ = ["advise"]

_CALLS = "ecs-processes"
"""The feature of a target whose tasks can be called."""


@with_option_groups
def advise(
    *,
    report: Annotated[
        Path | None, typer.Argument(metavar="REPORT.json", help="Read this report instead of measuring.")
    ] = None,
    service: Annotated[
        str, typer.Option(metavar="CLUSTER/SERVICE", help="Watch a deployment of this service, and advise for it.")
    ] = "",
    deploy: Annotated[
        bool, typer.Option("--deploy", help="With --service: force a deployment; default: wait for one.")
    ] = False,
    path: Annotated[
        str,
        typer.Option(metavar="PATH", help="With --service: what is called; default: its health check's path, or /."),
    ] = "",
    ttl: Annotated[int, typer.Option(metavar="SECONDS", help="TTL of the DNS records.")] = 60,
    stop_timeout: Annotated[int, typer.Option(metavar="SECONDS", help="The container's stopTimeout.")] = 30,
    drain: Annotated[int, typer.Option(metavar="SECONDS", help="How long the container answers after SIGTERM.")] = 0,
    no_check: Annotated[bool, typer.Option("--no-check", help="No health check of the container.")] = False,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target to run against.")] = "embedded",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report (default: reports/out/RUN).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of all random choices.")] = 7,
    account_options: TaskOptions,
    plan: Plan = False,
) -> None:
    """Measure how long clients call a task after its end, and recommend stopTimeout, TTL and drain that prevent it."""
    from surveyor.advice.figures import CLAIM, GAP_CLAIM
    from surveyor.claims import load_claims
    from surveyor.claims.selection import Selection
    from surveyor.cli._support.console_report import describe_ending
    from surveyor.cli._support.progress import make_progress
    from surveyor.cli._support.run_ending import print_left_behind, print_not_searched
    from surveyor.conformance.pytest_run import RunConfig
    from surveyor.conformance.run import check_account, exit_code, run_suites
    from surveyor.layout import find_layout
    from surveyor.report.file import load_report
    from surveyor.report.outputs import save_outputs
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target

    target_options = account_options.target_options()
    at = _where(target, target_options)
    if service:
        if report is not None:
            raise UsageError("--service measures the service itself: leave the report out")
        raise typer.Exit(_advise_service(service, path, target, target_options, out, seed, at, deploy=deploy))
    if deploy or path:
        raise UsageError("--deploy and --path go with --service")
    if report is not None:
        raise typer.Exit(_print_advice(_figures(load_report(report)), "", at))
    task_settings = task_settings_from(ttl, stop_timeout, drain, check=not no_check)
    assert task_settings is not None, "every setting has a default"
    layout = find_layout()
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-advise-{os.getpid()}"
    loaded = load_target(target, layout.targets, target_options)
    if _CALLS in loaded.on_request and _CALLS not in (loaded.features or ()):
        raise UsageError(f"advise calls a task, which {loaded.name} tests only with --enable {_CALLS}")
    selection = Selection((), (CLAIM, GAP_CLAIM))
    if plan:
        from surveyor.cli._support.plan_report import print_plan

        print_plan(loaded, selection, layout, 1, seed)
        return
    config = RunConfig(
        layout, target, folder, selection, 1, seed, target_options, task_settings,
        command="advise",
    )  # fmt: skip
    reserve_folder(folder)
    check_account(config)
    print_caller(loaded)
    with make_progress(folder) as progress:
        measured = run_suites(config, progress)
    page = save_outputs(measured, load_claims(layout.claims), folder)
    print_not_searched(progress)
    print_left_behind(measured.leaked_resources, folder, measured.started)
    code = exit_code(measured)
    if code in (3, 4, 130):
        if problem := measured.failure or (describe_ending(measured) if code == 3 else ""):
            print_error(problem)
        raise typer.Exit(code)
    raise typer.Exit(_print_advice(_figures(measured), str(page), at))


def _advise_service(
    name: str,
    path: str,
    target: str,
    options: TargetOptions,
    out: Path | None,
    seed: int,
    at: str,
    *,
    deploy: bool,
) -> int:
    from surveyor.cli._support.advised_service import AdvisedService, advise_service
    from surveyor.layout import find_layout
    from surveyor.observers.existing_service import parse_name
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target

    parse_name(name, "--service")
    layout = find_layout()
    loaded = load_target(target, layout.targets, options, "read")
    if loaded.start is not None:
        raise UsageError(f"{loaded.name} would be started empty: choose an account or an endpoint with --target")
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-advise-{os.getpid()}"
    reserve_folder(folder)
    return advise_service(loaded, AdvisedService(name, path, deploy, seed, at), folder)


def _where(target: str, options: TargetOptions) -> str:
    """Return the options that name the target, for a command that measures again."""
    chosen = {
        "target": None if target == "embedded" else target,
        **{name: getattr(options, name) for name in ("account", "region", "endpoint", "dns")},
        "enable": ",".join(options.enable),
    }
    words = (f" --{name} {shlex.quote(value)}" for name, value in chosen.items() if value)
    return visible("".join(words))


def _figures(report: ConformanceReport) -> TaskFigures:
    from surveyor.advice.figures import CLAIM, GAP_CLAIM, figures_of

    tests = {claim.id: claim.tests for claim in report.claims if claim.id in (CLAIM, GAP_CLAIM)}
    for test in tests.get(CLAIM, ()):
        try:
            return figures_of(entry for results in tests.values() for result in results for entry in result.evidence)
        except KeyError:
            raise SurveyorError(f"the lifetime of the task was not measured: {test.verdict}: {test.detail}") from None
    raise UsageError(f"the report has no result for {CLAIM}: measure it with surveyor conform --claim {CLAIM}")


def _print_advice(figures: TaskFigures, page: str, at: str) -> int:
    """Print figures and recommendations; return the exit code. `at`: the options that name the target."""
    from surveyor.advice.figures import CHECKED
    from surveyor.advice.recommendations import advise as recommend

    advice = recommend(figures)
    typer.echo(f"{figures.task_settings}; service seconds, each as the interval between two polls:")
    width = max(map(len, figures.measured))
    for name, interval in figures.measured.items():
        if name == CHECKED:
            continue
        low, high = f"{interval.low:.1f}", f"{interval.high:.1f}"
        typer.echo(f"  {name:<{width}}  {low if low == high else f'{low} to {high}'}")
    typer.echo(f"container check: {'yes' if figures.task_settings.check else 'no'}")
    for line in advice.lines:
        typer.echo(line)
    for number, recommendation in enumerate(advice.recommendations, 1):
        settings = recommendation.settings
        typer.echo(f"{number}. {settings}: {recommendation.reason}.")
        options = " ".join(settings.arguments())
        typer.echo(f"   to verify: surveyor advise {options}{at}")
    if page:
        typer.echo(f"page: {page}")
    return 0 if advice.is_closed else 1
