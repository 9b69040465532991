"""How fast an account and a service of others are: name servers, TTL, start of tasks, drain; and what that changes.

Experiments are written for the service that they create. On another one the times that depend on the TTL are longer by
as much as its TTL is, and the service has the time that its own settings need to be steady again. In an account, name
servers may answer with a change a minute later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from surveyor.chaos.experiment import Experiment
from surveyor.history import Check
from surveyor.observers.polls import poll_period
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["ServiceTiming", "fit_experiment", "read_timing"]

RECOVERY = 240.0
"""Service seconds within which a service that was created for an experiment must be steady after the last fault."""

_SCHEDULED = 30.0
"""Service seconds until ECS has noticed that tasks are missing, and has stopped what it replaces."""

_ROUNDS = 2
"""A replacement, and another one for a task that does not come up at the first attempt."""

NAME_SERVERS = 60.0
"""Service seconds until name servers answer with a change (route53/ChangeResourceRecordSets: "generally within 60")."""

_TTLS: Mapping[tuple[str, str], int] = {("no-traffic-to-the-dead", "after"): 1, ("no-ghost", "after"): 2}
"""How many TTLs are in a limit of a check: the client's, and before it that of the resolver."""


@dataclass(frozen=True)
class ServiceTiming:
    """`start`: the longest time from the creation of a task that runs to RUNNING, 0 if no task says it; `more_ttl`: by
    how much its TTL is longer than that of the experiment; `recovery`: within which it must be steady; `names`: by how
    much later name servers may answer with a change. Seconds.
    """

    start: float = 0.0
    more_ttl: float = 0.0
    recovery: float = RECOVERY
    names: float = 0.0

    def steady(self, service: ServiceUnderTest) -> float:
        """Return after about how many seconds the service is steady again, once it has tasks to start and to stop."""
        return self.start + service.grace + max(service.stop_timeout, service.deregistration_delay) + _SCHEDULED


def read_timing(
    client: Callable[[str], Any], service: ServiceUnderTest, experiment: Experiment, *, in_account: bool
) -> ServiceTiming:
    """Return the timing of a service; one that was created for the experiment has that which the experiment expects."""
    names = NAME_SERVERS if in_account else 0.0
    if service.temporary:
        return ServiceTiming(recovery=RECOVERY + _shift_seconds(experiment.setup.deployment), names=names)
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
    return ServiceTiming(start, more_ttl, max(RECOVERY, slow + RECOVERY / 2), names)


def fit_experiment(experiment: Experiment, service: ServiceUnderTest, timing: ServiceTiming) -> Experiment:
    """Return an experiment with the checks that an account, and the setup that a service of others allows."""
    setup = experiment.setup
    if not service.temporary:
        setup = replace(
            setup,
            count=service.count,
            ttl=int(service.ttl) or setup.ttl,
            stop_timeout=int(service.stop_timeout),
            poll_period=poll_period(service, setup.poll_period),
        )
    return replace(experiment, setup=setup, checks=tuple(_fitted(check, timing) for check in experiment.checks))


def _shift_seconds(deployment: Mapping[str, Any]) -> float:
    """Return for how long a deployment that shifts traffic waits: between its shifts, and at its end."""
    canary, linear = deployment.get("canaryConfiguration") or {}, deployment.get("linearConfiguration") or {}
    waits = canary.get("canaryBakeTimeInMinutes", 0.0)
    if linear:
        waits = (math.ceil(100 / linear["stepPercent"]) - 1) * linear["stepBakeTimeInMinutes"]
    return 60.0 * float(waits + deployment.get("bakeTimeInMinutes", 0))


def _fitted(check: Check, timing: ServiceTiming) -> Check:
    longer = {
        limit: value + _TTLS[check.name, limit] * timing.more_ttl + timing.names
        for limit, value in check.limits.items()
        if (check.name, limit) in _TTLS and not isinstance(value, str)
    }
    return replace(check, limits={**check.limits, **longer})
