"""`surveyor sweep`: takes away what a run left behind in an account, by its ledgers, and nothing else."""

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
from surveyor.targets.sweep import RunStillActive, owner_of, standing_in, sweep_folder

__all__ = ["sweep"]


def sweep(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="DIR...", help="Folders of runs (reports/out).")
    ] = None,
    run: Annotated[str | None, typer.Option(metavar="ID", help="Only this run.")] = None,
) -> None:
    """Takes away what dead runs left behind in an account; exit 4 if something is still there afterwards."""
    layout = find_layout()
    places = folders or [layout.out]
    for place in places:
        if not place.is_dir() and (folders or run):
            raise UsageError(f"there is no folder {place}")
    found = {one: owner for one in _with_ledgers(places) if (owner := owner_of(one)) and run in (None, owner.run)}
    if run is not None and not found:
        raise UsageError(f"no ledger of run {run} in {', '.join(map(str, places))}; its --out folder can be named")
    left, broken = [], []
    for folder, owner in found.items():
        if not standing_in(folder):
            continue
        try:
            left += sweep_folder(folder, _target(owner, layout), run_target, typer.echo)
        except RunStillActive as busy:
            left.append(f"{len(standing_in(folder))} things: {busy}")
        except SurveyorError as wrong:
            broken.append(f"run {owner.run}: {wrong}")
    for line in left:
        typer.echo(f"left behind: {line}", err=True)
    for line in broken:
        typer.echo(f"surveyor: {line}", err=True)
    if not left and not broken:
        typer.echo("nothing is left behind")
    raise typer.Exit(3 if broken else 4 if left else 0)


def _with_ledgers(places: list[Path]) -> list[Path]:
    return sorted({path.parent for place in places for path in place.rglob("ledger-*.jsonl")})


def _target(owner: Owner, layout: Layout) -> Target:
    """What the run was made on. Raises SurveyorError if it cannot be reached from here."""
    if owner.endpoint and _is_own(owner.endpoint) and owner.host != socket.gethostname():
        raise SurveyorError(f"it was made on {owner.host}, at {owner.endpoint} there: sweep it there")
    given = TargetOptions(account=owner.account)
    if "://" in owner.target:
        return replace(load_target(owner.target, layout.targets, given), region=owner.region)
    bare = load_target(owner.target, layout.targets, given)
    return replace(bare, region=owner.region, endpoint=owner.endpoint, inject_host_prefix=owner.endpoint is None)


def _is_own(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
