"""How fast a service of others is: its TTL, the start of its tasks, and how long they drain; and what that changes.

Experiments are written for the service that they create. On another one the times that depend on the TTL are longer by
as much as its TTL is, and the service has the time that its own settings need to be steady again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from surveyor.chaos.experiment import Experiment
from surveyor.history import Check
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["ServiceTiming", "fit_experiment", "read_timing"]

RECOVERY = 240.0
"""Service seconds within which a service that was created for an experiment must be steady after the last fault."""

_ROUNDS = 2
"""A replacement, and another one for a task that does not come up at the first attempt."""

_TTLS: Mapping[tuple[str, str], int] = {("no-traffic-to-the-dead", "after"): 1, ("no-ghost", "after"): 2}
"""How many TTLs are in a limit of a check: the client's, and before it that of the resolver."""


@dataclass(frozen=True)
class ServiceTiming:
    """`start`: the longest time from the creation of a task that runs to RUNNING, 0 if no task says it; `more_ttl`: by
    how much its TTL is longer than that of the experiment; `recovery`: within which it must be steady. Seconds.
    """

    start: float = 0.0
    more_ttl: float = 0.0
    recovery: float = RECOVERY


def read_timing(client: Callable[[str], Any], service: ServiceUnderTest, experiment: Experiment) -> ServiceTiming:
    """Return the timing of a service; that of one that was created for the experiment is as the experiment expects."""
    if service.temporary:
        return ServiceTiming()
    ecs = client("ecs")
    arns = ecs.list_tasks(cluster=service.cluster, serviceName=service.service)["taskArns"]  # one page: 100 tasks
    tasks = ecs.describe_tasks(cluster=service.cluster, tasks=arns)["tasks"] if arns else []
    starts = [
        (task["startedAt"] - task["createdAt"]).total_seconds()
        for task in tasks
        if task.get("startedAt") and task.get("createdAt")
    ]
    start = max(starts, default=0.0)
    slow = _ROUNDS * (start + service.grace) + service.deregistration_delay + service.stop_timeout
    more_ttl = max(0.0, service.ttl - experiment.setup.ttl) if experiment.setup.resolve_by == "dns" else 0.0
    return ServiceTiming(start, more_ttl, max(RECOVERY, slow + RECOVERY / 2))


def fit_experiment(experiment: Experiment, service: ServiceUnderTest, timing: ServiceTiming) -> Experiment:
    """Return an experiment with the setup and the checks that a service of others allows."""
    if service.temporary:
        return experiment
    setup = replace(
        experiment.setup,
        count=service.count,
        ttl=int(service.ttl) or experiment.setup.ttl,
        stop_timeout=int(service.stop_timeout),
    )
    return replace(
        experiment, setup=setup, checks=tuple(_fitted(check, timing.more_ttl) for check in experiment.checks)
    )


def _fitted(check: Check, more_ttl: float) -> Check:
    longer = {
        limit: value + _TTLS[check.name, limit] * more_ttl
        for limit, value in check.limits.items()
        if (check.name, limit) in _TTLS and not isinstance(value, str)
    }
    return replace(check, limits={**check.limits, **longer})
