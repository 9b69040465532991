"""`surveyor model`: histories of calls beside a model of what the documents promise, and the shortest that part.

Exit codes: 0 target and model agree, 1 they diverge, 2 usage, 3 the target cannot be reached or died, 4 something was
left behind, 130 interrupted.
"""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.options import Account, BudgetText, DnsText, Endpoint, Region, Vpc, given
from surveyor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from surveyor.model_testing.report import ModelReport
    from surveyor.model_testing.run import ModelRun
    from surveyor.model_testing.search import Searched

__all__ = ["model"]


def model(
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="What is tested.")] = "embedded",
    examples: Annotated[int, typer.Option(min=1, metavar="N", help="Histories to make.")] = 100,
    steps: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Most rules in each.")] = 15,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 7,
    claim: Annotated[
        list[str] | None, typer.Option("--claim", metavar="ID", help="Look for divergences of this claim only.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where model/ goes (reports/out/RUN).")] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Look for more after the first divergence.")] = False,
    on_a_real_account: Annotated[
        bool, typer.Option("--on-a-real-account", help="Allow a target that is not on this machine.")
    ] = False,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
    dns: DnsText = None,
    vpc: Vpc = None,
    budget: BudgetText = None,
) -> None:
    """Makes up histories of calls, compares each answer with what the documents promise, and shortens what differs."""
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.messages import nearest
    from surveyor.model_testing.claim_ids import CLAIMS
    from surveyor.model_testing.run import ModelOrder, run_model
    from surveyor.model_testing.search import Budget
    from surveyor.targets.loading import find_target, load_target
    from surveyor.targets.model import is_loopback

    layout = find_layout()
    how = given(account, region, endpoint, dns, vpc, None, None, budget)
    local = is_loopback(endpoint) if endpoint is not None else find_target(target, layout.targets).is_local
    if not local and not on_a_real_account:
        raise UsageError(
            f"{target} is not on this machine: hundreds of made-up histories would create and delete namespaces there, "
            "which takes hours and may cost money; say --on-a-real-account if that is what you want"
        )
    chosen = load_target(target, layout.targets, how)
    for one in claim or ():
        if one not in load_claims(layout.claims).by_id:
            raise UsageError(f"unknown claim {one!r}{nearest(one, CLAIMS)}")
        if one not in CLAIMS:
            raise UsageError(f"the model promises nothing of {one}; of these it does: {', '.join(sorted(CLAIMS))}")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = "".join(letter if letter.isalnum() else "-" for letter in chosen.name)
    folder = out or layout.out / f"{stamp}-model-{name}"
    typer.echo(f"{chosen.name} {chosen.version()}".strip() + f", up to {examples} histories, seed {seed}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # being told to end is as good as Ctrl-C
    limits = Budget(examples, steps, seed, keep_going, frozenset(claim or ()))
    actual = run_model(ModelOrder(layout, target, how, folder, limits), _progress(examples))
    _tell(actual, folder / "model")
    raise typer.Exit(_exit_code(actual))


def _progress(wanted: int) -> Callable[[Searched], None]:
    """A line at each tenth of the histories, and at each divergence when it has been met and its shortening begins."""
    told = {"tenth": 0, "divergences": 0}

    def tell(so_far: Searched) -> None:
        met = len(so_far.found) + (so_far.meeting is not None)
        if so_far.meeting is not None and met > told["divergences"]:
            told["divergences"] = met
            typer.echo(f"after {so_far.histories} histories: {so_far.meeting}; shortening")
        tenth = min(10, so_far.histories * 10 // wanted)
        if tenth > told["tenth"]:
            told["tenth"] = tenth
            typer.echo(f"{so_far.histories} of {wanted} histories, {so_far.calls:,} calls, {met} divergences")

    return tell


def _tell(actual: ModelRun, folder: Path) -> None:
    report = actual.report
    for number, (one, script) in enumerate(zip(report.divergences, actual.scripts, strict=True), 1):
        typer.echo(f"\n{number}. {one.symptom}")
        typer.echo(f"   documented: {one.statement} [{one.claim}; {one.source}]")
        typer.echo(f"   so {one.demanded}; came {one.actual}" + ("" if one.again else " (once; not when repeated)"))
        if one.known:
            typer.echo(f"   known: the expectations of {report.target} have this claim")
        typer.echo(f"   {folder / one.script}:\n")
        typer.echo("".join(f"    {line}".rstrip() + "\n" for line in script.splitlines()))
    if report.left_out:
        typer.echo(f"left out, since {report.target} does not offer it: {', '.join(report.left_out)}")
    if report.lacking:
        typer.echo(f"not tried, since {report.target} lacks it: {', '.join(report.lacking)}")
    typer.echo(_summary(report))
    typer.echo(f"report: {folder / 'model.json'}")
    for line in actual.left_behind:
        typer.echo(f"left behind: {line}", err=True)
    if report.interrupted:
        typer.echo("surveyor: interrupted", err=True)


def _summary(report: ModelReport) -> str:
    count = len(report.divergences)
    verdict = "agrees" if not count else f"diverges in {count} way{'s' if count > 1 else ''}"
    told = f"{report.target} {verdict}: {report.histories} histories, {report.calls:,} calls"
    if report.shortening:
        told += f" ({report.shortening} runs of them to shorten)"
    return f"{told}, seed {report.seed}, {report.wall_seconds:.1f} s (wall)"


def _exit_code(actual: ModelRun) -> int:
    if actual.report.interrupted:
        return 130
    if actual.left_behind:
        return 4
    return 1 if actual.report.divergences else 0
