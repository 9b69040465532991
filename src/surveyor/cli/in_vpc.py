"""`surveyor in-vpc`: run another command in a task inside a VPC, as if it ran here.

Exit codes: that of the command; 2 usage, 3 the task cannot start or is lost, 130 interrupted.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import FromVpc, Plan, print_caller
from surveyor.cli._support.target_options import RunOptions
from surveyor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from surveyor.in_vpc import InnerCommand, InVpcOptions
    from surveyor.targets.model import Target

__all__ = ["in_vpc"]

_ROLE = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)
_IMAGE = re.compile(r"[\w.:/@-]{1,255}", re.ASCII)
_GROUP = re.compile(r"sg-[0-9a-f]{8,17}", re.ASCII)
_SIZES = (1, 2, 4)


@with_option_groups
def in_vpc(
    *,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND [ARGS]...", help="advise, chaos, conform, gate, load or watch."),
    ] = None,
    task_role: Annotated[
        str, typer.Option("--task-role", metavar="ARN", help="Role of the task, with the permissions of COMMAND.")
    ] = "",
    from_vpc: FromVpc = "default",
    security_group: Annotated[
        list[str] | None,
        typer.Option(
            "--security-group", metavar="ID", help="Group of the task, which your service admits; may be repeated."
        ),
    ] = None,
    image: Annotated[
        str,
        typer.Option(metavar="IMAGE", help="Python image of the task, with a tag or a digest; default: Python 3.13."),
    ] = "",
    cpu: Annotated[int, typer.Option(metavar="N", help="Size of the task: 1, 2 or 4 vCPU, with 2 GB for each.")] = 1,
    wheels: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Install packages from the wheels in this folder, not from the registry."),
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME|PATH", help="Target in whose VPC it runs.")] = "aws",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the report (default: reports/out/RUN).")
    ] = None,
    account_options: RunOptions,
    plan: Plan = False,
) -> None:
    """Run another command in a task inside a VPC; output, report and exit code are as if it ran here."""
    from surveyor.cli._support.inner_commands import parse_inner
    from surveyor.cli.application import COMMANDS
    from surveyor.in_vpc import IMAGE, run_in_vpc
    from surveyor.layout import find_layout
    from surveyor.report.run_folder import reserve_folder
    from surveyor.targets import load_target

    if not command:
        raise UsageError("expected a command after two dashes, as in `surveyor in-vpc --account ID -- chaos kill-half`")
    inner, context = parse_inner(command, COMMANDS)
    target_options = replace(account_options.target_options(), from_vpc=from_vpc)
    layout = find_layout()
    loaded = load_target(target, layout.targets, target_options)
    options = _options(loaded, task_role, image or IMAGE, cpu, security_group or [], wheels, target_options.dns)
    is_plan = plan or bool(context.params.get("plan"))
    if is_plan or inner.name in ("chaos", "load"):
        _plan_here(loaded, inner, command, is_shown=is_plan)
    if is_plan:
        _print_task_plan(options)
        return
    folder = out or layout.out / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-in-vpc-{inner.name}-{os.getpid()}"
    reserve_folder(folder)
    print_caller(loaded)
    raise typer.Exit(run_in_vpc(loaded, target, inner, options, layout, folder, _Console()))


class _Console:
    """Lines on standard error, as those of the command are."""

    def report(self, line: str) -> None:
        """Print a line."""
        typer.echo(line, err=True)

    def waiting(self, what: str) -> AbstractContextManager[None]:
        """Say how long something takes."""
        from surveyor.cli._support.waiting import shown_wait

        return shown_wait(what)


def _options(
    target: Target, role: str, image: str, cpu: int, groups: list[str], wheels: Path | None, dns: str | None
) -> InVpcOptions:
    """Return the options of the task. Raises UsageError for one that is wrong."""
    from surveyor.chaos.watchdog import undo_all
    from surveyor.in_vpc import IMAGE, InVpcOptions
    from surveyor.input_files import is_folder

    if not role:
        raise UsageError("--task-role ARN is missing: the role of the task, which `surveyor policy in-vpc` describes")
    found = _ROLE.fullmatch(role)
    if found is None:
        raise UsageError(f"--task-role: expected the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME, got {role[:200]!r}")
    if found[1] != target.account:
        raise UsageError(f"--task-role: {role} is of another account than {target.account}, where the task runs")
    if not _IMAGE.fullmatch(image):
        raise UsageError(f"--image: expected an image such as {IMAGE}, got {image[:200]!r}")
    if cpu not in _SIZES:
        raise UsageError(f"--cpu: expected 1, 2 or 4, got {cpu}")
    for group in groups:
        if not _GROUP.fullmatch(group):
            raise UsageError(f"--security-group: expected the id of a group, sg-…, got {group[:100]!r}")
    if len(groups) > 4:
        raise UsageError("--security-group: a task has at most five groups, one of which is that of the run")
    if wheels is not None and (not is_folder(wheels) or not list(wheels.glob("*.whl"))):
        raise UsageError(f"--wheels: {wheels} is no folder with wheels")
    return InVpcOptions(role, image, cpu, tuple(groups), wheels, dns, undo_all)


def _plan_here(target: Target, inner: InnerCommand, words: Sequence[str], *, is_shown: bool) -> None:
    """Print the plan of a command that has one; without `is_shown` only check that there is what it names."""
    import contextlib
    import io

    from surveyor.cli._support.inner_commands import click_command
    from surveyor.cli.application import COMMANDS
    from surveyor.in_vpc import target_words

    if "plan" not in inner.options:
        return
    entry = next(entry for entry in COMMANDS if entry.name == inner.name)
    there = ("--out", "--dns", "--vpc")
    where = [word for word in target_words(target, inner, "none", "") if not word.startswith(there)]
    profile = [f"--profile={target.credentials.profile}"] if target.credentials.profile else []
    quiet = contextlib.nullcontext() if is_shown else contextlib.redirect_stdout(io.StringIO())
    arguments = [*where, *profile, "--plan", *(word for word in words[1:] if word != "--plan")]
    with quiet:
        click_command(entry).main(arguments, prog_name=f"surveyor {inner.name}", standalone_mode=False)


def _print_task_plan(options: InVpcOptions) -> None:
    from surveyor.in_vpc.costs import CALLS, MINUTES, hourly_dollars

    typer.echo(
        f"and for the task that runs it, {options.cpus} vCPU with {options.cpus * 2} GB: about {CALLS} calls, "
        f"{MINUTES:g} minutes to start and to end, and {hourly_dollars(options.cpus):.2f} dollars an hour "
        "(Fargate, a public address, requests to S3)"
    )
