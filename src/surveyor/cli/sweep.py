"""`surveyor sweep`: delete what a run left behind in an account, according to its ledgers, and nothing else."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from surveyor.account.ledger import Owner
from surveyor.errors import SurveyorError, UsageError
from surveyor.layout import Layout, find_layout
from surveyor.targets import load_target
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import run_target
from surveyor.targets.sweep import RunStillActive, existing_resources, owner_of, sweep_folder

__all__ = ["sweep"]


def sweep(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR...", help="Folders of runs; default: reports/out.")
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="ID", help="Sweep only this run.")] = None,
) -> None:
    """Delete what dead runs left behind in an account; exit 4 if something is still there afterwards."""
    layout = find_layout()
    searched = folders or [layout.out]
    for folder in searched:
        if not folder.is_dir() and (folders or run):
            raise UsageError(f"there is no folder {folder}")
    owners = {
        folder: owner
        for folder in _folders_with_ledgers(searched)
        if (owner := owner_of(folder)) and run in (None, owner.run)
    }
    if run is not None and not owners:
        raise UsageError(f"no ledger of run {run} in {', '.join(map(str, searched))}; give the run's --out folder")
    left, errors = [], []
    for folder, owner in owners.items():
        if not existing_resources(folder):
            continue
        try:
            left += sweep_folder(folder, _target(owner, layout), run_target, typer.echo)
        except RunStillActive as error:
            left.append(f"{len(existing_resources(folder))} resources: {error}")
        except SurveyorError as error:
            errors.append(f"run {owner.run}: {error}")
    for line in left:
        typer.echo(f"left behind: {line}", err=True)
    for line in errors:
        typer.echo(f"surveyor: {line}", err=True)
    if not left and not errors:
        typer.echo("nothing is left behind")
    raise typer.Exit(3 if errors else 4 if left else 0)


def _folders_with_ledgers(folders: list[Path]) -> list[Path]:
    return sorted({path.parent for folder in folders for path in folder.rglob("ledger-*.jsonl")})


def _target(owner: Owner, layout: Layout) -> Target:
    """Return the target that the run used. Raises SurveyorError if it cannot be reached from this machine."""
    if owner.endpoint and _is_loopback(owner.endpoint) and owner.host != socket.gethostname():
        raise SurveyorError(f"it was started on {owner.host}, at {owner.endpoint} there: sweep it on that machine")
    options = TargetOptions(account=owner.account)
    target = load_target(owner.target, layout.targets, options)
    if "://" in owner.target:
        return replace(target, region=owner.region)
    return replace(target, region=owner.region, endpoint=owner.endpoint, inject_host_prefix=owner.endpoint is None)


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
