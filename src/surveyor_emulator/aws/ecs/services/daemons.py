"""The DAEMON scheduling strategy: one task on each active container instance of the cluster.

ecs CreateServiceRequest.schedulingStrategy; ECS Developer Guide, Daemon scheduling strategy. Errors are
InvalidParameterException; their texts are those of recordings/ecs.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ecs.lookup import ecs_state, invalid_parameter
from surveyor_emulator.aws.ecs.state import Cluster, ContainerInstance, Service, TaskTemplate
from surveyor_emulator.core.world import Call

__all__ = [
    "REBALANCING",
    "add_percentages",
    "count_active_instances",
    "find_free_instances",
    "refuse_desired_count",
    "refuse_for_daemons",
    "refuse_providers",
]


REBALANCING = {"REPLICA": "ENABLED", "DAEMON": "DISABLED"}
"""availabilityZoneRebalancing of a new service that does not mention it, by its scheduling strategy."""
_ON_INSTANCE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")


def count_active_instances(call: Call, cluster: Cluster) -> int:
    """Return how many tasks a daemon service of the cluster desires."""
    return len(_active_instances(call, cluster))


def find_free_instances(call: Call, service: Service) -> list[ContainerInstance]:
    """Return the active instances on which no task of the service is pending or runs; one that stops still runs."""
    taken = [
        task.instance
        for task in ecs_state(call).tasks.values()
        if task.service is service and task.status in _ON_INSTANCE
    ]
    return [instance for instance in _active_instances(call, service.cluster) if instance not in taken]


def add_percentages(scheduling_strategy: str, configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a deployment configuration, of daemons with their percentages where it has none: 0 and 100."""
    if scheduling_strategy != "DAEMON":
        return configuration
    if configuration.get("maximumPercent") not in (None, 100):
        raise invalid_parameter(
            "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment "
            "configuration. Change the maximumPercent value to 100, and try again"
        )
    given = {name: value for name, value in configuration.items() if value is not None}
    return {"minimumHealthyPercent": 0, "maximumPercent": 100, **given}


def refuse_desired_count(count: int | None) -> None:
    """Refuse a desired count: it is that of the instances."""
    if count is not None:
        raise invalid_parameter(
            "The daemon scheduling strategy does not support a desired count for services. Remove the desired count "
            "value and try again"
        )


def refuse_for_daemons(scheduling_strategy: str, request: Mapping[str, Any], controller: str) -> None:
    """Refuse what CreateService and UpdateService do not offer for daemons."""
    if scheduling_strategy != "DAEMON":
        return
    if controller != "ECS":
        raise invalid_parameter(f"The daemon scheduling strategy does not support the {controller} controller.")
    if (request.get("deploymentConfiguration") or {}).get("strategy") not in (None, "ROLLING"):
        raise invalid_parameter("The daemon scheduling strategy does not support strategies that shift traffic.")
    if request.get("availabilityZoneRebalancing") == "ENABLED":
        raise invalid_parameter("The daemon scheduling strategy does not support Availability Zone rebalancing.")
    refuse_desired_count(request.get("desiredCount"))


def refuse_providers(scheduling_strategy: str, template: TaskTemplate) -> None:
    """Refuse a capacity provider strategy, also a default one of the cluster, and Fargate, for daemons."""
    if scheduling_strategy != "DAEMON":
        return
    if template.capacity_provider_strategy:
        raise invalid_parameter(
            "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON "
            "scheduling strategy."
        )
    if template.launch_type == "FARGATE":
        raise invalid_parameter("The daemon scheduling strategy does not support the launch type FARGATE.")


def _active_instances(call: Call, cluster: Cluster) -> list[ContainerInstance]:
    return [
        instance
        for instance in ecs_state(call).instances.values()
        if instance.cluster is cluster and instance.status == "ACTIVE"
    ]
