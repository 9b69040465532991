"""`surveyor sweep`: delete what runs left behind in an account, and nothing else.

By the ledgers of the runs, and the undo logs of experiments; or, with --account, by the marks that everything has which
a run makes.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from surveyor.account.ledger import Owner
from surveyor.cli._support.options import Profile, print_caller
from surveyor.cli._support.waiting import shown_wait
from surveyor.errors import SurveyorError, UsageError
from surveyor.in_vpc import FOLDER as IN_VPC_FOLDER
from surveyor.in_vpc import enclosing, recover_all
from surveyor.layout import Layout, find_layout
from surveyor.targets import load_target
from surveyor.targets.account_sweep import AccountSweep
from surveyor.targets.loading import find_target
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import reach_target
from surveyor.targets.sweep import (
    CONSUMER_FOLDER,
    Leftovers,
    RunStillActive,
    existing_resources,
    owner_of,
    sweep_folder,
)
from surveyor.terminal import print_error

__all__ = ["sweep"]


OLDER_THAN = "8h"
"""Longer than a run may take: the budget of the target `aws` is seven hours."""

_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd])?")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def sweep(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR...", help="Folders of runs; default: reports/out.")
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="ID", help="Sweep only this run.")] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="Search this account, 12 digits, without any ledger.")
    ] = None,
    profile: Profile = None,
    region: Annotated[str | None, typer.Option(metavar="REGION", help="With --account: the Region to search.")] = None,
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="With --account and without --run: the age of a run, as 90m, 12h, 2d.")
    ] = OLDER_THAN,
    target: Annotated[str, typer.Option(metavar="TARGET", help="With --account: how the account is reached.")] = "aws",
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="With --account: another endpoint than AWS's.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be deleted, and change nothing.")] = False,
) -> None:
    """Undo the faults of killed experiments, and delete what dead runs left; exit 4 if something is still there."""
    layout = find_layout()
    if account is None:
        if region or endpoint:
            raise UsageError("--region and --endpoint go with --account; ledgers have those of their runs")
        searched = folders or [layout.out]
        for folder in searched:
            if not folder.is_dir() and (folders or run):
                raise UsageError(f"there is no folder {folder}")
        if dry_run:
            kept, left, errors = 0, _list_folders(searched, run), list[str]()
        else:
            kept, (left, errors) = 0, _sweep_folders(searched, run, layout, profile)
    else:
        if folders:
            raise UsageError("--account searches the account itself: leave the folders out")
        options = TargetOptions(account=account, region=region, endpoint=endpoint, profile=profile)
        chosen = load_target(target, layout.targets, options, "read")
        kept, left, errors = _sweep_account(chosen, run, _seconds(older_than), dry_run=dry_run)
    for line in left:
        typer.echo(f"left behind: {line}", err=True)
    for line in errors:
        print_error(line)
    if not left and not errors:
        typer.echo("nothing else is left behind" if kept else "nothing is left behind")
    raise typer.Exit(3 if errors else 4 if left else 0)


def _list_folders(searched: list[Path], run: str | None) -> list[str]:
    """Print the runs that left something by their ledgers and undo logs, and return a line for each resource and fault.

    Nothing is called: what was deleted by other means since is listed, too.
    """
    from surveyor.chaos.recovery import faults_in_effect

    left = [f"fault {fault}" for folder in searched for fault in faults_in_effect(folder, run)]
    for folder in _folders_with_ledgers(searched):
        owner, existing = owner_of(folder), existing_resources(folder)
        if existing and owner is not None and run in (None, owner.run):
            count = f"{len(existing)} resource{'' if len(existing) == 1 else 's'}"
            typer.echo(f"run {owner.run}: {count} by its ledgers would be deleted")
            left += map(str, existing)
    return left


def _sweep_folders(
    searched: list[Path], run: str | None, layout: Layout, profile: str | None
) -> tuple[list[str], list[str]]:
    """Return a line for each resource that is left, and for each run that could not be swept."""
    from surveyor.chaos.recovery import undo_killed

    with shown_wait("undoing the faults of experiments that were killed"):
        undone, not_undone = undo_killed(searched, typer.echo, run)
    found = _folders_with_ledgers(searched)
    tasks = {enclosing(folder) or folder for folder in found if run is None or _is_of(folder, run)}
    with shown_wait("stopping tasks, and reading their mailboxes"):
        lost = recover_all(sorted(tasks), lambda owner: _target(owner, layout, profile or owner.profile))
    owners = {
        folder: owner
        for folder in _folders_with_ledgers(searched)
        if (owner := owner_of(folder)) and run in (None, owner.run) and (enclosing(folder) or folder) not in lost
    }
    if run is not None and not owners and not lost and not undone and not not_undone:
        raise UsageError(
            f"no ledger of run {run} in {', '.join(map(str, searched))}; give the run's --out folder, "
            "or search the account itself with --account ID --region REGION"
        )
    left, errors = [], [*lost.values(), *(f"{path}: faults are in effect: {why}" for path, why in not_undone.items())]
    for folder, owner in owners.items():
        if not existing_resources(folder):
            continue
        if (task := enclosing(folder)) is not None and (outside := owner_of(task)) is not None:
            owner = replace(outside, run=owner.run)
        chosen = owner.profile if folder.name == CONSUMER_FOLDER else profile or owner.profile
        try:
            with shown_wait(f"deleting what run {owner.run} left"):
                left += sweep_folder(folder, _target(owner, layout, chosen), reach_target, typer.echo)
        except RunStillActive as error:
            left.append(f"{len(existing_resources(folder))} resources: {error}")
        except SurveyorError as error:
            errors.append(f"run {owner.run}: {error}")
    return left, errors


def _sweep_account(target: Target, run: str | None, age: float, *, dry_run: bool) -> tuple[int, list[str], list[str]]:
    """Return how many runs are kept, a line for each resource that is left of the others, and what was not searched."""
    kept = list[str]()
    with reach_target(target, 0) as running:
        print_caller(target)

        def passed(newest: datetime) -> float:
            return running.clock.now() - newest.timestamp()

        def describe(leftovers: Leftovers) -> str:
            since = _since(passed(leftovers.newest)) if leftovers.newest else "of unknown age"
            return f"{leftovers}, {since}"

        def chooses(leftovers: Leftovers) -> bool:
            if run is not None:
                return leftovers.run == run
            if age == 0 or (leftovers.newest is not None and passed(leftovers.newest) >= age):
                return True
            kept.append(leftovers.run)
            typer.echo(f"{describe(leftovers)}: kept, the run may be active; --run {leftovers.run} deletes it")
            return False

        sweep = AccountSweep(running, target.region, chooses, describe, typer.echo, shown_wait)
        left = sweep.preview() if dry_run else sweep.delete()
    errors = [f"not everything was searched: {'; '.join(sweep.failed.values())}"] if sweep.failed else []
    return len(kept), left, errors


def _seconds(age: str) -> float:
    found = _AGE.fullmatch(age)
    if found is None:
        raise UsageError(f"--older-than {age}: expected an age such as 90m, 12h or 2d")
    return float(found[1]) * _UNITS[found[2] or "s"]


def _since(seconds: float) -> str:
    """Return a phrase for the age of the latest resource, which another clock may have stamped."""
    return f"the latest made {_format_age(seconds)} ago" if seconds >= 0 else "the latest made later than now"


def _format_age(seconds: float) -> str:
    unit = next((unit for unit in "dhm" if seconds >= _UNITS[unit]), "s")
    return f"{seconds / _UNITS[unit]:.0f} {unit}"


def _folders_with_ledgers(folders: list[Path]) -> list[Path]:
    """Return folders with ledgers, those of second accounts first, which use what the others share.

    Those of tasks in which commands ran are last: what the commands made is in their security groups.
    """
    found = {path.parent for folder in folders for path in folder.rglob("ledger-*.jsonl")}
    return sorted(found, key=lambda folder: (folder.name != CONSUMER_FOLDER, folder.name == IN_VPC_FOLDER, folder))


def _is_of(folder: Path, run: str) -> bool:
    owner = owner_of(folder)
    return owner is not None and owner.run == run


def _target(owner: Owner, layout: Layout, profile: str | None) -> Target:
    """Return the target that the run used. Raises SurveyorError if it cannot be reached from this machine."""
    if owner.endpoint and _is_loopback(owner.endpoint) and owner.host != socket.gethostname():
        raise SurveyorError(f"it was started on {owner.host}, at {owner.endpoint} there: sweep it on that machine")
    at_endpoint = owner.endpoint is not None and find_target(owner.target, layout.targets).endpoint is None
    options = TargetOptions(
        account=owner.account, region=owner.region, endpoint=owner.endpoint if at_endpoint else None, profile=profile
    )
    return load_target(owner.target, layout.targets, options, "read")


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
