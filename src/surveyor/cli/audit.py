"""`surveyor audit`: what will hurt the services that are there already. It reads, and changes nothing.

Exit codes: 0 nothing that bad was found, 1 something was, 2 usage, 3 the target cannot be reached.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surveyor.cli._support.options import Account, Endpoint, Region, given
from surveyor.errors import TargetUnavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from surveyor.audit import Finding
    from surveyor.targets.model import Target

__all__ = ["audit"]

_ACCOUNT = "000000000000"


def audit(
    cluster: Annotated[
        list[str] | None, typer.Option("--cluster", metavar="NAME|ARN", help="Its services; may be repeated.")
    ] = None,
    namespace: Annotated[
        list[str] | None, typer.Option("--namespace", metavar="NAME|ID", help="What it has; may be repeated.")
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Where they are.")] = "aws",
    fail_on: Annotated[
        str, typer.Option(metavar="LEVEL", help="breaks, hurts or watch: exit 1 from there on.")
    ] = "watch",
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE|-", help="Write the findings there.")] = None,
    account: Account = None,
    region: Region = None,
    endpoint: Endpoint = None,
) -> None:
    """Says what will hurt the services of a cluster or a namespace, with what to change; it only reads."""
    from botocore.exceptions import BotoCoreError

    from surveyor.audit import Level, Readers, Scope, judge, read
    from surveyor.layout import find_layout
    from surveyor.targets import load_target

    if not cluster and not namespace:
        raise UsageError("say what to look at: --cluster NAME or --namespace NAME")
    if fail_on not in list(Level):
        raise UsageError(f"--fail-on is breaks, hurts or watch, not {fail_on!r}")
    chosen = load_target(target, find_layout().targets, given(account, region, endpoint, None, None, None, None, None))
    if chosen.start is not None:
        raise UsageError(f"{chosen.name} would be started anew, with nothing in it: give the URL of one that runs")
    readers = Readers(_clients(chosen), not chosen.is_local, lambda text: typer.echo(f"read {text}", err=True))
    try:
        snapshot = read(Scope(tuple(cluster or ()), tuple(namespace or ())), readers)
    except BotoCoreError as broken:
        raise TargetUnavailable(f"{chosen.name} cannot be read: {broken}") from None
    findings = judge(snapshot)
    if as_json is not None:
        _write(findings, as_json)
    if as_json is None or str(as_json) != "-":
        _tell(findings, len(snapshot.services), len(snapshot.registries))
    worst = list(Level)[: list(Level).index(Level(fail_on)) + 1]
    raise typer.Exit(1 if any(one.level in worst for one in findings) else 0)


def _clients(target: Target) -> Any:
    """Makes clients that try again when throttled. Raises TargetUnavailable if they would be of another account."""
    from botocore.exceptions import BotoCoreError, ClientError

    from surveyor.evidence import Evidence
    from surveyor.targets.clients import Clients

    target = replace(target, account=target.account or _ACCOUNT)
    clients = Clients(target, target.endpoint, Evidence())
    if target.is_one_account and target.credentials.kind != "per-test":
        try:
            actual = clients.patient("sts", target.region).get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as refused:
            raise TargetUnavailable(f"{target.name} does not say whose the credentials are: {refused}") from None
        if actual != target.account:
            raise TargetUnavailable(f"expected account {target.account} (--account); the credentials are of {actual}")
    return lambda service: clients.patient(service, target.region)


def _tell(findings: Sequence[Finding], services: int, registries: int) -> None:
    for one in findings:
        typer.echo(f"{one.level}  {one.about}  [{one.rule}]")
        typer.echo(f"    {one.found}")
        typer.echo(f"    change: {one.change}")
        behind = ", ".join(part for part in (one.claim, one.report) if part)
        if behind:
            typer.echo(f"    behind it: {behind}")
    looked = f"{_count(services, 'ECS service')} and {_count(registries, 'Cloud Map service')} looked at"
    typer.echo(f"{_count(len(findings), 'finding')}; {looked}, nothing changed")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _write(findings: Sequence[Finding], path: Path) -> None:
    text = json.dumps({"findings": [asdict(one) for one in findings]}, indent=2) + "\n"
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as wrong:
        raise UsageError(f"{path} cannot be written: {wrong.strerror}") from None
