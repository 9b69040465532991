"""Plan a fault within the limits of its service: what it would do now, or why it may not be done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from surveyor.chaos.actions import ActionContext, FaultFailed
from surveyor.chaos.faults import Fault, FaultPlan, Victims
from surveyor.chaos.safety_limits import LimitExceeded, TaskChange
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.errors import FeatureLacking
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["PlannedFault", "plan_fault", "refusal_of"]


@dataclass(frozen=True)
class PlannedFault:
    """The actions of a fault, what they do to the tasks of the service, and the fault in words."""

    plan: FaultPlan
    change: TaskChange
    subject: str
    description: str


def plan_fault(
    fault: Fault,
    victims: Sequence[ServiceTask],
    parameters: dict[str, Any],
    *,
    service: ServiceUnderTest,
    features: Collection[str],
    guard: ServiceGuard,
    context: ActionContext,
    dry_run: bool = False,
) -> PlannedFault:
    """Return the plan of a fault, checked against the limits; only reads are sent, except by a fault that `creates`.

    Such a fault is not planned in a dry run. Raises FeatureLacking if the target cannot do it, LimitExceeded or
    ExperimentStopped if a limit forbids it, FaultFailed.
    """
    implementation = fault.implementation_for(features, workload=service.workload)
    reason = fault.unavailable(features, service)
    if reason or implementation is None:
        raise FeatureLacking(reason)
    if fault.of_tasks and not victims:
        guard.refuse("no victim: the service has no running task to choose from")
    change = TaskChange(frozenset(task.id for task in victims) if fault.of_tasks else frozenset(), None, fault.deploys)
    guard.check(change)
    if fault.scales and not service.temporary and not parameters.get("count"):
        parameters = {**parameters, "count": guard.largest_count()}
    not_planned = dry_run and fault.creates
    plan = FaultPlan() if not_planned else implementation.plan(service, Victims(victims, parameters), context)
    if plan.count is not None:
        change = replace(change, count=plan.count)
        guard.check(change)
    described = plan.description or (f"by {implementation.by}" if implementation.by else "")
    names = ", ".join(map(str, victims))
    subject = ", ".join(filter(None, (names, described))) or f"the service {service.service}"
    return PlannedFault(plan, change, subject, described)


def refusal_of(
    fault: Fault,
    tasks: Sequence[ServiceTask],
    *,
    service: ServiceUnderTest,
    features: Collection[str],
    guard: ServiceGuard,
    context: ActionContext,
) -> str:
    """Return why a fault cannot be done now on one task of a service of others, "" if it can. Only reads are sent.

    `tasks`: those that run. A fault of a zone is judged for the largest one, since which one is hit is random.
    """
    victims: Sequence[ServiceTask] = ()
    if fault.of_tasks:
        victims = _largest_zone(tasks) if fault.name == "az.lose" else tasks[:1]
    try:
        plan_fault(fault, victims, {}, service=service, features=features, guard=guard, context=context, dry_run=True)
    except (LimitExceeded, FeatureLacking, FaultFailed) as error:
        return str(error)
    return ""


def _largest_zone(tasks: Sequence[ServiceTask]) -> list[ServiceTask]:
    zones = {task.zone for task in tasks}
    by_zone = [[task for task in tasks if task.zone == zone] for zone in sorted(zones)]
    return max(by_zone, key=len, default=[])
