"""Which experiments and faults can be done on a service of the user's, and why others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from surveyor.report.model import ConformanceReport
    from surveyor.targets.model import Target

__all__ = ["print_possible"]


def print_possible(report: ConformanceReport, target: Target, service: str, seed: int) -> None:
    """Print what a dry run of all experiments found, and each fault for `any-fault`. Only reads are sent."""
    reasons = {
        result.name: "" if result.verdict is Verdict.INCONCLUSIVE else result.detail for result in report.experiments
    }
    typer.echo(f"experiments on {service}, within the limits given:")
    _print_table(reasons)
    typer.echo("faults of any-fault (--fault NAME), whatever the limits are: --dry-run says whether they allow one:")
    lacking = next((reason for reason in reasons.values() if reason.startswith("lacks ") and all(reasons.values())), "")
    _print_table({fault: reason or lacking for fault, reason in _faults(target, service, seed).items()})


def _faults(target: Target, name: str, seed: int) -> dict[str, str]:
    """Return for each fault why it cannot be done there, "" if it can."""
    from surveyor.chaos.faults import FAULTS
    from surveyor.cli._support.options import PLAIN_ACCOUNT
    from surveyor.observers.existing_service import find_service
    from surveyor.targets.running import run_target

    with run_target(target, seed) as running:
        account = target.account or PLAIN_ACCOUNT

        def client(kind: str) -> Any:
            return running.clients.client(kind, account, target.region)

        service = find_service(client, account, target.region, name)
        return {fault.name: fault.unavailable(running.features, service) for fault in FAULTS.values()}


def _print_table(reasons: dict[str, str]) -> None:
    width = max(map(len, reasons), default=0)
    for name, reason in reasons.items():
        typer.echo(f"  {name:<{width}}  {f'no: {reason}' if reason else 'yes'}")
