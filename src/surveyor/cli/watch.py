"""`surveyor watch`: what the clients of a service get, while it lives or deploys.

Exit codes: 0 all checks passed, 1 a check failed (also: the deployment was rolled back), 2 usage, 3 the service or the
target cannot be reached, or the deployment command failed, 5 nothing could be judged.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surveyor.cli._support.call_options import CallOptions
from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import PLAIN_ACCOUNT, print_caller
from surveyor.cli._support.service_target import ServiceTarget
from surveyor.errors import SurveyorError, UsageError
from surveyor.terminal import print_error
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from surveyor.targets.running import RunningTarget
    from surveyor.watch.course import CommandEnded, Course
    from surveyor.watch.outcome import WatchOutcome
    from surveyor.watch.settings import WatchSettings

__all__ = ["watch"]


@with_option_groups
def watch(
    *,
    service: Annotated[str, typer.Option(metavar="CLUSTER/SERVICE", help="The ECS service to watch.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND", help="Run this command, which deploys.")
    ] = None,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="Watch for this time: 90s, 10m, 1h.")] = "",
    deployment: Annotated[
        bool, typer.Option("--deployment", help="Watch the deployment in progress, or the next, until it is over.")
    ] = False,
    deploy: Annotated[
        bool, typer.Option("--deploy", help="Force a new deployment (UpdateService), and watch it until it is over.")
    ] = False,
    before: Annotated[
        str, typer.Option(metavar="TIME", help="Watch for this time before --deploy or COMMAND, to compare.")
    ] = "30s",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Change what the clients of this watch are answered by Cloud Map or DNS, as registry.throttle does; "
            "may be repeated.",
        ),
    ] = None,
    lasts: Annotated[str, typer.Option("--lasts", metavar="TIME", help="How long each --fault lasts.")] = "30s",
    calls: CallOptions,
    at_least: Annotated[
        float, typer.Option(min=0, max=100, metavar="PERCENT", help="Calls that must be answered in any minute.")
    ] = 99.0,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append the result to this file ($GITHUB_STEP_SUMMARY).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report (default: reports/out/RUN).")
    ] = None,
    where: ServiceTarget,
) -> None:
    """Measure what the clients of your service get while it deploys; nothing is changed unless you ask for it."""
    modes = [name for name, chosen in (
        ("--for", bool(for_)), ("--deployment", deployment), ("--deploy", deploy), ("-- COMMAND", bool(command))
    ) if chosen]  # fmt: skip
    if len(modes) != 1:
        given = f", got {' and '.join(modes)}" if modes else ""
        raise UsageError(f"expected one of --for TIME, --deployment, --deploy and -- COMMAND{given}")

    from surveyor.cli._support.durations import parse_duration
    from surveyor.layout import find_layout
    from surveyor.observers.existing_service import parse_name
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets.running import reach_target
    from surveyor.watch.course import Course

    parse_name(service, "--service")
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"there is no command {one_line(command[0])!r} that can be run")
    seconds = parse_duration(for_, "--for") if for_ else 0.0
    baseline, settings = parse_duration(before, "--before"), calls.settings(at_least / 100)
    settings = replace(settings, faults=_faults(fault, settings), fault_seconds=parse_duration(lasts, "--lasts"))
    if settings.faults and 0 < seconds <= baseline:
        raise UsageError(f"--for {for_}: the faults would begin after --before {before}: choose a longer time")
    loaded = where.load()
    if loaded.start is not None:
        raise UsageError(f"{loaded.name} would be started empty: give the URL of a running target instead")
    folder = out or find_layout().out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-watch-{os.getpid()}"
    reserve_folder(folder)
    course = Course(seconds, baseline, settings.within, deploy=deploy, command=command or [])
    with reach_target(loaded, settings.seed) as running:
        print_caller(loaded)
        code = _watch(running, service, settings, course, folder, summary)
    raise typer.Exit(code)


def _faults(names: list[str] | None, settings: WatchSettings) -> tuple[str, ...]:
    """Return the faults of the clients. Raises UsageError for those that a watch cannot make."""
    from surveyor.watch.client_faults import check_client_faults

    chosen = tuple(dict.fromkeys(names or ()))
    check_client_faults(chosen)
    if chosen and settings.workers is not None:
        raise UsageError("--fault is made in this process, and --workers call from others: leave out one of them")
    return chosen


def _watch(
    running: RunningTarget, name: str, settings: WatchSettings, course: Course, folder: Path, summary: Path | None
) -> int:
    """Watch a service, print the result, and return the exit code."""
    from surveyor.observers.existing_service import find_service
    from surveyor.watch.outcome import conclude
    from surveyor.watch.running import running_watch

    target = running.target
    account = target.account or PLAIN_ACCOUNT

    def client(kind: str) -> Any:
        return running.clients.client(kind, account, target.region)

    def ecs() -> Any:
        running.clients.permit(("ecs:UpdateService",), name)
        return client("ecs")

    service = find_service(client, account, target.region, name, entry_points=True)
    if service.controller != "ECS" and not course.seconds:
        raise UsageError(
            f"{name} is deployed by the controller {service.controller}, whose deployments ECS does not list: use --for"
        )
    started, stopped = datetime.now(UTC), ""
    ended: CommandEnded | None = None
    failure: SurveyorError | None = None
    with running_watch(
        running, service, settings, folder, choice=course.choice, seconds=course.seconds, report=_report
    ) as watch:
        for note in watch.notes:
            _report(f"not called: {note}")
        _report(f"{name}: {settings.rate:g} calls per second by each of {', '.join(watch.clients)}")
        try:
            ended = course.follow(watch, ecs, _report)
        except KeyboardInterrupt:
            stopped = "interrupted"
        except SurveyorError as error:
            failure, stopped = error, str(error)
        outcome = conclude(watch, target, folder, started, stopped)
    _print(outcome, watch.notes, folder, summary)
    if failure is not None:
        raise failure
    if stopped:
        return 130
    if ended is not None and ended.status:
        from surveyor.watch.course import describe_status

        print_error(f"{one_line(course.command[0])} {describe_status(ended.status)}")
        return 3
    return {Verdict.PASS: 0, Verdict.FAIL: 1}.get(outcome.verdict, 5)


def _print(outcome: WatchOutcome, notes: Sequence[str], folder: Path, summary: Path | None) -> None:
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.output_files import append_text
    from surveyor.report.outputs import save_outputs
    from surveyor.watch.summary import summary_lines

    lines = summary_lines(outcome.history, outcome.judgement, notes)
    if outcome.doubt:
        lines.append(f"  {outcome.verdict}: {outcome.doubt}")
    page = save_outputs(outcome.report, load_claims(find_layout().claims), folder)
    for line in lines:
        typer.echo(line)
    typer.echo(f"page: {page}")
    if summary is not None:
        append_text(summary, "\n".join(("```", *lines, "```", "")))


def _report(line: str) -> None:
    typer.echo(line, err=True)
