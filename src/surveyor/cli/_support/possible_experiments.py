"""Which experiments and faults can be done on a service of the user's, and why others cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from surveyor.verdicts import Verdict

if TYPE_CHECKING:
    from surveyor.pytest_plugin.options import Chaos
    from surveyor.report.model import ConformanceReport
    from surveyor.targets.model import Target

__all__ = ["print_possible"]


@dataclass(frozen=True)
class _PossibleFaults:
    """Why each fault cannot be done now, "" if it can, with what; and the autoscaling of the service in words."""

    reasons: dict[str, str]
    means: dict[str, str]
    scaling: str


def print_possible(report: ConformanceReport, target: Target, options: Chaos, seed: int) -> None:
    """Print what a dry run of all experiments found, and each fault for `any-fault`. Only reads are sent."""
    reasons = {
        result.name: "" if result.verdict is Verdict.INCONCLUSIVE else result.detail for result in report.experiments
    }
    typer.echo(f"experiments on {options.service}, within the limits given:")
    _print_table(reasons, {})
    lacking = next((reason for reason in reasons.values() if reason.startswith("lacks ") and all(reasons.values())), "")
    faults = _faults(target, options, seed)
    typer.echo("faults of any-fault (--fault NAME), one at a time, within the limits given:")
    _print_table({fault: reason or lacking for fault, reason in faults.reasons.items()}, faults.means)
    typer.echo(faults.scaling)
    if target.features is not None and "ecs-processes" not in target.features:
        typer.echo("ecs-processes: add --enable ecs-processes if this machine can call the tasks")


def _faults(target: Target, options: Chaos, seed: int) -> _PossibleFaults:
    from surveyor.chaos.actions import ActionContext
    from surveyor.chaos.assembly import limits_of
    from surveyor.chaos.fault_planning import refusal_of
    from surveyor.chaos.faults import FAULTS
    from surveyor.chaos.service_guard import ServiceGuard
    from surveyor.cli._support.options import PLAIN_ACCOUNT
    from surveyor.observers.existing_service import find_service
    from surveyor.observers.tasks import describe_tasks
    from surveyor.targets.running import run_target

    with run_target(target, seed) as running:
        account = target.account or PLAIN_ACCOUNT

        def client(kind: str) -> Any:
            return running.clients.client(kind, account, target.region)

        service = find_service(client, account, target.region, options.service)
        tasks = [task for task in describe_tasks(client("ecs"), service, {}).values() if task.status == "RUNNING"]
        guard = ServiceGuard(limits_of(options), service, client)
        scaling = guard.scaling().describe(options.service)
        context = ActionContext(client, running.control)
        reasons, means = {}, {}
        for name, fault in FAULTS.items():
            reasons[name] = refusal_of(
                fault, tasks, service=service, features=running.features, guard=guard, context=context
            )
            implementation = fault.implementation_for(running.features, workload=service.workload)
            means[name] = implementation.by if implementation is not None else ""
    return _PossibleFaults(reasons, means, scaling)


def _print_table(reasons: dict[str, str], means: dict[str, str]) -> None:
    width = max(map(len, reasons), default=0)
    for name, reason in reasons.items():
        by = f", by {means[name]}" if means.get(name) else ""
        typer.echo(f"  {name:<{width}}  {f'no: {reason}' if reason else f'yes{by}'}")
