"""Clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.cloudmap.namespaces import create_http_namespace
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.cloudmap.state import CloudMapState
from surveyor_emulator.aws.ecs import tags
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, invalid_parameter, make_arn
from surveyor_emulator.aws.ecs.service_principal import call_as_ecs
from surveyor_emulator.aws.ecs.state import Cluster
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document
from surveyor_emulator.runtime.task_runtime import runtime

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        CreateClusterRequestTypeDef,
        DeleteClusterRequestTypeDef,
        DescribeClustersRequestTypeDef,
        ListClustersRequestTypeDef,
        UpdateClusterRequestTypeDef,
    )

__all__ = ["create_cluster", "delete_cluster", "describe_clusters", "list_clusters", "update_cluster"]

DESCRIBED_AT_ONCE = 100
LONGEST_NAMESPACE = 1_024


def create_cluster(call: Call, request: CreateClusterRequestTypeDef) -> Document:
    """Make a cluster, or tell of the one that has the name already."""
    name = request.get("clusterName") or "default"
    if not (len(name) <= 255 and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in name)):
        raise invalid_parameter("a cluster's name has up to 255 letters, digits, hyphens and underscores")
    held = ecs_state(call)
    found = held.clusters.get(name)
    if found is None or found.status != "ACTIVE":
        given = tags.parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
        found = held.clusters[name] = Cluster(
            name,
            make_arn(call, "cluster", name),
            [dict(one) for one in request.get("settings") or [{"name": "containerInsights", "value": "disabled"}]],
            list(request.get("capacityProviders") or []),
            [dict(one) for one in request.get("defaultCapacityProviderStrategy") or []],
        )
        if given:
            held.tags[found.arn] = given
        _set_default(call, found, request.get("serviceConnectDefaults"))
        call.note("cluster.created", name)
        runtime(call.world).supervisor.warm()  # tasks will follow, and then its start would count
    return {"cluster": describe(call, found, {"TAGS", "SETTINGS", "ATTACHMENTS"})}


def update_cluster(call: Call, request: UpdateClusterRequestTypeDef) -> Document:
    """Change settings."""
    found = find_cluster(call, request["cluster"])
    if "settings" in request:
        found.settings = [dict(one) for one in request["settings"]]
    _set_default(call, found, request.get("serviceConnectDefaults"))
    return {"cluster": describe(call, found, {"SETTINGS", "ATTACHMENTS"})}


def _set_default(call: Call, of: Cluster, given: Any) -> None:
    """ecs ClusterServiceConnectDefaultsRequest: a namespace that is not there is made; "" takes the default away."""
    if given is None:
        return
    wanted = given["namespace"]
    if wanted == "":
        of.connect_namespace = None
        return
    held = call.world.regional(CloudMapState, call.account, call.region)
    if wanted.startswith("arn:"):
        found = held.namespaces.get(wanted.rpartition("/")[2])
        if found is None or found.arn != wanted:
            raise ServiceError("NamespaceNotFoundException", f"The namespace {wanted} was not found.")
    else:
        found = held.namespaces_by_http_name.get(wanted)
    if found is not None:
        of.connect_namespace = found.arn
        return
    if len(wanted) > LONGEST_NAMESPACE or any(sign in wanted for sign in '<>"/'):
        raise invalid_parameter(
            "a namespace's name has up to 1024 characters, none of them <, >, double quotation mark, slash"
        )
    own = replace(call_as_ecs(call.world, call.account, call.region), operation="CreateHttpNamespace")
    # The attachment tells how it goes (ecs Attachment: type, status).
    of.attachment = (call.world.new_id(8), "PROVISIONING")
    of.connect_namespace = wanted
    answer: Any = create_http_namespace(own, {"Name": wanted})

    def over(problem: str | None) -> None:
        made = held.namespaces_by_http_name.get(wanted)
        if made is not None:
            of.connect_namespace = made.arn
        of.attachment = (of.attachment[0] if of.attachment else "", "ATTACHED" if problem is None else "FAILED")

    when_finished(own, str(answer["OperationId"]), over)


def delete_cluster(call: Call, request: DeleteClusterRequestTypeDef) -> Document:
    """Delete a cluster that is empty."""
    found, held = find_cluster(call, request["cluster"]), ecs_state(call)
    if any(one.cluster is found and one.status == "ACTIVE" for one in held.services.values()):
        raise ServiceError(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if any(one.cluster is found and one.should_run for one in held.tasks.values()):
        raise ServiceError("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    if any(one.cluster is found for one in held.instances.values()):
        raise ServiceError(
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        )
    found.status = "INACTIVE"
    held.tags.pop(found.arn, None)
    call.note("cluster.deleted", found.name)
    return {"cluster": describe(call, found, set())}


def describe_clusters(call: Call, request: DescribeClustersRequestTypeDef) -> Document:
    """Clusters by name or ARN; those that are not there are failures."""
    wanted = request.get("clusters") or ["default"]
    if len(wanted) > DESCRIBED_AT_ONCE:
        raise invalid_parameter(f"at most {DESCRIBED_AT_ONCE} clusters are described at once")
    found, failures = [], []
    for reference in wanted:
        one = ecs_state(call).clusters.get(reference.removeprefix(make_arn(call, "cluster", "")))
        if one is None:
            full = reference if reference.startswith("arn:") else make_arn(call, "cluster", reference)
            failures.append({"arn": full, "reason": "MISSING"})
        else:
            found.append(describe(call, one, set(request.get("include") or ())))
    return {"clusters": found, "failures": failures}


def list_clusters(call: Call, request: ListClustersRequestTypeDef) -> Document:
    """ARNs, a page at a time."""
    active = [one.arn for one in ecs_state(call).clusters.values() if one.status == "ACTIVE"]
    found, token = paginate(active, request)
    answer: dict[str, object] = {"clusterArns": found}
    return {**answer, "nextToken": token} if token else answer


def describe(call: Call, of: Cluster, include: set[str]) -> dict[str, Any]:
    """A cluster as the API tells it."""
    held = ecs_state(call)
    tasks = [one for one in held.tasks.values() if one.cluster is of]
    told: dict[str, Any] = {
        "clusterArn": of.arn,
        "clusterName": of.name,
        "status": of.status,
        "registeredContainerInstancesCount": sum(one.cluster is of for one in held.instances.values()),
        "runningTasksCount": sum(one.status == "RUNNING" for one in tasks),
        "pendingTasksCount": sum(one.status in ("PROVISIONING", "PENDING", "ACTIVATING") for one in tasks),
        "activeServicesCount": sum(one.cluster is of and one.status == "ACTIVE" for one in held.services.values()),
        "statistics": [],
        "tags": tags.format_tags(held.tags.get(of.arn, {})) if "TAGS" in include else [],
        "settings": of.settings if "SETTINGS" in include else [],
        "capacityProviders": of.capacity_providers,
        "defaultCapacityProviderStrategy": of.capacity_provider_strategy,
    }
    if of.connect_namespace is not None:
        told["serviceConnectDefaults"] = {"namespace": of.connect_namespace}
    if of.attachment is not None and "ATTACHMENTS" in include:
        identity, status = of.attachment
        detail = {"name": "namespace", "value": of.connect_namespace or ""}
        told["attachments"] = [{"id": identity, "type": "sc", "status": status, "details": [detail]}]
        told["attachmentsStatus"] = "UPDATE_IN_PROGRESS" if status == "PROVISIONING" else "UPDATE_COMPLETE"
    return told
