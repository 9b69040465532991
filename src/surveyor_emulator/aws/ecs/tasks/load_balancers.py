"""A task in target groups of load balancers: registered when it runs, drained before it is told to stop.

ECS Developer Guide, Use load balancing to distribute Amazon ECS service traffic, and Task lifecycle: a task is
deregistered while DEACTIVATING, and its containers are stopped once the deregistration delay is over; it counts as
healthy when its target is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.aws.ecs.state import ServiceLoadBalancer, Task
from surveyor_emulator.aws.elb.find import group
from surveyor_emulator.aws.elb.groups import deregister_targets, register_targets
from surveyor_emulator.aws.elb.state import ElbState
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["deregister", "has_failed_check", "is_healthy", "register"]


def register(call: Call, task: Task) -> None:
    """Have load balancers look after a task."""
    for one in task.template.load_balancers:
        register_targets(_acting(call), {"TargetGroupArn": one.group, "Targets": [_target(task, one)]})


def deregister(call: Call, task: Task, then: Callable[[], object]) -> None:
    """Let them send it nothing more, and go on after the longest delay of them."""
    longest = 0.0
    for one in task.template.load_balancers if task.started is not None else ():
        try:
            deregister_targets(_acting(call), {"TargetGroupArn": one.group, "Targets": [_target(task, one)]})
            longest = max(longest, group(_acting(call), one.group).delay)
        except ServiceError as problem:
            call.note("ecs.target.not-deregistered", task.id, str(problem))
    if longest:
        call.world.clock.call_later(longest, then)
    else:
        then()


def has_failed_check(call: Call, task: Task) -> bool:
    """Whether a check of one of its load balancers has failed."""
    return any(state == "unhealthy" for state in _states(call, task))


def is_healthy(call: Call, task: Task) -> bool:
    """Whether the checks of all its load balancers pass."""
    return all(state == "healthy" for state in _states(call, task))


def _states(call: Call, task: Task) -> list[str]:
    held = call.world.regional(ElbState, call.account, call.region)
    found: list[str] = []
    for one in task.template.load_balancers:
        there = held.groups.get(one.group)
        target = there.targets.get((task.address or "", one.port)) if there is not None else None
        found.append(target.state if target is not None else "unused")
    return found


def _target(task: Task, one: ServiceLoadBalancer) -> dict[str, object]:
    return {"Id": task.address or "", "Port": one.port}


def _acting(call: Call) -> Call:
    return replace(call, service="elasticloadbalancing", operation="")
