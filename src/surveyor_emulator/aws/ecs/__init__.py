"""Amazon ECS: clusters, task definitions, services, deployments, and tasks, which are processes that really run."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor_emulator.server.services import Handler

from . import clusters, container_instances, tags
from .definitions import operations as definitions
from .deployments import operations as service_deployments
from .services import operations as services
from .services import task_sets
from .tasks import operations as running

__all__ = ["HANDLERS"]

HANDLERS: Mapping[str, Handler] = {
    "ContinueServiceDeployment": service_deployments.continue_service_deployment,
    "StopServiceDeployment": service_deployments.stop_service_deployment,
    "CreateCluster": clusters.create_cluster,
    "CreateService": services.create_service,
    "CreateTaskSet": task_sets.create_task_set,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteService": services.delete_service,
    "DeleteTaskDefinitions": definitions.delete_task_definitions,
    "DeleteTaskSet": task_sets.delete_task_set,
    "DeregisterContainerInstance": container_instances.deregister_container_instance,
    "DeregisterTaskDefinition": definitions.deregister_task_definition,
    "DescribeClusters": clusters.describe_clusters,
    "DescribeContainerInstances": container_instances.describe_container_instances,
    "DescribeServiceDeployments": service_deployments.describe_service_deployments,
    "DescribeServices": services.describe_services,
    "DescribeTaskDefinition": definitions.describe_task_definition,
    "DescribeTaskSets": task_sets.describe_task_sets,
    "DescribeTasks": running.describe_tasks,
    "ListClusters": clusters.list_clusters,
    "ListContainerInstances": container_instances.list_container_instances,
    "ListServiceDeployments": service_deployments.list_service_deployments,
    "ListServices": services.list_services,
    "ListServicesByNamespace": services.list_services_by_namespace,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTaskDefinitionFamilies": definitions.list_task_definition_families,
    "ListTaskDefinitions": definitions.list_task_definitions,
    "ListTasks": running.list_tasks,
    "RegisterTaskDefinition": definitions.register_task_definition,
    "RunTask": running.run_task,
    "StopTask": running.stop_task,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateCluster": clusters.update_cluster,
    "UpdateContainerInstancesState": container_instances.update_container_instances_state,
    "UpdateService": services.update_service,
    "UpdateServicePrimaryTaskSet": task_sets.update_service_primary_task_set,
    "UpdateTaskSet": task_sets.update_task_set,
}
