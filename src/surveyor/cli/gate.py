"""`surveyor gate`: compare runs with the thresholds of gate.toml, and act on a deployment in progress.

Exit codes: 0 the gate is open, 1 it is closed, 2 usage (an error in the gate file, a threshold on something that was
not run, evidence of another deployment), 3 the target cannot be reached or refused the call, 5 no deployment began.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.call_options import CallOptions
from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import PLAIN_ACCOUNT, print_caller
from surveyor.cli._support.service_target import ServiceTarget
from surveyor.errors import TargetUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from surveyor.gate.decision import Decision
    from surveyor.gate.judging import GatedService
    from surveyor.targets.running import RunningTarget

__all__ = ["gate"]


@with_option_groups
def gate(
    *,
    rules: Annotated[Path, typer.Argument(metavar="GATE.toml", help="File with the thresholds.")],
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DIR...",
            help="Folders of runs: watch, load, chaos, conform; files and folders of Locust's and k6's results.",
        ),
    ] = None,
    summary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append the decision to this Markdown file ($GITHUB_STEP_SUMMARY)."),
    ] = None,
    comment: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a short comment for a pull request (Markdown).")
    ] = None,
    ecs: Annotated[
        str,
        typer.Option(
            metavar="CLUSTER/SERVICE",
            help="Continue or roll back this service's deployment in progress.",
        ),
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Watch the deployment of --ecs, and decide while it is in progress.")
    ] = False,
    calls: CallOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder of gate.json and of a watch (default: that of the first run, reports/out/RUN)."
        ),
    ] = None,
    where: ServiceTarget,
) -> None:
    """Decide whether a change may proceed, by thresholds on figures and verdicts of runs."""
    from surveyor.gate import gather, load_rules
    from surveyor.gate.deployment_actions import parse_service
    from surveyor.gate.judging import judge_runs
    from surveyor.gate.record import save_record

    service = parse_service(ecs) if ecs else None
    if watch and service is None:
        raise UsageError("--watch needs the service that is deployed: add --ecs CLUSTER/SERVICE")
    if not watch and not runs:
        raise UsageError(
            "there is nothing to judge: name folders of runs, or watch a deployment with --ecs and --watch"
        )
    loaded = load_rules(rules)
    evidence = gather(runs or [], loaded.baselines)
    places, code, failure, page = list(runs or []), None, None, None
    if service is None:
        decision = judge_runs(loaded, evidence)
    elif watch:
        from surveyor.cli._support.gated_watch import watch_and_decide
        from surveyor.gate.time_to_certainty import GATE_RATE

        settings = calls.settings(rate=GATE_RATE)
        with _gated(service, where) as (gated, running):
            run = watch_and_decide(loaded, evidence, gated, running, settings, out)
        decision, code, failure, page = run.decision, run.code, run.failure, run.page
        places.insert(0, run.folder)
    else:
        with _gated(service, where) as (gated, _):
            decision = judge_runs(loaded, evidence, gated)
    _print(decision, summary, comment)
    record = save_record(out or places[0], places, list(loaded.baselines.values()), rules, decision, ecs)
    if page is not None:
        typer.echo(f"page: {page}")
    typer.echo(f"record: {record}")
    if failure is not None:
        raise failure
    if decision.action is not None and decision.action.what == "refused":
        raise TargetUnavailable(decision.action.description)
    raise typer.Exit((0 if decision.is_open else 1) if code is None else code)


@contextmanager
def _gated(service: tuple[str, str], where: ServiceTarget) -> Iterator[tuple[GatedService, RunningTarget]]:
    """Reach the target, and yield the service whose deployment the gate may change."""
    from surveyor.gate.deployment_actions import ACTIONS
    from surveyor.gate.judging import GatedService
    from surveyor.targets.running import reach_target

    loaded = where.load()
    with reach_target(loaded, 0) as running:
        print_caller(loaded)
        running.clients.permit(ACTIONS, "/".join(service))
        account = running.target.account or PLAIN_ACCOUNT
        yield GatedService(*service, lambda name: running.clients.client(name, account), running.clock), running


def _print(decision: Decision, summary: Path | None, comment: Path | None) -> None:
    """Print the decision, and write it where CI shows it."""
    from surveyor.gate.summary import render, render_comment, shorten_reasons
    from surveyor.output_files import append_text, write_text

    values, reasons = shorten_reasons(decision.results)
    for result, actual in zip(decision.results, values, strict=True):
        client = f" [{result.client}]" if result.client else ""
        typer.echo(f"{result.verdict:<12} {result.threshold}{client}: {actual}")
    for reason in reasons:
        typer.echo(reason)
    typer.echo(f"the gate is {'open' if decision.is_open else 'closed'}: {decision.reason}")
    if decision.action is not None:
        typer.echo(decision.action.description)
    if decision.restore:
        typer.echo(f"to restore the previous revision: {decision.restore}")
    if summary is not None:
        append_text(summary, render(decision))
    if comment is not None:
        write_text(comment, render_comment(decision))
