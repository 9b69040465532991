"""`surveyor gate`: compare runs with the thresholds of gate.toml, and act on a deployment in progress.

Exit codes: 0 the gate is open, 1 it is closed, 2 usage (an error in the gate file, a threshold on something that was
not run), 3 the target cannot be reached or refused the call.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, Endpoint, Profile, Region, print_caller
from surveyor.errors import SurveyorError
from surveyor.targets.options import TargetOptions

if TYPE_CHECKING:
    from surveyor.gate.deployment_actions import GateAction

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
    from surveyor.gate import gather, judge_gate, load_rules, verdict_of
    from surveyor.gate.deployment_actions import GateAction, parse_service
    from surveyor.gate.record import save_record
    from surveyor.gate.summary import render, shorten_reasons
    from surveyor.output_files import append_text
    from surveyor.verdicts import Verdict

    service = parse_service(ecs) if ecs else None
    loaded = load_rules(rules)
    results = judge_gate(loaded, gather(runs, loaded.baselines))
    verdict = verdict_of(results)
    is_open = verdict is Verdict.PASS or (verdict is Verdict.INCONCLUSIVE and loaded.inconclusive == "pass")
    values, reasons = shorten_reasons(results)
    for result, actual in zip(results, values, strict=True):
        client = f" [{result.client}]" if result.client else ""
        typer.echo(f"{result.verdict:<12} {result.threshold}{client}: {actual}")
    for reason in reasons:
        typer.echo(reason)
    note = f", treated as {loaded.inconclusive}" if verdict is Verdict.INCONCLUSIVE else ""
    baselines = list(loaded.baselines.values())
    typer.echo(f"the gate is {'open' if is_open else 'closed'}: {verdict}{note}")
    if summary is not None:
        append_text(summary, render(results, open_=is_open))
    action = None
    try:
        if service is not None:
            options = TargetOptions(account=account, region=region, endpoint=endpoint, profile=profile)
            action = _act(service, target, options, is_open=is_open)
            typer.echo(action.description)
    except SurveyorError as error:
        action = GateAction("refused", str(error))
        raise
    finally:
        typer.echo(f"record: {save_record(runs, baselines, rules, results, action, ecs, is_open=is_open)}")
    raise typer.Exit(0 if is_open else 1)


def _act(service: tuple[str, str], target: str, options: TargetOptions, *, is_open: bool) -> GateAction:
    from surveyor.gate.deployment_actions import ACTIONS, act
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.running import reach_target

    loaded = load_target(target, find_layout().targets, options, "read")
    with reach_target(loaded, 0) as running:
        print_caller(loaded)
        running.clients.permit(ACTIONS, "/".join(service))
        client = running.clients.client("ecs", options.account or running.target.account or "")
        return act(client, *service, is_open=is_open)
