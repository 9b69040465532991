"""Shape of a cluster in answers."""

from __future__ import annotations

from typing import Any

from surveyor_emulator.core.world import Call

from .lookup import ecs_state
from .state import Cluster
from .tags import format_tags

__all__ = ["format_cluster"]


def format_cluster(call: Call, cluster: Cluster, include: set[str]) -> dict[str, Any]:
    """Return ecs Cluster; ``include``: TAGS, SETTINGS, ATTACHMENTS."""
    state = ecs_state(call)
    tasks = [task for task in state.tasks.values() if task.cluster is cluster]
    document: dict[str, Any] = {
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": cluster.status,
        "registeredContainerInstancesCount": sum(instance.cluster is cluster for instance in state.instances.values()),
        "runningTasksCount": sum(task.status == "RUNNING" for task in tasks),
        "pendingTasksCount": sum(task.status in ("PROVISIONING", "PENDING", "ACTIVATING") for task in tasks),
        "activeServicesCount": sum(
            service.cluster is cluster and service.status == "ACTIVE" for service in state.services.values()
        ),
        "statistics": [],
        "tags": format_tags(state.tags.get(cluster.arn, {})) if "TAGS" in include else [],
        "settings": cluster.settings if "SETTINGS" in include else [],
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.capacity_provider_strategy,
    }
    if cluster.connect_namespace is not None:
        document["serviceConnectDefaults"] = {"namespace": cluster.connect_namespace}
    if cluster.attachment is not None and "ATTACHMENTS" in include:
        identity, status = cluster.attachment
        document["attachments"] = [{"id": identity, "type": "sc", "status": status, "details": []}]
        document["attachmentsStatus"] = "UPDATE_IN_PROGRESS" if status == "ATTACHING" else "UPDATE_COMPLETE"
    return document
