"""ECS services with their tasks, tasks of their own, task definitions and clusters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone, persist
from surveyor.account.removal.cloudmap import remove_namespaces
from surveyor.account.tags import prefix

__all__ = [
    "find_cluster",
    "find_ecs_service",
    "find_task",
    "find_task_definition",
    "remove_clusters",
    "remove_ecs_services",
    "remove_task_definitions",
    "remove_tasks",
]

_NO_CLUSTER = "ClusterNotFoundException"
_NOT_YET = ("ClusterContainsTasksException", "ClusterContainsServicesException", "UpdateInProgressException")


def find_ecs_service(account: Account, thing: Thing) -> tuple[str, ...]:
    """The ARN of the service that the create call made."""
    if thing.ids:
        return thing.ids
    ecs = account.client("ecs", thing.region)
    found: list[dict[str, Any]] = []
    with gone(_NO_CLUSTER):
        name = thing.asked.get("serviceName", "")
        found = ecs.describe_services(cluster=thing.asked.get("cluster", "default"), services=[name])["services"]
    return tuple(one["serviceArn"] for one in found if one["status"] != "INACTIVE")


def find_task(account: Account, thing: Thing) -> tuple[str, ...]:
    """The ARNs of the tasks that the call started, or, where no answer came, of all that the run started there."""
    if thing.ids:
        return thing.ids
    ecs = account.client("ecs", thing.region)
    arns: list[str] = []
    with gone(_NO_CLUSTER):
        cluster = thing.asked.get("cluster", "default")
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, startedBy=prefix(account.run))
        arns += [arn for page in pages for arn in page["taskArns"]]
    return tuple(arns)


def find_task_definition(account: Account, thing: Thing) -> tuple[str, ...]:
    """The revisions of the family that the call registered."""
    if thing.ids:
        return thing.ids
    ecs, family = account.client("ecs", thing.region), thing.asked.get("family", "")
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family)
    found = [arn for page in pages for arn in page["taskDefinitionArns"]]
    return tuple(arn for arn in found if arn.rpartition("/")[2].rpartition(":")[0] == family)


def find_cluster(account: Account, thing: Thing) -> tuple[str, ...]:
    """The cluster of that name."""
    return thing.ids or (thing.asked.get("clusterName", ""),)


def remove_ecs_services(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete services, side by side, and wait until none of their tasks is left."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone(_NO_CLUSTER, "ServiceNotFoundException", "ServiceNotActiveException"):
                ecs.delete_service(cluster=_cluster_of(arn), service=arn, force=True)
        except ClientError as error:
            problems[arn] = str(error)
    for arn in ids:
        if arn not in problems:
            try:
                account.clock.eventually(partial(_without_tasks, ecs, arn), within=timeouts.DEPLOYMENT)
            except AssertionError as error:
                problems[arn] = str(error)
    return problems


def remove_tasks(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Stop tasks."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone(_NO_CLUSTER, "InvalidParameterException"):  # a task that stopped an hour ago is not known
                ecs.stop_task(cluster=_cluster_of(arn), task=arn)
        except ClientError as error:
            problems[arn] = str(error)
    return problems


def remove_task_definitions(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Deregister revisions, and delete them as far as the target offers that."""
    ecs = account.client("ecs", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with gone("ClientException"):
                ecs.deregister_task_definition(taskDefinition=arn)
                ecs.delete_task_definitions(taskDefinitions=[arn])
        except ClientError as error:
            problems[arn] = str(error)
    return problems


def remove_clusters(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete clusters, and the default namespaces that were made with them: those that are named after them."""
    ecs, cloudmap = account.client("ecs", region), account.client("servicediscovery", region)
    listed = [one for page in cloudmap.get_paginator("list_namespaces").paginate() for one in page["Namespaces"]]
    made = [one["Id"] for one in listed if any(one["Name"].startswith(f"{name}-") for name in ids)]
    problems = dict(remove_namespaces(account, region, made)) if made else {}
    for name in ids:
        try:
            with gone(_NO_CLUSTER):
                persist(account, partial(ecs.delete_cluster, cluster=name), *_NOT_YET)
        except ClientError as error:
            problems[name] = str(error)
    return problems


def _cluster_of(arn: str) -> str:
    """ARNs of services and tasks are `…:service/CLUSTER/NAME`."""
    return arn.split("/")[1]


def _without_tasks(ecs: Any, arn: str) -> bool:
    cluster, name = arn.split("/")[1:3]
    found: list[dict[str, Any]] = []
    with gone(_NO_CLUSTER):
        found = ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not found or found[0]["status"] == "INACTIVE":
        return True
    return not (found[0]["runningCount"] or found[0]["pendingCount"] or found[0]["status"] == "DRAINING")
