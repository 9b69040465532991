"""A task in target groups of load balancers: registered when it runs, drained before it gets SIGTERM.

ECS Developer Guide, Use load balancing to distribute Amazon ECS service traffic, and Task lifecycle: a task is
deregistered while DEACTIVATING, and its containers are stopped once the deregistration delay is over; it counts as
healthy when its target is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.aws.ecs.events import add_event
from surveyor_emulator.aws.ecs.state import Deployment, ServiceLoadBalancer, Task, TaskTemplate
from surveyor_emulator.aws.elb import rules
from surveyor_emulator.aws.elb.lookup import find_target_group
from surveyor_emulator.aws.elb.state import ElbState
from surveyor_emulator.aws.elb.target_groups import deregister_targets, register_targets
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["attach", "deregister", "has_failed_check", "is_healthy", "register", "resolve", "set_share"]


def resolve(template: TaskTemplate, before: TaskTemplate | None) -> TaskTemplate:
    """Return the template with target groups that the tasks before are not in."""
    used = {entry.group for entry in before.load_balancers} if before is not None else set()
    entries = [
        replace(entry, group=entry.alternate if entry.alternate and entry.primary in used else entry.primary)
        for entry in template.load_balancers
    ]
    return replace(template, load_balancers=tuple(entries))


def attach(call: Call, template: TaskTemplate) -> None:
    """Have the rules that ECS manages forward to both target groups."""
    for entry in template.load_balancers:
        for rule in filter(None, (entry.production_rule, entry.test_rule)):
            rules.set_groups(_elb_call(call), rule, entry.primary, entry.alternate)


def set_share(call: Call, deployment: Deployment, percent: float, *, test: bool = False) -> None:
    """Have a rule forward this share of its requests to the tasks of the deployment, and the rest to the others."""
    for entry in deployment.template.load_balancers:
        rule = entry.test_rule if test else entry.production_rule
        if rule:
            share = percent if entry.group == entry.alternate else 100.0 - percent
            rules.set_share(_elb_call(call), rule, share)


def register(call: Call, task: Task) -> None:
    """Register a task in the target groups of its service; a deleted one leaves the task without a healthy target."""
    for entry in task.template.load_balancers:
        try:
            register_targets(_elb_call(call), {"TargetGroupArn": entry.group, "Targets": [_target(task, entry)]})
            _report(call, task, f"registered 1 targets in (target-group {entry.group})")
        except ServiceError as error:
            call.note("ecs.target.not-registered", task.id, str(error))


def deregister(call: Call, task: Task, then: Callable[[], object]) -> None:
    """Deregister a task, and call ``then`` after the longest deregistration delay."""
    max_delay = 0.0
    for entry in task.template.load_balancers if task.started is not None else ():
        try:
            deregister_targets(_elb_call(call), {"TargetGroupArn": entry.group, "Targets": [_target(task, entry)]})
            _report(call, task, f"deregistered 1 targets in (target-group {entry.group})")
            _report(call, task, "has begun draining connections on 1 tasks.", of_task_set=True)
            max_delay = max(max_delay, find_target_group(_elb_call(call), entry.group).delay)
        except ServiceError as error:
            call.note("ecs.target.not-deregistered", task.id, str(error))
    if max_delay:
        call.world.clock.call_later(max_delay, then)
    else:
        then()


def _report(call: Call, task: Task, message: str, *, of_task_set: bool = False) -> None:
    if task.service is not None:
        task_set = f", taskSet {task.deployment.id}" if of_task_set and task.deployment is not None else ""
        add_event(call, task.service, f"(service {task.service.name}{task_set}) {message}")


def has_failed_check(call: Call, task: Task) -> bool:
    """Return whether a check of one of its load balancers has failed."""
    return any(state == "unhealthy" for state in _target_states(call, task))


def is_healthy(call: Call, task: Task) -> bool:
    """Return whether the checks of all its load balancers pass."""
    return all(state == "healthy" for state in _target_states(call, task))


def _target_states(call: Call, task: Task) -> list[str]:
    groups = call.world.regional(ElbState, call.account, call.region).groups
    states: list[str] = []
    for entry in task.template.load_balancers:
        group = groups.get(entry.group)
        target = group.targets.get((task.address or "", entry.port)) if group is not None else None
        states.append(target.state if target is not None else "unused")
    return states


def _target(task: Task, entry: ServiceLoadBalancer) -> dict[str, object]:
    return {"Id": task.address or "", "Port": entry.port}


def _elb_call(call: Call) -> Call:
    return replace(call, service="elasticloadbalancing", operation="")
