"""What a task definition has to be, and what is filled in where it is silent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveyor_emulator.aws.ecs.lookup import client_error, invalid_parameter
from surveyor_emulator.aws.ecs.state import ContainerDefinition, ContainerHealthCheck, Port
from surveyor_emulator.core.errors import ServiceError

__all__ = ["DefinitionInput", "check"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_BYTES = 1024 * 1024
STOP_TIMEOUT = 30
LONGEST_STOP = 120
# Amazon ECS Developer Guide, Fargate task definition parameters: CPU units -> MiB of memory.
_FARGATE: Mapping[int, Sequence[int]] = {
    256: (512, 1_024, 2_048),
    512: range(1_024, 4_097, 1_024),
    1_024: range(2_048, 8_193, 1_024),
    2_048: range(4_096, 16_385, 1_024),
    4_096: range(8_192, 30_721, 1_024),
    8_192: range(16_384, 61_441, 4_096),
    16_384: range(32_768, 122_881, 8_192),
}
# ecs HealthCheck: least and most of each figure, in seconds or times.
_CHECK_BOUNDS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
_CHECK_DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3}
_KEPT = (
    "taskRoleArn",
    "executionRoleArn",
    "cpu",
    "memory",
    "requiresCompatibilities",
    "runtimePlatform",
    "pidMode",
    "ipcMode",
    "ephemeralStorage",
    "proxyConfiguration",
    "inferenceAccelerators",
    "enableFaultInjection",
)


@dataclass(frozen=True, slots=True)
class DefinitionInput:
    """A request that is in order: its containers, and the rest as it is told again."""

    network_mode: str
    containers: tuple[ContainerDefinition, ...]
    document: dict[str, Any]


def check(request: Mapping[str, Any]) -> DefinitionInput:
    """The task definition of a request; InvalidParameterException or ClientException where it cannot be one."""
    if not _NAME.fullmatch(request["family"]):
        raise client_error("a family has up to 255 letters, digits, hyphens and underscores")
    wanted = list(request.get("requiresCompatibilities") or [])
    fargate = "FARGATE" in wanted
    mode = request.get("networkMode") or ("awsvpc" if fargate else "bridge")
    if fargate:
        _fargate(request, mode)
    if not request["containerDefinitions"]:
        raise client_error("Container list cannot be empty.")
    whole = _number(request.get("memory"))
    containers = tuple(_container(one, mode, whole, fargate=fargate) for one in request["containerDefinitions"])
    names = [one.name for one in containers]
    if len(set(names)) < len(names):
        raise client_error("Container names are to be different from each other.")
    ports = [port.name for one in containers for port in one.ports if port.name is not None]
    if len(set(ports)) < len(ports):
        raise client_error("Port names are to be different from each other.")
    if not any(one.essential for one in containers):
        raise client_error("At least one container is to be essential.")
    containers = _in_order(containers)
    told = {key: request[key] for key in _KEPT if request.get(key) is not None}
    told |= {
        "volumes": list(request.get("volumes") or []),
        "placementConstraints": list(request.get("placementConstraints") or []),
        "requiresAttributes": [],
        "compatibilities": ["EC2", "FARGATE"] if mode == "awsvpc" else ["EC2", "EXTERNAL"],
    }
    return DefinitionInput(mode, containers, told)


def _in_order(containers: tuple[ContainerDefinition, ...]) -> tuple[ContainerDefinition, ...]:
    """Those first that others depend on; of conditions only START is offered."""
    known = {one.name for one in containers}
    ordered: list[ContainerDefinition] = []
    left = list(containers)
    for one in containers:
        for wanted in one.document.get("dependsOn") or ():
            if wanted.get("containerName") not in known or wanted.get("containerName") == one.name:
                raise client_error(
                    f"{one.name} depends on {wanted.get('containerName')!r}, which is no other container"
                )
            if wanted.get("condition") != "START":
                condition = wanted.get("condition")
                raise ServiceError("NotImplemented", f"the embedded target has no condition {condition}", status=501)
    while left:
        there = {one.name for one in ordered}
        ready = [one for one in left if all(d["containerName"] in there for d in one.document.get("dependsOn") or ())]
        if not ready:
            raise client_error("containers depend on each other in a circle")
        ordered.append(ready[0])
        left.remove(ready[0])
    return tuple(ordered)


def _fargate(request: Mapping[str, Any], mode: str) -> None:
    if mode != "awsvpc":
        raise client_error("Fargate only supports network mode 'awsvpc'.")
    cpu, memory = _number(request.get("cpu")), _number(request.get("memory"))
    if not cpu or not memory:
        raise client_error("Fargate requires task definition to have cpu and memory at the task level.")
    if memory not in _FARGATE.get(cpu, ()):
        raise client_error("No Fargate configuration exists for given values.")


def _container(given: Mapping[str, Any], mode: str, memory: int, *, fargate: bool) -> ContainerDefinition:
    name, image = given.get("name") or "", given.get("image") or ""
    if not _NAME.fullmatch(name):
        raise client_error("a container's name has up to 255 letters, digits, hyphens and underscores")
    if not image:
        raise client_error("Container.image should not be null or empty.")
    limit, soft = given.get("memory") or 0, given.get("memoryReservation") or 0
    if not (limit or soft or memory):
        raise client_error(
            "Invalid setting for container. At least one of 'memory' or 'memoryReservation' is to be given."
        )
    if not all(one.get("name") for one in given.get("environment") or ()):
        raise client_error("An environment variable's name should not be null or empty.")
    stop = given.get("stopTimeout")
    if stop is not None and not 0 <= stop <= LONGEST_STOP:
        raise client_error(f"stopTimeout is to be from 0 to {LONGEST_STOP} seconds")
    if fargate and stop is not None and stop < 2:
        raise client_error("on Fargate stopTimeout is to be at least 2 seconds")
    ports = tuple(_port(one, mode) for one in given.get("portMappings") or ())
    health = _health(given["healthCheck"]) if given.get("healthCheck") else None
    told = {
        **given,
        "cpu": given.get("cpu") or 0,
        "essential": given.get("essential", True) is not False,
        "environment": list(given.get("environment") or []),
        "mountPoints": list(given.get("mountPoints") or []),
        "volumesFrom": list(given.get("volumesFrom") or []),
        "systemControls": list(given.get("systemControls") or []),
        "portMappings": [
            _told(one, source) for one, source in zip(ports, given.get("portMappings") or (), strict=True)
        ],
    }
    if health is not None:
        told["healthCheck"] = _told_check(health)
    return ContainerDefinition(
        name,
        image,
        told["essential"],
        (*(given.get("entryPoint") or ()), *(given.get("command") or ())),
        {one["name"]: one.get("value") or "" for one in told["environment"]},
        ports,
        STOP_TIMEOUT if stop is None else stop,
        (limit or memory) * _BYTES,
        health,
        told,
    )


def _port(given: Mapping[str, Any], mode: str) -> Port:
    container = given.get("containerPort") or 0
    host = given.get("hostPort") or (container if mode in ("awsvpc", "host") else 0)
    if not 0 < container <= 65_535 or not 0 <= host <= 65_535:
        raise client_error("a port is from 1 to 65535")
    if mode in ("awsvpc", "host") and host != container:
        raise client_error("in the network modes awsvpc and host the host port is the container port")
    name = given.get("name")
    if name is not None and not _PORT_NAME.fullmatch(name):
        raise client_error(
            "a port's name has up to 64 lowercase letters, digits, underscores and hyphens, none in front"
        )
    return Port(container, host, given.get("protocol") or "tcp", name, given.get("appProtocol") or "tcp")


def _told(port: Port, given: Mapping[str, Any]) -> dict[str, Any]:
    return {**given, "containerPort": port.container, "hostPort": port.host, "protocol": port.protocol}


def _health(given: Mapping[str, Any]) -> ContainerHealthCheck:
    command = tuple(given["command"])
    if not command or command[0] not in ("CMD", "CMD-SHELL", "NONE"):
        raise client_error("a health check's command begins with CMD or CMD-SHELL")
    if command[0] != "NONE" and len(command) < 2:
        raise client_error("a health check needs a command")
    figures = {**_CHECK_DEFAULTS, **{key: given[key] for key in _CHECK_BOUNDS if given.get(key) is not None}}
    for key, value in figures.items():
        least, most = _CHECK_BOUNDS[key]
        if not least <= value <= most:
            raise client_error(f"healthCheck.{key} is to be from {least} to {most}")
    return ContainerHealthCheck(
        command, figures["interval"], figures["timeout"], figures["retries"], figures.get("startPeriod")
    )


def _told_check(of: ContainerHealthCheck) -> dict[str, Any]:
    told: dict[str, Any] = {
        "command": list(of.command),
        "interval": of.interval,
        "timeout": of.timeout,
        "retries": of.retries,
    }
    return told if of.start_period is None else {**told, "startPeriod": of.start_period}


def _number(text: object) -> int:
    """CPU units or MiB: a number, or with its unit (`1 vCPU`, `0.5GB`)."""
    given = str(text or "").strip().lower().replace(" ", "")
    if given.isdecimal():
        return int(given)
    for unit in ("vcpu", "gb"):
        amount = given.removesuffix(unit)
        if amount != given and re.fullmatch(r"\d*\.?\d+", amount):
            return int(float(amount) * 1_024)
    if given:
        raise invalid_parameter(f"{text!r} is neither a number nor one with its unit")
    return 0
