"""What `surveyor conform --resume` takes from the run that it resumes, and what a run says when it can be resumed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import typer

from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.resume import EarlierRun, RunFile, check_options, delete_leftovers, find_run, save_run
from surveyor.conformance.run import exit_code
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor.report.file import REPORT_FILE
from surveyor.report.model import ConformanceReport
from surveyor.targets import Target
from surveyor.targets.caller import describe_caller
from surveyor.targets.consumer import consumer_target
from surveyor.targets.options import TargetOptions

__all__ = ["begin", "find_earlier", "options_of", "print_advice"]

_REPLACED = ("dns", "vpc", "role", "service_role", "enable", "budget", "profile", "consumer_profile", "tag", "from_vpc")
"""Options of a target that may differ from those of the run that is resumed."""


def find_earlier(ctx: typer.Context, name: str, out: Path | None) -> EarlierRun:
    """Return the run of that id or folder, or exit as its report says if nothing is left to judge or to accept.

    Raises UsageError, also if the command line names another target or another selection.
    """
    if ctx.params.get("plan"):
        raise UsageError("--plan does not go with --resume: only a whole run is estimated")
    earlier = find_run(name, out, find_layout())
    check_options(earlier.file, {key: value for key, value in ctx.params.items() if _is_given(ctx, key)})
    if earlier.is_complete and not ctx.params.get("update_expectations"):
        typer.echo(f"run {earlier.file.runs[0]} is complete, nothing is left to judge: {earlier.folder / REPORT_FILE}")
        raise typer.Exit(exit_code(earlier.report))
    return earlier


def options_of(ctx: typer.Context, file: RunFile, given: TargetOptions) -> TargetOptions:
    """Return the target options of a run, with those that the command line gives and that may differ."""
    return replace(file.options, **{name: getattr(given, name) for name in _REPLACED if _is_given(ctx, name)})


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


def begin(config: RunConfig, target: Target, earlier: EarlierRun | None, *, quick: bool) -> None:
    """Say which run begins, delete what the earlier run left in an account, and write how this one can be resumed."""
    if target.is_one_account:
        where = describe_caller(target) or f"account {target.account}, {target.region}"
        shared = f"; shared with {describe_caller(consumer_target(target))}" if target.consumer else ""
        typer.echo(f"run {config.run} in {where}{shared}; its ledger is in {config.out}")
    runs: tuple[str, ...] = (config.run,)
    if earlier:
        typer.echo(f"it resumes run {earlier.file.runs[0]}: {earlier.kept} tests keep their verdict")
        if target.is_one_account and not target.start:
            delete_leftovers(earlier, target, typer.echo)
        runs = (*earlier.file.runs, config.run)
    selection = config.selection
    options = (config.target_options, selection.areas, selection.claims, config.seed, config.workers)
    save_run(RunFile(runs, config.target, *options, quick=earlier.file.quick if earlier else quick), config.out)


def print_advice(report: ConformanceReport, config: RunConfig, target: Target) -> None:
    """Print how to judge the rest of a run in an account that ended before its time, and how to clean up after it."""
    if not target.is_one_account or target.start or not (report.failure or report.interrupted):
        return
    first = "with new credentials, " if "the credentials of the run" in report.failure else ""
    resume = f"surveyor conform --resume {report.runs[0]} --out {config.out}"
    advice = f"{first}`{resume}` judges the rest"
    sweep = f"surveyor sweep --account {target.account} --region {target.region} --run {config.run}"
    sweep += f" --endpoint {target.endpoint}" if target.endpoint else ""
    sweep += f" --profile {shlex.quote(profile)}" if (profile := config.target_options.profile) else ""
    if report.failure or report.leaked_resources:
        advice += f"; `{sweep}` deletes what was left, without judging"
    typer.echo(advice, err=True)
