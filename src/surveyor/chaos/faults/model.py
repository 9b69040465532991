"""A fault: a description, its implementations on different targets, and the plan for given victims."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surveyor.chaos.actions import Action, ActionContext
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["Fault", "FaultImplementation", "FaultPlan", "Victims"]


@dataclass(frozen=True)
class Victims:
    """The tasks that a fault targets, plus its parameters (`count`, `share`, …)."""

    tasks: Sequence[ServiceTask] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultPlan:
    """The actions that start a fault and those that undo it.

    `proxy_share`: share of requests that the fault of that name hits in the proxy between callers and registry;
    `operations`: only those of these, all if there are none; `amount`: as of a ProxyFault.
    `count`: the desired count of the service while it lasts, None if it does not change.
    """

    begin: tuple[Action, ...] = ()
    undo: tuple[Action, ...] = ()
    proxy_share: float = 0.0
    operations: tuple[str, ...] = ()
    amount: float = 0.0
    description: str = ""
    count: int | None = None


@dataclass(frozen=True)
class FaultImplementation:
    """How targets with the features `needs` inject a fault.

    `workload`: only into tasks that run surveyor_agents.workload. `by`: the means, as text for people, of a fault that
    has several.
    """

    needs: frozenset[str]
    plan: Callable[[ServiceUnderTest, Victims, ActionContext], FaultPlan]
    workload: bool = False
    by: str = ""


@dataclass(frozen=True)
class Fault:
    """`lasting`: it lasts until it is undone. `of_tasks`: it targets tasks, which safety limits count as lost.

    `of_host`: it is about a host beside the tasks, which the setup must ask for.
    `scales`: it changes the desired count; `deploys`: it replaces all tasks by a deployment.
    `creates`: planning it already creates resources, so that a dry run does not plan it.
    """

    name: str
    description: str
    implementations: tuple[FaultImplementation, ...]
    lasting: bool = False
    of_tasks: bool = False
    creates: bool = False
    scales: bool = False
    deploys: bool = False
    of_host: bool = False

    def implementation_for(self, features: Collection[str], *, workload: bool) -> FaultImplementation | None:
        """Return the first implementation for a target with these features; None if there is none."""
        return next(
            (
                implementation
                for implementation in self.implementations
                if implementation.needs <= set(features) and (workload or not implementation.workload)
            ),
            None,
        )

    def unavailable(self, features: Collection[str], service: ServiceUnderTest) -> str:
        """Return why the fault cannot be done on this service of a target with these features, "" if it can."""
        if self.implementation_for(features, workload=service.workload) is None:
            return f"{self.name} needs {self.missing(features)}"
        if self.of_host and service.host is None:
            return f"{self.name} needs a host beside the tasks: ServiceSetup(host=True)"
        if service.temporary:
            return ""
        if self.name == "share.withdraw" and not service.share:
            return f"{self.name} needs a namespace that the experiment has shared"
        if self.deploys and service.controller != "ECS":
            return f"{self.name} needs a service that ECS deploys; this one has the controller {service.controller}"
        if self.scales and service.is_daemon:
            return f"{self.name} needs a service with a desired count; ECS counts the tasks of a DAEMON"
        if self.name == "registry.ttl" and not service.alias:
            return f"{self.name} needs A records; this service has none"
        return ""

    def missing(self, features: Collection[str]) -> str:
        """Return what the nearest implementation needs besides these features, as text."""
        missing = sorted(
            (sorted(implementation.needs - set(features)) for implementation in self.implementations), key=len
        )
        return " and ".join(missing[0]) or "tasks that run surveyor_agents.workload"
