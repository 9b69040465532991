"""`surveyor model`: run random call sequences, compare the answers with a reference model, shorten divergences.

Exit codes: 0 target and model agree, 1 they diverge, 2 usage, 3 the target cannot be reached or died, 4 something was
left behind, 130 interrupted.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import Plan, Vpc
from surveyor.cli._support.target_options import RunOptions
from surveyor.errors import Inconclusive, SurveyorError, Unavailable, UsageError
from surveyor.terminal import print_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from surveyor.model_testing.report import ModelReport
    from surveyor.model_testing.run import ModelRun
    from surveyor.model_testing.search import SearchProgress

__all__ = ["model"]


@with_option_groups
def model(
    *,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target to test, as in conform.")] = "embedded",
    examples: Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of call sequences.")] = 100,
    steps: Annotated[
        int, typer.Option(min=1, max=100, metavar="N", help="Maximum number of calls in a sequence.")
    ] = 15,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 7,
    claim: Annotated[
        list[str] | None,
        typer.Option("--claim", metavar="ID", help="Search only for divergences of this claim; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for model/; default: a new one in reports/out.")
    ] = None,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Continue after the first divergence.")] = False,
    on_a_real_account: Annotated[
        bool, typer.Option("--on-a-real-account", help="Allow a target that is not on this machine.")
    ] = False,
    account_options: RunOptions,
    vpc: Vpc = None,
    plan: Plan = False,
) -> None:
    """Run random call sequences, compare each answer with what the documents promise, and shorten divergences."""
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.messages import nearest
    from surveyor.model_testing.claim_ids import CLAIMS
    from surveyor.model_testing.run import ModelRunConfig, run_model
    from surveyor.model_testing.search import SearchBudget
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets.loading import find_target, load_target
    from surveyor.targets.model import is_loopback

    layout = find_layout()
    options = replace(account_options.target_options(), vpc=vpc)
    endpoint = options.endpoint
    local = is_loopback(endpoint) if endpoint is not None else find_target(target, layout.targets).is_local
    if not local and not on_a_real_account and not plan:
        raise UsageError(
            f"{target} is not on this machine: hundreds of random call sequences would create and delete namespaces "
            "there, which takes hours and may cost money; if you want that, add --on-a-real-account"
        )
    chosen = load_target(target, layout.targets, options)
    for claim_id in claim or ():
        if claim_id not in load_claims(layout.claims).by_id:
            raise UsageError(f"unknown claim {claim_id!r}{nearest(claim_id, CLAIMS)}")
        if claim_id not in CLAIMS:
            raise UsageError(f"the model does not cover {claim_id}; it covers: {', '.join(sorted(CLAIMS))}")
    limits = SearchBudget(examples, steps, seed, keep_going, frozenset(claim or ()))
    if plan:
        from surveyor.cli._support.plan_report import print_search_plan

        print_search_plan(chosen, layout, limits)
        return
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = "".join(letter if letter.isalnum() else "-" for letter in chosen.name)
    folder = out or layout.out / f"{stamp}-model-{name}-{os.getpid()}"
    reserve_folder(folder)
    typer.echo(f"{chosen.name} {chosen.version()}".strip() + f", up to {examples} call sequences, seed {seed}")
    try:
        run = run_model(ModelRunConfig(layout, target, options, folder, limits), _progress_printer(examples))
    except Unavailable as error:
        is_denied = "not authorized to perform" in str(error)
        advice = "; `surveyor policy model` prints a policy with all that a search needs" if is_denied else ""
        raise SurveyorError(f"{error}{advice}") from None
    except Inconclusive as error:  # its budget is spent; what it created is deleted
        raise UsageError(str(error)) from None
    _print_result(run, folder / "model")
    raise typer.Exit(_exit_code(run))


def _progress_printer(total: int) -> Callable[[SearchProgress], None]:
    """Return a callback that prints a line at each tenth of the histories and at each new divergence."""
    printed = {"tenth": 0, "divergences": 0}

    def print_progress(progress: SearchProgress) -> None:
        divergences = len(progress.found) + (progress.current is not None)
        if progress.current is not None and divergences > printed["divergences"]:
            printed["divergences"] = divergences
            typer.echo(f"after {progress.histories} call sequences: {progress.current}; shortening")
        tenth = min(10, progress.histories * 10 // total)
        if tenth > printed["tenth"]:
            printed["tenth"] = tenth
            typer.echo(
                f"{progress.histories} of {total} call sequences, {progress.calls:,} calls, {divergences} divergences"
            )

    return print_progress


def _print_result(run: ModelRun, folder: Path) -> None:
    report = run.report
    for number, (divergence, script) in enumerate(zip(report.divergences, run.scripts, strict=True), 1):
        typer.echo(f"\n{number}. {divergence.symptom}")
        typer.echo(f"   documented: {divergence.statement} [{divergence.claim}; {divergence.source}]")
        repeated = "" if divergence.again else " (once; not when repeated)"
        typer.echo(f"   expected: {divergence.demanded}; got {divergence.actual}{repeated}")
        if divergence.known:
            typer.echo(f"   known: this claim is in the expectations of {report.target}")
        typer.echo(f"   {folder / divergence.script}:\n")
        typer.echo("".join(f"    {line}".rstrip() + "\n" for line in script.splitlines()))
    if report.left_out:
        typer.echo(f"left out, since {report.target} does not offer it: {', '.join(report.left_out)}")
    if report.lacking:
        typer.echo(f"not tested, since {report.target} lacks it: {', '.join(report.lacking)}")
    typer.echo(f"report: {folder / 'model.json'}")
    typer.echo(_summary(report))
    for line in run.left_behind:
        typer.echo(f"left behind: {line}", err=True)
    if report.interrupted:
        print_error("interrupted")


def _summary(report: ModelReport) -> str:
    count = len(report.divergences)
    verdict = "agrees" if not count else f"diverges in {count} way{'s' if count > 1 else ''}"
    summary = f"{report.target} {verdict}: {report.histories} call sequences, {report.calls:,} calls"
    if report.shortening:
        summary += f" (and {report.shortening} runs to shorten them)"
    return f"{summary}, seed {report.seed}, {report.wall_seconds:.1f} s (wall)"


def _exit_code(run: ModelRun) -> int:
    if run.report.interrupted:
        return 130
    if run.left_behind:
        return 4
    return 1 if run.report.divergences else 0
