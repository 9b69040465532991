"""The commands of the AWS CLI that carry out an advice, and the task definition that they register."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.advice.service_advice import ServiceChange
from surveyor.advice.settings import IN_FLIGHT

__all__ = ["DRAIN", "ServicePlace", "changed_definition", "commands_of", "drain_of"]

DRAIN = "surveyor-drain"
"""The name of the container that delays SIGTERM."""

_IMAGE = "public.ecr.aws/docker/library/busybox:stable"
_SLEEPS = "trap 'sleep {seconds}; exit 0' TERM; while :; do sleep 3600 & wait; done"
_MEMORY = 16
"""MiB of that container where the task has no limit (ecs/ContainerDefinition.memoryReservation)."""


@dataclass(frozen=True)
class ServicePlace:
    """Where a service is: names, the container whose program clients call, and its Cloud Map service."""

    region: str
    cluster: str
    service: str
    family: str
    container: str
    registry: Mapping[str, Any]


def drain_of(definition: Mapping[str, Any]) -> int:
    """Return for how many seconds a task definition delays SIGTERM by an earlier advice, 0 if it does not."""
    found = (one for one in definition["containerDefinitions"] if one["name"] == DRAIN)
    return next((max(0, int(one.get("stopTimeout") or 0) - IN_FLIGHT) for one in found), 0)


def changed_definition(
    definition: Mapping[str, Any], accepted: Collection[str], change: ServiceChange, container: str
) -> dict[str, Any]:
    """Return the parameters of RegisterTaskDefinition for a definition with a change; `accepted`: their names."""
    containers = [dict(one) for one in definition["containerDefinitions"]]
    if change.without_check:
        for one in containers:
            if one["name"] == container:
                one.pop("healthCheck", None)
    if change.drain is not None:
        containers = [one for one in containers if one["name"] != DRAIN]
        containers.append(
            {
                "name": DRAIN,
                "image": _IMAGE,
                "essential": False,
                "command": ["sh", "-c", _SLEEPS.format(seconds=change.drain)],
                "stopTimeout": change.drain + IN_FLIGHT,
                "dependsOn": [{"containerName": container, "condition": "START"}],
                **({} if definition.get("memory") else {"memoryReservation": _MEMORY}),
            }
        )
    kept = {name: value for name, value in definition.items() if name in accepted}
    return {**kept, "containerDefinitions": containers}


def commands_of(change: ServiceChange, place: ServicePlace, file: str) -> list[str]:
    """Return the commands, in order; `file`: where the task definition of the change is."""
    commands = []
    if change.ttl is not None:
        commands.append(
            ["servicediscovery", "update-service", "--id", str(place.registry["Id"]), "--service",
             json.dumps(_with_ttl(place.registry, change.ttl))]
        )  # fmt: skip
    update = ["ecs", "update-service", "--cluster", place.cluster, "--service", place.service]
    if change.drain is not None or change.without_check:
        commands.append(["ecs", "register-task-definition", "--cli-input-json", f"file://{file}"])
        update += ["--task-definition", place.family]
    if change.minimum_percent is not None:
        update += ["--deployment-configuration", f"minimumHealthyPercent={change.minimum_percent},maximumPercent=200"]
    commands.append(update)
    return [f"aws {shlex.join(words)} --region {place.region}" for words in commands]


def _with_ttl(registry: Mapping[str, Any], ttl: int) -> dict[str, Any]:
    """Return the parameter of UpdateService; what a request leaves out is deleted, so it is repeated."""
    kept = {name: registry[name] for name in ("Description", "HealthCheckConfig") if name in registry}
    records = [{"Type": record["Type"], "TTL": ttl} for record in registry["DnsConfig"]["DnsRecords"]]
    return {**kept, "DnsConfig": {"DnsRecords": records}}
