"""Amazon ECS: clusters, task definitions, services, deployments, and tasks, which are processes that really run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.handler import Handler
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .operations import (
    capacity_providers,
    clusters,
    container_instances,
    service_deployments,
    services,
    tags,
    task_definitions,
    task_sets,
    tasks,
)

__all__ = ["HANDLERS"]

_HANDLERS: Mapping[str, Handler] = {
    "ContinueServiceDeployment": service_deployments.continue_service_deployment,
    "StopServiceDeployment": service_deployments.stop_service_deployment,
    "CreateCluster": clusters.create_cluster,
    "CreateService": services.create_service,
    "CreateTaskSet": task_sets.create_task_set,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteService": services.delete_service,
    "DeleteTaskDefinitions": task_definitions.delete_task_definitions,
    "DeleteTaskSet": task_sets.delete_task_set,
    "DeregisterContainerInstance": container_instances.deregister_container_instance,
    "DeregisterTaskDefinition": task_definitions.deregister_task_definition,
    "DescribeCapacityProviders": capacity_providers.describe_capacity_providers,
    "DescribeClusters": clusters.describe_clusters,
    "DescribeContainerInstances": container_instances.describe_container_instances,
    "DescribeServiceDeployments": service_deployments.describe_service_deployments,
    "DescribeServiceRevisions": service_deployments.describe_service_revisions,
    "DescribeServices": services.describe_services,
    "DescribeTaskDefinition": task_definitions.describe_task_definition,
    "DescribeTaskSets": task_sets.describe_task_sets,
    "DescribeTasks": tasks.describe_tasks,
    "ListClusters": clusters.list_clusters,
    "ListContainerInstances": container_instances.list_container_instances,
    "ListServiceDeployments": service_deployments.list_service_deployments,
    "ListServices": services.list_services,
    "ListServicesByNamespace": services.list_services_by_namespace,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTaskDefinitionFamilies": task_definitions.list_task_definition_families,
    "ListTaskDefinitions": task_definitions.list_task_definitions,
    "ListTasks": tasks.list_tasks,
    "PutClusterCapacityProviders": capacity_providers.put_cluster_capacity_providers,
    "RegisterTaskDefinition": task_definitions.register_task_definition,
    "RunTask": tasks.run_task,
    "StopTask": tasks.stop_task,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateCluster": clusters.update_cluster,
    "UpdateContainerInstancesState": container_instances.update_container_instances_state,
    "UpdateService": services.update_service,
    "UpdateServicePrimaryTaskSet": task_sets.update_service_primary_task_set,
    "UpdateTaskSet": task_sets.update_task_set,
}


def _in_milliseconds(value: Any) -> Any:
    """Return an answer whose moments have milliseconds, as those of ECS have."""
    if isinstance(value, dict):
        return {
            name: round(entry, 3) if isinstance(entry, float) and name.endswith("At") else _in_milliseconds(entry)
            for name, entry in value.items()
        }
    return [_in_milliseconds(entry) for entry in value] if isinstance(value, list) else value


def _handler(handler: Handler) -> Handler:
    def handle(call: Call, request: Any) -> Document:
        answer: Document = _in_milliseconds(handler(call, request))
        return answer

    return handle


HANDLERS: Mapping[str, Handler] = {operation: _handler(handler) for operation, handler in _HANDLERS.items()}
