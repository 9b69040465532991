"""The tasks of a service that calls, by zone: its proxies compare their zones with those of an endpoint's tasks.

Envoy, Zone aware routing: a proxy keeps as much of its traffic in its zone as the share of callers there allows.
"""

from __future__ import annotations

from surveyor_emulator.aws.ecs.lookup import ecs_state
from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.envoy.discovery import Member
from surveyor_emulator.runtime.task_runtime import runtime

__all__ = ["joined", "left", "resource_name"]


def resource_name(task: Task) -> str:
    """Return the name by which the proxies of a task's service ask for the tasks of the service."""
    assert task.service is not None
    return f"callers.{task.service.arn}"


def joined(call: Call, task: Task) -> None:
    """Have the proxies of a task's service know that it calls from now on."""
    task.is_caller = True
    _publish(call, task)


def left(call: Call, task: Task) -> None:
    """Have the proxies of a task's service know that it calls no more."""
    task.is_caller = False
    _publish(call, task)


def _publish(call: Call, task: Task) -> None:
    if task.service is None:
        return
    # Proxies of several tasks may be starting: what counts is that they joined, not that they run.
    present = [other for other in ecs_state(call).tasks.values() if other.service is task.service and other.is_caller]
    members = sorted(Member(one.address or "", 1, one.zone) for one in present if one.address and one.zone)
    runtime(call.world).discovery.put(resource_name(task), members)
