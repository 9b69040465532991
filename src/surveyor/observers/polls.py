"""The polls of a service of the user's: each view that it has, and its deployments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from surveyor.callers import ViewContents, resolve_name
from surveyor.dns import DnsAddress
from surveyor.history import View, ViewMember
from surveyor.observers.load_balancer import healthy_targets
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest
from surveyor.observers.tasks import describe_tasks
from surveyor.observers.views import discover_instances, list_instances

__all__ = ["Poll", "poll_period", "polls_of"]

DNS_TIMEOUT = 2.0
"""Wall seconds."""

MAX_CALLS = 2.0
"""Reads of tasks per second: a tenth of what an account may make (Amazon ECS API Reference, "Request throttling")."""

PAGE = 100
"""Tasks in an answer of ListTasks, and at most in a request of DescribeTasks."""


@dataclass(frozen=True)
class Poll:
    """How a view is read; `view`: its description in the header of a history, None for tasks."""

    ask: Callable[[], ViewContents | Mapping[str, ServiceTask]]
    view: View | None = None


def polls_of(
    new_client: Callable[[str], Any], service: ServiceUnderTest, resolver: tuple[str, int] | None
) -> dict[str, Poll]:
    """Return the polls of all views that the service has, each with a separate client; they only read."""
    polls = {"tasks": Poll(partial(describe_tasks, new_client("ecs"), service, {}))}
    if service.registry:
        polls["list"] = Poll(partial(list_instances, new_client("servicediscovery"), service), View())
        polls["discover"] = Poll(partial(discover_instances, new_client("servicediscovery"), service), View())
        healthy = partial(discover_instances, new_client("servicediscovery"), service, "HEALTHY")
        polls["healthy"] = Poll(healthy, View(healthy=True))
    if service.alias and resolver is not None:
        # At most eight addresses, and only healthy ones if any is healthy (servicediscovery/DnsConfig.RoutingPolicy).
        ask = partial(resolve_name, DnsAddress(*resolver), service.alias, DNS_TIMEOUT)
        polls["names"] = Poll(ask, View("addresses", healthy=service.health, max_members=8))
    if service.groups:
        targets = partial(healthy_targets, new_client("elbv2"), service.groups)
        polls["targets"] = Poll(targets, View("addresses", healthy=True))
    if service.connect is not None and service.connect.registry:
        kept = replace(service, registry=service.connect.registry)
        polls["connect"] = Poll(partial(_addresses, new_client("servicediscovery"), kept), View("addresses"))
    return polls


def poll_period(service: ServiceUnderTest, requested: float) -> float:
    """Return the seconds between two polls: more than requested if reading all tasks takes many calls."""
    pages = math.ceil(2 * max(service.count, 1) / PAGE)  # a deployment may double the tasks
    return max(requested, 2 * pages / MAX_CALLS)


def _addresses(cloudmap: Any, service: ServiceUnderTest) -> ViewContents:
    """Return the instances that ECS keeps for Service Connect, by their addresses."""
    members = list_instances(cloudmap, service).members.values()
    return ViewContents({member.address: ViewMember(member.address) for member in members})
