"""What a container finds in its environment, and how its command is made fit for a process of this machine.

ECS's own variables are as documented (ECS Developer Guide, Task metadata endpoint version 4; Task IAM role). A process
cannot be given an interface of its own, only an address: so `0.0.0.0`, as a word of the command or of a variable's
value, becomes the task's address, and in health checks `localhost` and `127.0.0.1` do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from surveyor_emulator.aws.ecs.state import Container, Task
from surveyor_emulator.aws.ecs.task_properties import vpc_of, wall_seconds_per_second
from surveyor_emulator.core.world import Call

__all__ = ["build_check_command", "build_command", "build_environment", "names_of", "overridden"]

_EVERYWHERE = re.compile(r"(?<![\d.])0\.0\.0\.0(?![\d.])")
_HERE = re.compile(r"(?<![\w.-])(?:localhost|127\.0\.0\.1)(?![\w.-])")


def build_environment(call: Call, task: Task, container: Container) -> dict[str, str]:
    """Name -> value."""
    world = call.world
    address = task.listen_address or "127.0.0.1"
    place = f"{world.endpoint}/_surveyor/ecs/{call.account}/{call.region}/{task.cluster.name}/{task.id}"
    known = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/",
        "LANG": "C.UTF-8",
        "HOSTNAME": f"ip-{(task.address or address).replace('.', '-')}.ec2.internal",
        "AWS_REGION": call.region,
        "AWS_DEFAULT_REGION": call.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if task.template.launch_type == "FARGATE" else "AWS_ECS_EC2",
        "ECS_CONTAINER_METADATA_URI_V4": f"{place}/v4/{container.definition.name}",
        "ECS_AGENT_URI": f"{place}/agent",
        # What AWS has at addresses of its own is here at the target's.
        "AWS_ENDPOINT_URL": world.endpoint,
        "SURVEYOR_ADDRESS": task.address or address,
        "SURVEYOR_LISTEN": address,
        "SURVEYOR_SECOND": f"{wall_seconds_per_second(call, task):g}",
    }
    if task.overrides.get("taskRoleArn") or task.template.definition.document.get("taskRoleArn"):
        known["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{place}/credentials"
    if world.clock.scale is None:
        known["SURVEYOR_CLOCK"] = f"{world.endpoint}/_surveyor/clock"
    vpc = vpc_of(call, task)
    if vpc is not None and world.resolver is not None:
        resolver, port = world.resolver(call.account, call.region, vpc)
        known["SURVEYOR_DNS"] = f"{resolver}:{port}"
    # For programs on systems where a task cannot have an /etc/hosts of its own.
    if task.connect_names:
        known["SURVEYOR_HOSTS"] = " ".join(f"{name}={where}" for name, where in names_of(call, task).items())
    given = {**container.definition.environment, **overridden(task, container, "environment")}
    return known | {name: _EVERYWHERE.sub(address, value) for name, value in given.items()}


def build_command(task: Task, container: Container) -> list[str]:
    """What is run."""
    command: Sequence[str] = container.definition.command
    changed = _override(task, container).get("command")
    if changed:
        entry = container.definition.document.get("entryPoint") or ()
        command = (*map(str, entry), *map(str, changed))
    return [one if len(one) > 1_000 else _EVERYWHERE.sub(task.listen_address or "", one) for one in command]


def build_check_command(task: Task, container: Container) -> list[str]:
    """What a health check runs; empty if it is switched off."""
    assert container.definition.health is not None
    kind, *rest = container.definition.health.command
    if kind == "NONE":
        return []
    here = [one if len(one) > 1_000 else _HERE.sub(task.listen_address or "", one) for one in rest]
    return ["/bin/sh", "-c", " ".join(here)] if kind == "CMD-SHELL" else here


def overridden(task: Task, container: Container, what: str) -> dict[str, str]:
    """Names and values that RunTask gives beside the definition's."""
    given = _override(task, container).get(what) or ()
    return {one["name"]: one.get("value") or "" for one in given if one.get("name")}


def _override(task: Task, container: Container) -> Mapping[str, list[dict[str, str]]]:
    for one in task.overrides.get("containerOverrides") or ():
        if one.get("name") == container.definition.name:
            found: Mapping[str, list[dict[str, str]]] = one
            return found
    return {}


def names_of(call: Call, task: Task) -> Mapping[str, str]:
    """Return name -> address of the endpoints that a task reaches by Service Connect."""
    return task.connect_names
