"""What a fault is: one sentence, the ways in which targets can do it, and a plan for given victims."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from surveyor.chaos.actions import ActionContext, Step
from surveyor.chaos.service_under_test import ServiceUnderTest, Task

__all__ = ["Fault", "FaultImplementation", "FaultPlan", "Victims"]


@dataclass(frozen=True)
class Victims:
    """Whom a fault is about: tasks of the service, and what else it was given (`count`, `share`, …)."""

    tasks: Sequence[Task] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FaultPlan:
    """Steps that begin it and steps that undo it; `front`: share of requests hit by a fault of that name between
    callers and registry, which this process does by itself.
    """

    begin: tuple[Step, ...] = ()
    undo: tuple[Step, ...] = ()
    front: float = 0.0
    told: str = ""


@dataclass(frozen=True)
class FaultImplementation:
    """How targets with these features do it. `workload`: only to tasks that run surveyor_agents.workload."""

    needs: frozenset[str]
    plan: Callable[[ServiceUnderTest, Victims, ActionContext], FaultPlan]
    workload: bool = False


@dataclass(frozen=True)
class Fault:
    """`lasting`: it goes on until it is undone. `of_tasks`: it is done to tasks, which brakes count as lost.

    `creates`: making its plan already creates something, so that a dry run makes none.
    """

    name: str
    does: str
    ways: tuple[FaultImplementation, ...]
    lasting: bool = False
    of_tasks: bool = False
    creates: bool = False

    def way(self, features: Collection[str], *, workload: bool) -> FaultImplementation | None:
        """The first way that goes there; None if there is none."""
        return next((way for way in self.ways if way.needs <= set(features) and (workload or not way.workload)), None)

    def lacking(self, features: Collection[str]) -> str:
        """What the nearest way lacks, in words."""
        lacking = sorted((sorted(way.needs - set(features)) for way in self.ways), key=len)
        return " and ".join(lacking[0])
