"""Properties of a task that depend on other state: its VPC, and the pace of its time."""

from __future__ import annotations

import re

from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.tasks.pace import wall_per_second

from .lookup import make_arn
from .state import Task

__all__ = ["interface_of", "private_dns_name", "task_set_arn", "vpc_of", "wall_seconds_per_second"]

_NUMBER = re.compile(r"\d{0,3}\.?\d{1,6}")


def wall_seconds_per_second(call: Call, task: Task) -> float:
    """Return the wall seconds that a service second takes for a task.

    They are the target's, unless the task definition sets SURVEYOR_SECOND.
    """
    for container in task.containers:
        value = container.definition.environment.get("SURVEYOR_SECOND", "")
        if _NUMBER.fullmatch(value) and float(value):
            return float(value)
    return wall_per_second(call.world)


def private_dns_name(region: str, address: str) -> str:
    """Return the name that a VPC gives an address; it is the host name of a task that has the address."""
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    return f"ip-{address.replace('.', '-')}.{domain}"


def task_set_arn(call: Call, task: Task) -> str:
    """Return the ARN by which Service Connect knows the deployment of a service's task."""
    assert task.service is not None
    assert task.deployment is not None
    return make_arn(call, "task-set", task.cluster.name, task.service.name, task.deployment.id)


def vpc_of(call: Call, task: Task) -> str | None:
    """Return the VPC whose resolver a task uses: that of its subnet or of its EC2 instance, None if it has neither."""
    ec2 = ec2_state(call.world, call.account, call.region)
    host = ec2.instances.get(task.instance.ec2_id) if task.instance is not None else None
    place = ec2.subnets.get(task.subnet) if task.subnet is not None else host
    return place.vpc if place is not None else None


def interface_of(task: Task) -> str:
    """Return the id of a task's network interface."""
    return f"eni-{task.attachment.replace('-', '')[:17]}"
