"""ECS services with their tasks, tasks outside services, task definitions and clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while
from surveyor.account.removal.cloudmap import delete_namespaces
from surveyor.account.tags import run_prefix

__all__ = [
    "MAX_DEFINITIONS",
    "delete_clusters",
    "delete_ecs_services",
    "delete_task_definitions",
    "find_cluster",
    "find_ecs_service",
    "find_task",
    "find_task_definition",
    "stop_and_wait",
    "stop_tasks",
]

MAX_DEFINITIONS = 10
"""Task definitions in one call (ecs/DeleteTaskDefinitionsRequest)."""

_NO_CLUSTER = "ClusterNotFoundException"
_CLUSTER_IN_USE = (
    "ClusterContainsTasksException",
    "ClusterContainsServicesException",
    "UpdateInProgressException",
)


def find_ecs_service(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the ARN of the service that the create call created."""
    if resource.ids:
        return resource.ids
    ecs = account.client("ecs", resource.region)
    found: list[dict[str, Any]] = []
    with ignore_absent(_NO_CLUSTER):
        cluster, name = resource.parameters.get("cluster", "default"), resource.parameters.get("serviceName", "")
        found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    return tuple(service["serviceArn"] for service in found if service["status"] != "INACTIVE")


def find_task(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the ARNs of the tasks that the call started; without an answer, all that the run started there."""
    if resource.ids:
        return resource.ids
    ecs = account.client("ecs", resource.region)
    arns: list[str] = []
    with ignore_absent(_NO_CLUSTER):
        cluster = resource.parameters.get("cluster", "default")
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, startedBy=run_prefix(account.run))
        arns += [arn for page in pages for arn in page["taskArns"]]
    return tuple(arns)


def find_task_definition(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the revisions of the family that the call registered."""
    if resource.ids:
        return resource.ids
    ecs, family = account.client("ecs", resource.region), resource.parameters.get("family", "")
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family)
    arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
    return tuple(arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == family)


def find_cluster(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the cluster's name."""
    return resource.ids or (resource.parameters.get("clusterName", ""),)


def delete_ecs_services(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete services, side by side, and wait until none of their tasks is left."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    draining: list[str] = []
    for arn in ids:
        try:
            with ignore_absent(_NO_CLUSTER, "ServiceNotFoundException", "ServiceNotActiveException"):
                deleted = ecs.delete_service(cluster=_cluster_of(arn), service=arn, force=True)["service"]
                draining += [arn] if _count_tasks(deleted) else []
        except ClientError as error:
            problems[arn] = str(error)
    for arn in draining:
        try:
            account.clock.eventually(partial(_has_no_tasks, ecs, arn), within=timeouts.DEPLOYMENT)
        except AssertionError as error:
            problems[arn] = str(error)
    return problems


def stop_tasks(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Stop tasks; they end within their stopTimeout."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            # A task that stopped an hour ago is no longer known.
            with ignore_absent(_NO_CLUSTER, "InvalidParameterException"):
                ecs.stop_task(cluster=_cluster_of(arn), task=arn)
        except ClientError as error:
            problems[arn] = str(error)
    return problems


def stop_and_wait(account: Account, region: str, arns: Sequence[str]) -> Problems:
    """Stop tasks of one cluster, and wait until they have stopped."""
    problems = dict(stop_tasks(account, region, arns))
    stopping = [arn for arn in arns if arn not in problems]
    ecs = account.client("ecs", region)

    def all_stopped() -> bool:  # one that is not described stopped an hour ago
        tasks = ecs.describe_tasks(cluster=_cluster_of(stopping[0]), tasks=stopping)["tasks"]
        return all(task.get("lastStatus") == "STOPPED" for task in tasks)

    if stopping:
        try:
            account.clock.eventually(all_stopped, within=timeouts.TASK)
        except AssertionError as error:
            problems |= dict.fromkeys(stopping, str(error))
    return problems


def delete_task_definitions(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Deregister revisions, and delete them if the target can."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    inactive: list[str] = []
    for arn in ids:
        try:
            with ignore_absent("ClientException"):
                ecs.deregister_task_definition(taskDefinition=arn)
                inactive.append(arn)
        except ClientError as error:
            problems[arn] = str(error)
    for start in range(0, len(inactive), MAX_DEFINITIONS):
        batch = inactive[start : start + MAX_DEFINITIONS]
        try:
            with ignore_absent("ClientException"):
                ecs.delete_task_definitions(taskDefinitions=batch)
        except ClientError as error:
            problems |= dict.fromkeys(batch, str(error))
    return problems


def delete_clusters(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete clusters, and the default namespaces that were created with them: those that are named after them."""
    ecs, cloudmap = account.client("ecs", region), account.client("servicediscovery", region)
    pages = cloudmap.get_paginator("list_namespaces").paginate()
    namespaces = [namespace for page in pages for namespace in page["Namespaces"]]
    default = [
        namespace["Id"] for namespace in namespaces if any(namespace["Name"].startswith(f"{name}-") for name in ids)
    ]
    problems = dict(delete_namespaces(account, region, default)) if default else {}
    for name in ids:
        try:
            with ignore_absent(_NO_CLUSTER):
                delete = partial(ecs.delete_cluster, cluster=name)
                retry_while(account, delete, *_CLUSTER_IN_USE, within=timeouts.REMOVAL)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def _cluster_of(arn: str) -> str:
    """Return the cluster in the ARN of a service or task: `…:service/CLUSTER/NAME`."""
    return arn.split("/")[1]


def _has_no_tasks(ecs: Any, arn: str) -> bool:
    cluster, name = arn.split("/")[1:3]
    found: list[dict[str, Any]] = []
    with ignore_absent(_NO_CLUSTER):
        found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0]["status"] == "INACTIVE":
        return True
    return not (_count_tasks(found[0]) or found[0]["status"] == "DRAINING")


def _count_tasks(service: Mapping[str, Any]) -> int:
    return int(service["runningCount"]) + int(service["pendingCount"])
