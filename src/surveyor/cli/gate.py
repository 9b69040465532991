"""`surveyor gate`: compare runs with the thresholds of gate.toml, and act on a deployment in progress.

Exit codes: 0 the gate is open, 1 it is closed, 2 usage (an error in the gate file, a threshold on something that was
not run), 3 the target cannot be reached or refused the call.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, Endpoint, Profile, Region, print_caller
from surveyor.errors import TargetUnavailable
from surveyor.targets.options import TargetOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from surveyor.gate.decision import Decision
    from surveyor.gate.judging import GatedService

__all__ = ["gate"]


def gate(
    rules: Annotated[Path, typer.Argument(metavar="GATE.toml", help="File with the thresholds.")],
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Folders of runs: load, chaos, conform; files and folders of Locust's and k6's results.",
        ),
    ],
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
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target that runs the service.")] = "aws",
    account: Account = None,
    profile: Profile = None,
    region: Region = None,
    endpoint: Endpoint = None,
) -> None:
    """Decide whether a change may proceed, by thresholds on figures and verdicts of runs."""
    from surveyor.gate import gather, load_rules
    from surveyor.gate.deployment_actions import parse_service
    from surveyor.gate.judging import judge_runs
    from surveyor.gate.record import save_record

    service = parse_service(ecs) if ecs else None
    loaded = load_rules(rules)
    evidence = gather(runs, loaded.baselines)
    if service is None:
        decision = judge_runs(loaded, evidence)
    else:
        options = TargetOptions(account=account, region=region, endpoint=endpoint, profile=profile)
        with _gated(service, target, options) as gated:
            decision = judge_runs(loaded, evidence, gated)
    _print(decision, summary, comment)
    typer.echo(f"record: {save_record(runs, list(loaded.baselines.values()), rules, decision, ecs)}")
    if decision.action is not None and decision.action.what == "refused":
        raise TargetUnavailable(decision.action.description)
    raise typer.Exit(0 if decision.is_open else 1)


@contextmanager
def _gated(service: tuple[str, str], target: str, options: TargetOptions) -> Iterator[GatedService]:
    """Reach the target, and yield the service whose deployment the gate may change."""
    from surveyor.gate.deployment_actions import ACTIONS
    from surveyor.gate.judging import GatedService
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.running import reach_target

    loaded = load_target(target, find_layout().targets, options, "read")
    with reach_target(loaded, 0) as running:
        print_caller(loaded)
        running.clients.permit(ACTIONS, "/".join(service))
        account = options.account or running.target.account or ""
        yield GatedService(*service, lambda name: running.clients.client(name, account), running.clock)


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
    typer.echo(f"the gate is {'open' if decision.is_open else 'closed'}: {decision.short_reason}")
    if decision.action is not None:
        typer.echo(decision.action.description)
    if decision.restore:
        typer.echo(f"to restore the previous revision: {decision.restore}")
    if summary is not None:
        append_text(summary, render(decision))
    if comment is not None:
        write_text(comment, render_comment(decision))
