"""The container agent: EC2 instances join the cluster that their user data names (`ECS_CLUSTER=name`).

ECS Developer Guide, Bootstrapping container instances to pass data. Nothing notifies ECS of an instance: it is updated
when its container instances are needed, and finds those that have had time to start.
"""

from __future__ import annotations

import base64
import binascii
import random
import re
from collections.abc import Callable

from surveyor_emulator.aws.ec2.assigned_addresses import claim_address
from surveyor_emulator.aws.ec2.groups import allows_egress
from surveyor_emulator.aws.ec2.interfaces import detach
from surveyor_emulator.aws.ec2.route_tables import has_way_out
from surveyor_emulator.aws.ec2.state import Instance, ec2_state
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.task_runtime import runtime

from .lookup import ecs_state, make_arn
from .state import Cluster, ContainerInstance, Task

__all__ = ["update_container_instances"]

_CLUSTER = re.compile(r"^[^#\n]*\bECS_CLUSTER=[\"']?([A-Za-z0-9_-]+)", re.MULTILINE)


def update_container_instances(call: Call, stop: Callable[[Task, str], object]) -> None:
    """Add the instances that have started, and remove those that were terminated.

    ``stop`` is called with each task of a removed instance, and the reason.
    """
    state = ecs_state(call)
    known = {instance.ec2_id: instance for instance in state.instances.values()}
    for ec2_instance in ec2_state(call.world, call.account, call.region).instances.values():
        joined = known.get(ec2_instance.id)
        if ec2_instance.state != "running":
            if joined is not None:
                _remove(call, joined, stop)
        elif joined is not None:
            joined.agent_connected = _reaches_ecs(call, ec2_instance)
        elif ec2_instance.user_data and ec2_instance.id not in state.deregistered_instances:
            cluster = state.clusters.get(_cluster_name(ec2_instance.user_data))
            if (
                cluster is not None
                and cluster.status == "ACTIVE"
                and call.now >= ec2_instance.launched + _start_time(call, ec2_instance)
                and (call.world.settings.egress == "free" or _reaches_ecs(call, ec2_instance))
            ):
                _add(call, cluster, ec2_instance)


def _reaches_ecs(call: Call, instance: Instance) -> bool:
    state = ec2_state(call.world, call.account, call.region)
    subnet = state.subnets[instance.subnet]
    is_routed = call.world.settings.egress == "free" or has_way_out(state, subnet, has_public_ip=instance.has_public_ip)
    return is_routed and allows_egress(call.world, call.account, call.region, instance.id)


def _add(call: Call, cluster: Cluster, instance: Instance) -> None:
    arn = make_arn(call, "container-instance", cluster.name, call.world.new_id(32, "0123456789abcdef"))
    address = claim_address(call, instance.private_ip)
    ecs_state(call).instances[arn] = ContainerInstance(arn, instance.id, cluster, address, instance.zone, call.now)
    call.note("ecs.instance.registered", instance.id, cluster.name)


def _remove(call: Call, instance: ContainerInstance, stop: Callable[[Task, str], object]) -> None:
    instance.status, instance.agent_connected = "INACTIVE", False
    for task in ecs_state(call).tasks.values():
        if task.instance is instance:
            stop(task, f"Host EC2 (instance {instance.ec2_id}) terminated.")
    del ecs_state(call).instances[instance.arn]
    detach(call.world, instance.ec2_id)
    runtime(call.world).addresses.release(instance.address)


def _start_time(call: Call, instance: Instance) -> float:
    """Return the seconds from launch until the agent registers the instance; each time the same."""
    delay = call.world.settings.instance_joins
    return random.Random(f"{call.world.settings.seed}/{instance.id}").uniform(delay.minimum, delay.maximum)


def _cluster_name(user_data: str) -> str:
    try:
        text = base64.b64decode(user_data, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    names = _CLUSTER.findall(text)
    return str(names[-1]) if names else ""
