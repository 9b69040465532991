"""`surveyor gate`: whether what was measured keeps the thresholds of gate.toml, and what becomes of a deployment then.

Exit codes: 0 the gate is open, 1 it is closed, 2 usage (a gate file with an error, a threshold on what was not run),
3 the target cannot be reached or refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, Endpoint, Region
from surveyor.errors import SurveyorError
from surveyor.targets.options import TargetOptions

if TYPE_CHECKING:
    from surveyor.gate.deployment_actions import GateAction

__all__ = ["gate"]


def gate(
    rules: Annotated[Path, typer.Argument(metavar="GATE.toml", help="The thresholds.")],
    runs: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Folders of runs: load, chaos, conform.")],
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add the outcome to this Markdown file ($GITHUB_STEP_SUMMARY).")
    ] = None,
    ecs: Annotated[
        str, typer.Option(metavar="CLUSTER/SERVICE", help="Let its deployment go on, or have it rolled back.")
    ] = "",
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Where that service is.")] = "aws",
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
) -> None:
    """Says whether a change may go on, by thresholds on figures and verdicts of runs."""
    from surveyor.gate import gather, judge_gate, load_rules, verdict_of
    from surveyor.gate.deployment_actions import GateAction, service_of
    from surveyor.gate.record import keep
    from surveyor.gate.summary import render
    from surveyor.verdicts import Verdict

    where = service_of(ecs) if ecs else None
    known = load_rules(rules)
    outcomes = judge_gate(known, gather(runs))
    verdict = verdict_of(outcomes)
    is_open = verdict is Verdict.PASS or (verdict is Verdict.INCONCLUSIVE and known.inconclusive == "pass")
    for one in outcomes:
        who = f" [{one.who}]" if one.who else ""
        typer.echo(f"{one.verdict:<12} {one.threshold}{who}: {one.told}")
    taken = f", and what is inconclusive is taken for a {known.inconclusive}" if verdict is Verdict.INCONCLUSIVE else ""
    typer.echo(f"the gate is {'open' if is_open else 'closed'}: {verdict}{taken}")
    if summary is not None:
        with summary.open("a", encoding="utf-8") as file:
            file.write(render(outcomes, open_=is_open))
    deed = None
    try:
        if where is not None:
            deed = _act(
                where, target, TargetOptions(account=account, region=region, endpoint=endpoint), is_open=is_open
            )
            typer.echo(deed.told)
    except SurveyorError as refused:
        deed = GateAction("refused", str(refused))
        raise
    finally:
        typer.echo(f"kept: {keep(runs, rules, outcomes, deed, ecs, is_open=is_open)}")
    raise typer.Exit(0 if is_open else 1)


def _act(where: tuple[str, str], target: str, how: TargetOptions, *, is_open: bool) -> GateAction:
    from surveyor.gate.deployment_actions import act
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.running import run_target

    with run_target(load_target(target, find_layout().targets, how), 0) as running:
        client = running.clients.client("ecs", how.account or running.target.account or "")
        return act(client, *where, is_open=is_open)
