"""Rules for task definitions, and the defaults of members that are omitted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surveyor_emulator.core.errors import ServiceError

from .lookup import client_error
from .state import ContainerDefinition, ContainerHealthCheck, Port

__all__ = ["ParsedDefinition", "parse_definition"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_PORT_NAME = re.compile(r"[a-z0-9_][a-z0-9_-]{0,63}")
_ECR_IMAGE = re.compile(r"\d{12}\.dkr\.ecr\.")
_BYTES_PER_MIB = 1024 * 1024
DEFAULT_STOP_TIMEOUT = 30
MAX_STOP_TIMEOUT = 120
MIN_FARGATE_STOP_TIMEOUT = 2
# ecs RegisterTaskDefinitionRequest.memory: CPU units -> GiB of memory.
_FARGATE_SIZES: Mapping[int, Sequence[float]] = {
    256: (0.5, 1, 2),
    512: range(1, 5),
    1_024: range(2, 9),
    2_048: range(4, 17),
    4_096: range(8, 31),
    8_192: range(16, 61, 4),
    16_384: range(32, 121, 8),
}
# ecs HealthCheck: minimum and maximum of each member, in seconds or times.
_CHECK_BOUNDS = {"interval": (5, 300), "timeout": (2, 60), "retries": (1, 10), "startPeriod": (0, 300)}
_CHECK_DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3}
_KEPT = (
    "taskRoleArn",
    "executionRoleArn",
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
class ParsedDefinition:
    """A valid request: its containers, and the other members as answers return them."""

    network_mode: str
    containers: tuple[ContainerDefinition, ...]
    document: dict[str, Any]


def parse_definition(request: Mapping[str, Any]) -> ParsedDefinition:
    """Return the task definition of a request. Raises InvalidParameterException or ClientException."""
    if not _NAME.fullmatch(request["family"]):
        raise client_error("a family has up to 255 letters, digits, hyphens and underscores")
    fargate = "FARGATE" in (request.get("requiresCompatibilities") or ())
    mode = request.get("networkMode") or "bridge"
    cpu, task_memory = _parse_number(request.get("cpu")), _parse_number(request.get("memory"))
    if fargate:
        _check_fargate(cpu, task_memory, mode)
    if not request["containerDefinitions"]:
        raise client_error("Container list cannot be empty.")
    containers = tuple(
        _parse_container(entry, mode, task_memory, fargate=fargate) for entry in request["containerDefinitions"]
    )
    names = [container.name for container in containers]
    if len(set(names)) < len(names):
        raise client_error("Container names must be different from each other.")
    port_names = [port.name for container in containers for port in container.ports if port.name is not None]
    if len(set(port_names)) < len(port_names):
        raise client_error("Port names must be different from each other.")
    if not any(container.essential for container in containers):
        raise client_error("At least one container must be essential.")
    if not request.get("executionRoleArn"):
        _refuse_without_execution_role(request["containerDefinitions"], fargate=fargate)
    containers = _sort_by_dependency(containers)
    document = {key: request[key] for key in _KEPT if request.get(key) is not None}
    document |= {name: str(value) for name, value in (("cpu", cpu), ("memory", task_memory)) if value}
    document |= {
        "volumes": list(request.get("volumes") or []),
        "placementConstraints": list(request.get("placementConstraints") or []),
        "requiresAttributes": [],
        "compatibilities": ["EC2", "FARGATE"] if mode == "awsvpc" else ["EC2", "EXTERNAL"],
    }
    return ParsedDefinition(mode, containers, document)


def _sort_by_dependency(containers: tuple[ContainerDefinition, ...]) -> tuple[ContainerDefinition, ...]:
    """Return the containers with those first that others depend on; START is the only condition offered."""
    known = {container.name for container in containers}
    for container in containers:
        for dependency in container.document.get("dependsOn") or ():
            name, condition = dependency.get("containerName"), dependency.get("condition")
            if name not in known or name == container.name:
                raise client_error(f"{container.name} depends on {name!r}, which is not another container")
            if condition != "START":
                raise ServiceError("NotImplemented", f"the embedded target has no condition {condition}", status=501)
    ordered: list[ContainerDefinition] = []
    remaining = list(containers)
    while remaining:
        placed = {container.name for container in ordered}
        ready = [container for container in remaining if container.depends_on <= placed]
        if not ready:
            raise client_error("containers depend on each other in a circle")
        ordered.append(ready[0])
        remaining.remove(ready[0])
    return tuple(ordered)


def _refuse_without_execution_role(entries: Sequence[Mapping[str, Any]], *, fargate: bool) -> None:
    """Refuse containers for which the agent itself needs permissions."""
    for entry in entries:
        if entry.get("secrets"):
            raise client_error(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
            )
        driver = (entry.get("logConfiguration") or {}).get("logDriver")
        needs = [
            what
            for what, is_needed in (
                ("ECR images", _ECR_IMAGE.match(entry.get("image") or "")),
                ("log driver awslogs", driver == "awslogs"),
            )
            if is_needed
        ]
        if fargate and needs:
            raise client_error(f"Fargate requires task definition to have execution role ARN to support {needs[0]}.")


def _check_fargate(cpu: int, memory: int, mode: str) -> None:
    """Raise unless Fargate has this size; ``memory`` is in MiB."""
    if mode != "awsvpc":
        raise client_error("Fargate only supports network mode 'awsvpc'.")
    if not cpu or not memory:
        raise client_error("Fargate requires task definition to have cpu and memory at the task level.")
    if memory / 1_024 not in _FARGATE_SIZES.get(cpu, ()):
        raise client_error("No Fargate configuration exists for given values.")


def _parse_container(entry: Mapping[str, Any], mode: str, task_memory: int, *, fargate: bool) -> ContainerDefinition:
    """Return one container; ``task_memory`` is in MiB, 0 for none."""
    name, image = entry.get("name") or "", entry.get("image") or ""
    if not _NAME.fullmatch(name):
        raise client_error("a container's name has up to 255 letters, digits, hyphens and underscores")
    if not image:
        raise client_error("Container.image should not be null or empty.")
    hard_limit, soft_limit = entry.get("memory") or 0, entry.get("memoryReservation") or 0
    if not (hard_limit or soft_limit or task_memory):
        raise client_error(
            f"Invalid setting for container '{name}'. "
            "At least one of 'memory' or 'memoryReservation' must be specified."
        )
    if not all(variable.get("name") for variable in entry.get("environment") or ()):
        raise client_error("An environment variable's name should not be null or empty.")
    stop_timeout = entry.get("stopTimeout")
    if stop_timeout is not None and not 0 <= stop_timeout <= MAX_STOP_TIMEOUT:
        raise client_error(f"stopTimeout must be from 0 to {MAX_STOP_TIMEOUT} seconds")
    if fargate and stop_timeout is not None and stop_timeout < MIN_FARGATE_STOP_TIMEOUT:
        raise client_error(f"on Fargate stopTimeout must be at least {MIN_FARGATE_STOP_TIMEOUT} seconds")
    mappings = entry.get("portMappings") or ()
    if mappings and mode == "none":
        raise client_error("Port mappings are not allowed in the network mode none.")
    ports = tuple(_parse_port(mapping, mode, name) for mapping in mappings)
    health = {**_CHECK_DEFAULTS, **entry["healthCheck"]} if entry.get("healthCheck") else None
    document = {
        **entry,
        "cpu": entry.get("cpu") or 0,
        "essential": entry.get("essential", True) is not False,
        "environment": list(entry.get("environment") or []),
        "mountPoints": list(entry.get("mountPoints") or []),
        "volumesFrom": list(entry.get("volumesFrom") or []),
        "systemControls": list(entry.get("systemControls") or []),
        "portMappings": [_format_port(port, mapping) for port, mapping in zip(ports, mappings, strict=True)],
    }
    if health is not None:
        document["healthCheck"] = health
    return ContainerDefinition(
        name,
        image,
        document["essential"],
        (*(entry.get("entryPoint") or ()), *(entry.get("command") or ())),
        {variable["name"]: variable.get("value") or "" for variable in document["environment"]},
        ports,
        DEFAULT_STOP_TIMEOUT if stop_timeout is None else stop_timeout,
        (hard_limit or task_memory) * _BYTES_PER_MIB,
        _parse_health_check(health) if health is not None else None,
        document,
    )


def _parse_port(mapping: Mapping[str, Any], mode: str, container: str) -> Port:
    container_port = mapping.get("containerPort") or 0
    host_port = mapping.get("hostPort") or (container_port if mode in ("awsvpc", "host") else 0)
    for member, port, minimum in (("containerPort", container_port, 1), ("hostPort", host_port, 0)):
        if not minimum <= port <= 65_535:
            raise client_error(f"Invalid '{member}' setting for container '{container}'.")
    if mode in ("awsvpc", "host") and host_port != container_port:
        raise client_error(f"When networkMode={mode}, the host ports and container ports in port mappings must match.")
    name = mapping.get("name")
    if name is not None and not _PORT_NAME.fullmatch(name):
        raise client_error(
            "a port's name has up to 64 lowercase letters, digits, underscores and hyphens, and does not begin "
            "with a hyphen"
        )
    return Port(container_port, host_port, mapping.get("protocol") or "tcp", name, mapping.get("appProtocol") or "tcp")


def _format_port(port: Port, mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {**mapping, "containerPort": port.container, "hostPort": port.host, "protocol": port.protocol}


def _parse_health_check(check: Mapping[str, Any]) -> ContainerHealthCheck:
    """Return the health check of a document in which defaults are filled in."""
    command = tuple(check["command"])
    if len(command) < 2 or command[0] not in ("CMD", "CMD-SHELL"):
        raise client_error("a health check's command begins with CMD or CMD-SHELL")
    for key, (minimum, maximum) in _CHECK_BOUNDS.items():
        if not minimum <= check.get(key, minimum) <= maximum:
            raise client_error(f"healthCheck.{key} must be from {minimum} to {maximum}")
    return ContainerHealthCheck(
        command, check["interval"], check["timeout"], check["retries"], check.get("startPeriod") or 0
    )


def _parse_number(text: object) -> int:
    """Return CPU units or MiB: of a number, or of one with its unit (`1 vCPU`, `0.5GB`); 0 for nothing."""
    number = str(text or "").strip().lower().replace(" ", "")
    if number.isdecimal():
        return int(number)
    for unit in ("vcpu", "gb"):
        amount = number.removesuffix(unit)
        if amount != number and re.fullmatch(r"\d*\.?\d+", amount):
            return int(float(amount) * 1_024)
    if number:
        raise client_error(f"expected a number, optionally with its unit (1 vCPU, 0.5 GB), got {text!r}")
    return 0
