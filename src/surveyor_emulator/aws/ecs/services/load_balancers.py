"""A task in target groups of load balancers: registered when it runs, drained before it is told to stop.

ECS Developer Guide, Use load balancing to distribute Amazon ECS service traffic, and Task lifecycle: a task is
deregistered while DEACTIVATING, and its containers are stopped once the deregistration delay is over; it counts as
healthy when its target is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from surveyor_emulator.aws.ecs.lookup import invalid
from surveyor_emulator.aws.ecs.state import Task, TaskDefinition
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["Balancer", "balancers", "deregister", "is_ill", "is_well", "register"]


@dataclass(frozen=True, slots=True)
class Balancer:
    """The target group that a container's port is registered in."""

    group: str
    container: str
    port: int


def balancers(call: Call, definition: TaskDefinition, given: list[Mapping[str, Any]]) -> tuple[Balancer, ...]:
    """What a request's loadBalancers say. Raises InvalidParameterException."""
    from surveyor_emulator.aws.elb.find import group  # only for services that have one

    found: list[Balancer] = []
    for one in given:
        arn, name, port = one.get("targetGroupArn"), one.get("containerName"), one.get("containerPort")
        if not arn:
            raise ServiceError("UnsupportedFeatureException", "this target offers no Classic Load Balancers")
        container = definition.container(name or "")
        if container is None or port not in {each.container for each in container.ports}:
            raise invalid(f"The container {name} did not have a container port {port}.")
        if definition.network_mode != "awsvpc":
            raise invalid("target groups of the type ip need the network mode awsvpc")
        try:
            group(call, arn)
        except ServiceError:
            raise invalid(f"The specified target group {arn} does not exist.") from None
        found.append(Balancer(arn, str(name), int(port or 0)))
    return tuple(found)


def register(call: Call, task: Task) -> None:
    """Have load balancers look after a task."""
    from surveyor_emulator.aws.elb.groups import register_targets

    for one in task.template.balancers:
        register_targets(_acting(call), {"TargetGroupArn": one.group, "Targets": [_target(task, one)]})


def deregister(call: Call, task: Task, then: Callable[[], object]) -> None:
    """Let them send it nothing more, and go on after the longest delay of them."""
    from surveyor_emulator.aws.elb.find import group
    from surveyor_emulator.aws.elb.groups import deregister_targets

    longest = 0.0
    for one in task.template.balancers if task.started is not None else ():
        try:
            deregister_targets(_acting(call), {"TargetGroupArn": one.group, "Targets": [_target(task, one)]})
            longest = max(longest, group(_acting(call), one.group).delay)
        except ServiceError as problem:
            call.note("ecs.target.not-deregistered", task.id, str(problem))
    if longest:
        call.world.clock.call_later(longest, then)
    else:
        then()


def is_ill(call: Call, task: Task) -> bool:
    """Whether a check of one of its load balancers has failed."""
    return any(state == "unhealthy" for state in _states(call, task))


def is_well(call: Call, task: Task) -> bool:
    """Whether the checks of all its load balancers pass."""
    return all(state == "healthy" for state in _states(call, task))


def _states(call: Call, task: Task) -> list[str]:
    from surveyor_emulator.aws.elb.state import ElbState

    held = call.world.regional(ElbState, call.account, call.region)
    found: list[str] = []
    for one in task.template.balancers:
        group = held.groups.get(one.group)
        target = group.targets.get((task.address or "", one.port)) if group is not None else None
        found.append(target.state if target is not None else "unused")
    return found


def _target(task: Task, one: Balancer) -> dict[str, object]:
    return {"Id": task.address or "", "Port": one.port}


def _acting(call: Call) -> Call:
    return replace(call, service="elasticloadbalancing", operation="")
