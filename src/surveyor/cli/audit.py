"""`surveyor audit`: read the services of a cluster or namespace, and report what will cause failures.

Exit codes: 0 no finding of the level of --fail-on or worse, 1 there is one, 2 usage, 3 the target cannot be reached.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from surveyor import timeouts
from surveyor.cli._support.option_groups import with_option_groups
from surveyor.cli._support.options import (
    PLAIN_ACCOUNT,
    print_caller,
)
from surveyor.cli._support.target_options import AccountOptions
from surveyor.errors import TargetUnavailable, UsageError
from surveyor.output_files import write_text
from surveyor.typed_json import dump_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from surveyor.audit import Finding, Network, Note
    from surveyor.targets.model import Target

__all__ = ["LEVELS", "audit"]

LEVELS = ("breaks", "hurts", "watch")
"""The values of Severity, the worst first. Its import would delay a usage error."""


@with_option_groups
def audit(
    *,
    cluster: Annotated[
        list[str] | None,
        typer.Option("--cluster", metavar="NAME|ARN", help="Audit the services of this cluster; may be repeated."),
    ] = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", metavar="NAME|ID", help="Audit the services in this namespace; may be repeated."),
    ] = None,
    client_vpc: Annotated[
        list[str] | None,
        typer.Option(
            "--client-vpc", metavar="VPC", help="A VPC of clients beside those of the services; may be repeated."
        ),
    ] = None,
    target: Annotated[str, typer.Option(metavar="NAME|URL|PATH", help="Target to read.")] = "aws",
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="LEVEL", help="Exit 1 if there is a finding of this level or worse (breaks > hurts > watch)."
        ),
    ] = "watch",
    as_json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE|-", help="Write findings and notes as a JSON array to this file."),
    ] = None,
    account_options: AccountOptions,
) -> None:
    """Report what will cause failures in the services of a cluster or namespace, and what to change; read-only."""
    _check_request(cluster, namespace, fail_on, as_json)

    from botocore.exceptions import BotoCoreError

    from surveyor.audit import (
        ReadOnlyClients,
        Scope,
        apply_rules,
        confirm,
        need_confirmation,
        notes_of,
        read_network,
        read_snapshot,
    )
    from surveyor.clock import WallClock
    from surveyor.layout import find_layout
    from surveyor.targets import load_target
    from surveyor.targets.answers import describe_missing
    from surveyor.targets.running import unreachable

    options = account_options.target_options()
    chosen = load_target(target, find_layout().targets, options, "read")
    if chosen.start is not None:
        raise UsageError(f"{chosen.name} would be started empty: give the URL of a running target instead")
    if chosen.is_local and chosen.endpoint and (problem := unreachable(chosen.name, chosen.endpoint)):
        raise TargetUnavailable(problem)
    clients = ReadOnlyClients(
        _client_factory(chosen), not chosen.is_local, lambda text: typer.echo(f"read {text}", err=True)
    )
    print_caller(chosen)
    scope = Scope(tuple(cluster or ()), tuple(namespace or ()))
    snapshot, network, findings = None, None, []
    try:
        snapshot = read_snapshot(scope, clients)
        if not clients.refused:
            network = read_network(snapshot, clients, client_vpc or (), time.time())
            _require_vpcs(client_vpc or (), network)
        findings = apply_rules(snapshot, network)
        if need_confirmation(findings) and not clients.refused:
            clients.report_progress(f"again in {timeouts.READ_AGAIN:g} s: tasks and instances differ")
            WallClock().wait(timeouts.READ_AGAIN)
            snapshot = read_snapshot(scope, clients)
            findings = confirm(findings, apply_rules(snapshot, network))
    except BotoCoreError as error:
        raise TargetUnavailable(f"{chosen.name} cannot be read: {describe_missing(error)}") from None
    except UsageError:
        if not clients.refused:  # else it is not known what there is
            raise
    if clients.refused or snapshot is None:
        raise TargetUnavailable(_describe_refused(clients.refused))
    _report_unread(network)
    notes = notes_of(snapshot)
    if as_json is not None:
        _write_json(findings, notes, as_json)
    if as_json is None or str(as_json) != "-":
        _print_findings(findings, notes, len(snapshot.services), len(snapshot.registries))
    failing = LEVELS[: LEVELS.index(fail_on) + 1]
    raise typer.Exit(1 if any(finding.level in failing for finding in findings) else 0)


def _report_unread(network: Network | None) -> None:
    """Print what was not judged, since it may not be read."""
    if network is not None and network.unread:
        typer.echo(
            f"not judged: what {', '.join(network.unread)} would show, which cannot be called; `surveyor policy audit` "
            "prints a policy with all that an audit reads",
            err=True,
        )


def _require_vpcs(vpcs: Sequence[str], network: Network) -> None:
    """Raise UsageError for a VPC that does not exist."""
    found = {vpc.id for vpc in network.vpcs}
    for vpc in vpcs:
        if vpc not in found and not network.unread.keys() & {"ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"}:
            raise UsageError(f"there is no VPC {vpc!r}")


def _client_factory(target: Target) -> Callable[[str], Any]:
    """Return a function that creates clients which retry when throttled.

    Raises TargetUnavailable if the credentials belong to another account.
    """
    from surveyor.evidence import Evidence
    from surveyor.targets.clients import Clients
    from surveyor.targets.identity import check_identity

    target = replace(target, account=target.account or PLAIN_ACCOUNT)
    clients = Clients(target, target.endpoint, Evidence())
    if target.is_one_account and target.credentials.kind != "per-test":
        check_identity(target, clients)
    return lambda service: clients.patient(service, target.region)


def _describe_refused(refused: Mapping[str, str]) -> str:
    """Return a line about reads that were not permitted: findings without them could be wrong."""
    from surveyor.account.failed_calls import denial_advice

    reasons = "".join(f"; {why}" for why in dict.fromkeys(map(denial_advice, refused.values())) if why != "allow it")
    return (
        f"the audit may not call {', '.join(refused)}, and would find what is not so{reasons}; "
        "`surveyor policy audit` prints a policy with all that it reads"
    )


def _print_findings(findings: Sequence[Finding], notes: Sequence[Note], services: int, registries: int) -> None:
    for finding in findings:
        _print_one(finding.level, finding)
    for note in notes:
        _print_one("note", note)
    read = f"{_count(services, 'ECS service')} and {_count(registries, 'Cloud Map service')} read"
    noted = f" and {_count(len(notes), 'note')}" if notes else ""
    typer.echo(f"{_count(len(findings), 'finding')}{noted}; {read}, nothing changed")


def _print_one(level: str, one: Finding | Note) -> None:
    typer.echo(f"{level}  {one.about}  [{one.rule}]")
    typer.echo(f"    {one.found}")
    typer.echo(f"    change: {one.change}")
    claim = f"surveyor claims show {one.claim}" if one.claim else ""
    sources = ", ".join(part for part in (claim, one.report) if part)
    if sources:
        typer.echo(f"    see: {sources}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _check_request(cluster: list[str] | None, namespace: list[str] | None, fail_on: str, report: Path | None) -> None:
    """Raise UsageError for options that do not go together, before anything is read."""
    if not cluster and not namespace:
        raise UsageError("expected --cluster NAME or --namespace NAME")
    if fail_on not in LEVELS:
        raise UsageError(f"expected --fail-on breaks, hurts or watch, got {fail_on!r}")
    if report is not None and not report.parent.is_dir():
        raise UsageError(f"{report} cannot be written: there is no folder {report.parent}")


def _write_json(findings: Sequence[Finding], notes: Sequence[Note], path: Path) -> None:
    entries = [*map(asdict, findings), *({**asdict(note), "level": "note"} for note in notes)]
    text = dump_json(entries, indent=2)
    if str(path) == "-":
        typer.echo(text, nl=False)
        return
    try:
        write_text(path, text)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
