"""EC2 instances join a cluster when their user data says so, as the container agent reads it: `ECS_CLUSTER=name`.

ECS Developer Guide, Bootstrapping container instances to pass data. Nobody tells ECS of an instance: whoever needs to
know looks, and then those that have had time to start are there.
"""

from __future__ import annotations

import base64
import binascii
import random
import re
from collections.abc import Callable

from surveyor_emulator.aws.ec2.groups import allows_egress
from surveyor_emulator.aws.ec2.state import Instance, ec2_state
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime

from .lookup import ecs_state, make_arn
from .state import Cluster, ContainerInstance, Task

__all__ = ["update_container_instances"]

_CLUSTER = re.compile(r"^[^#\n]*\bECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)", re.MULTILINE)


def update_container_instances(call: Call, stop: Callable[[Task, str], object]) -> None:
    """Let those join that have started, and those go that were terminated; `stop` hears of tasks on the latter."""
    held = ecs_state(call)
    known = {one.ec2_id: one for one in held.instances.values()}
    for instance in ec2_state(call.world, call.account, call.region).instances.values():
        joined = known.get(instance.id)
        if instance.state != "running":
            if joined is not None:
                _leave(call, joined, stop)
        elif joined is not None:
            joined.agent_connected = allows_egress(call.world, call.account, call.region, instance.id)
        elif instance.user_data and instance.id not in held.deregistered_instances:
            within = held.clusters.get(_cluster(instance.user_data))
            if (
                within is not None
                and within.status == "ACTIVE"
                and call.now >= instance.launched + _start(call, instance)
            ):
                _join(call, within, instance)


def _join(call: Call, within: Cluster, instance: Instance) -> None:
    place = make_arn(call, "container-instance", within.name, call.world.new_id(32, "0123456789abcdef"))
    address = runtime(call.world).addresses.take()
    ecs_state(call).instances[place] = ContainerInstance(place, instance.id, within, address, instance.zone, call.now)
    call.note("ecs.instance.registered", instance.id, within.name)


def _leave(call: Call, joined: ContainerInstance, stop: Callable[[Task, str], object]) -> None:
    joined.status, joined.agent_connected = "INACTIVE", False
    for task in ecs_state(call).tasks.values():
        if task.instance is joined:
            stop(task, f"Host EC2 (instance {joined.ec2_id}) terminated.")
    del ecs_state(call).instances[joined.arn]
    runtime(call.world).addresses.release(joined.address)


def _start(call: Call, instance: Instance) -> float:
    """Seconds until its agent has registered it; the same whenever somebody looks."""
    delay = call.world.settings.instance_joins
    return random.Random(f"{call.world.settings.seed}/{instance.id}").uniform(delay.minimum, delay.maximum)


def _cluster(user_data: str) -> str:
    try:
        text = base64.b64decode(user_data, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    found = _CLUSTER.findall(text)
    return str(found[-1]) if found else ""
