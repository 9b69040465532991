"""The environment and the command of a container, adapted to a process of this machine.

ECS's own variables are as documented (ECS Developer Guide, Task metadata endpoint version 4; Task IAM role). A process
cannot have a network interface, only an address: so `0.0.0.0`, as a word of the command or of a variable's value, is
replaced by the task's address, and in health checks `localhost` and `127.0.0.1` are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from surveyor_emulator.aws.ecs.state import Container, Task
from surveyor_emulator.aws.ecs.task_properties import private_dns_name, vpc_of, wall_seconds_per_second
from surveyor_emulator.aws.ecs.tasks.own_documents import task_path
from surveyor_emulator.core.world import Call
from surveyor_emulator.runtime.tasks.addresses import IPV6_NAME, source_towards

__all__ = ["build_check_command", "build_command", "build_environment", "names_of"]

_ANY_ADDRESS = re.compile(r"(?<![\d.])0\.0\.0\.0(?![\d.])")
_LOOPBACK = re.compile(r"(?<![\w.-])(?:localhost|127\.0\.0\.1)(?![\w.-])")
MAX_ADAPTED_LENGTH = 1_000
"""Words of a command that are longer (a program text, say) are left unchanged."""


def build_environment(call: Call, task: Task, container: Container) -> dict[str, str]:
    """Return the variables of a container's process, name -> value."""
    world = call.world
    address = task.listen_address or "127.0.0.1"
    base = f"{world.endpoint}/_surveyor/tasks/{task_path(call, task)}"
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/",
        "LANG": "C.UTF-8",
        "HOSTNAME": private_dns_name(call.region, task.address or address),
        "AWS_REGION": call.region,
        "AWS_DEFAULT_REGION": call.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE" if task.template.launch_type == "FARGATE" else "AWS_ECS_EC2",
        "ECS_CONTAINER_METADATA_URI_V4": f"{base}/v4/{container.definition.name}",
        "ECS_AGENT_URI": f"{base}/api/{container.definition.name}",
        # The endpoints of AWS are all at the target's.
        "AWS_ENDPOINT_URL": world.endpoint,
        "SURVEYOR_ADDRESS": task.address or address,
        "SURVEYOR_LISTEN": address,
        "SURVEYOR_SECOND": f"{wall_seconds_per_second(call, task):g}",
    }
    if task.overrides.get("taskRoleArn") or task.template.definition.document.get("taskRoleArn"):
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{base}/credentials"
    if world.clock.scale is None:
        variables["SURVEYOR_CLOCK"] = f"{base}/clock"
    vpc = vpc_of(call, task)
    if vpc is not None and (resolver := _resolver_address(call, vpc)):
        variables["SURVEYOR_DNS"] = resolver
        if world.resolver_at_53 is None or world.resolver_at_53(call.account, call.region, vpc) is None:
            variables["SURVEYOR_LOOKUP"] = "dns"  # an ordinary user must not use the port that resolv.conf implies
    # For programs on systems where a task cannot have a separate /etc/hosts.
    if task.connect_names:
        # In the order of getaddrinfo. On AWS IPv6 is first, also where nothing can be reached by it; connections then
        # fail at once, but not on a machine with a route.
        names, has_route = names_of(call, task).items(), source_towards(IPV6_NAME.format(1)) is not None
        pairs = [f"{name}={address}" for name, both in names for address in (both if has_route else reversed(both))]
        variables["SURVEYOR_HOSTS"] = " ".join(pairs)
    defined = {**container.definition.environment, **_overridden_variables(task, container)}
    return variables | {name: _ANY_ADDRESS.sub(address, value) for name, value in defined.items()}


def _resolver_address(call: Call, vpc: str) -> str:
    """Return address and port of a VPC's resolver, in a sandbox that of resolv.conf; "" if there is none."""
    world = call.world
    if world.settings.task_addresses == "subnet" and world.resolver_at_53 is not None:
        at_53 = world.resolver_at_53(call.account, call.region, vpc)
        if at_53 is not None:
            return f"{at_53}:53"
    if world.resolver is None:
        return ""
    host, port = world.resolver(call.account, call.region, vpc)
    return f"{host}:{port}"


def build_command(task: Task, container: Container) -> list[str]:
    """Return the command of a container's process, with the entry point in front."""
    command: Sequence[str] = container.definition.command
    override = _container_override(task, container).get("command")
    if override:
        entry_point = container.definition.document.get("entryPoint") or ()
        command = (*map(str, entry_point), *map(str, override))
    return _adapt(command, _ANY_ADDRESS, task)


def build_check_command(task: Task, container: Container) -> list[str]:
    """Return the command of a container's health check."""
    assert container.definition.health is not None
    kind, *command = container.definition.health.command
    adapted = _adapt(command, _LOOPBACK, task)
    return ["/bin/sh", "-c", " ".join(adapted)] if kind == "CMD-SHELL" else adapted


def _adapt(command: Sequence[str], pattern: re.Pattern[str], task: Task) -> list[str]:
    """Replace the pattern by the address that the task listens at."""
    address = task.listen_address or ""
    return [word if len(word) > MAX_ADAPTED_LENGTH else pattern.sub(address, word) for word in command]


def _overridden_variables(task: Task, container: Container) -> dict[str, str]:
    """Return the variables that RunTask sets in addition to the definition's."""
    entries = _container_override(task, container).get("environment") or ()
    return {entry["name"]: entry.get("value") or "" for entry in entries if entry.get("name")}


def _container_override(task: Task, container: Container) -> Mapping[str, list[dict[str, str]]]:
    for entry in task.overrides.get("containerOverrides") or ():
        if entry.get("name") == container.definition.name:
            override: Mapping[str, list[dict[str, str]]] = entry
            return override
    return {}


def names_of(call: Call, task: Task) -> Mapping[str, Sequence[str]]:
    """Return name -> addresses of the endpoints that a task reaches by Service Connect: IPv4, then IPv6.

    Nothing listens at the one in IPv6, as in a VPC without IPv6: clients fall back. A machine that has a global IPv6
    address leaves it out, since programs would try it first, and wait.
    """
    source = source_towards(IPV6_NAME.format(1))
    return {
        name: (address,) if source is not None and source.is_global else (address, IPV6_NAME.format(number))
        for number, (name, address) in enumerate(task.connect_names.items(), 1)
    }
