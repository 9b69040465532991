"""Operations on clusters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.cloudmap.namespaces import create_http_namespace
from surveyor_emulator.aws.cloudmap.operations import when_finished
from surveyor_emulator.aws.ecs.cluster_shapes import format_cluster
from surveyor_emulator.aws.ecs.lookup import (
    ecs_state,
    find_cluster,
    find_namespace,
    invalid_parameter,
    make_arn,
    paginate,
)
from surveyor_emulator.aws.ecs.service_principal import MANAGED, call_as_ecs, call_other_service
from surveyor_emulator.aws.ecs.state import Cluster
from surveyor_emulator.aws.ecs.tags import parse_tags
from surveyor_emulator.aws.ecs.tasks.capacity_providers import check_exist, parse_default_strategy
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

MAX_DESCRIBED = 100
MAX_NAMESPACE_LENGTH = 1_024


def create_cluster(call: Call, request: CreateClusterRequestTypeDef) -> Document:
    """Create a cluster, or return the one that already has the name. A refused call leaves nothing."""
    name = request.get("clusterName") or "default"
    if not (len(name) <= 255 and all(sign.isascii() and (sign.isalnum() or sign in "-_") for sign in name)):
        raise invalid_parameter("a cluster's name has up to 255 letters, digits, hyphens and underscores")
    state = ecs_state(call)
    cluster = state.clusters.get(name)
    if cluster is None or cluster.status != "ACTIVE":
        tags = parse_tags(request.get("tags"))  # type: ignore[arg-type]  # TypedDicts of two strings
        providers = list(request.get("capacityProviders") or ())
        check_exist(providers)
        strategy = parse_default_strategy(request.get("defaultCapacityProviderStrategy") or (), providers)
        settings = request.get("settings") or [{"name": "containerInsights", "value": "disabled"}]
        cluster = Cluster(
            name,
            make_arn(call, "cluster", name),
            [dict(setting) for setting in settings],
            providers,
            [dict(entry) for entry in strategy],
        )
        _set_default_namespace(call, cluster, request.get("serviceConnectDefaults"))
        state.clusters[name], state.tags[cluster.arn] = cluster, tags
        call.note("cluster.created", name)
        runtime(call.world).supervisor.warm()  # tasks will follow, and starting it then would delay them
    return {"cluster": format_cluster(call, cluster, {"TAGS", "SETTINGS", "ATTACHMENTS"})}


def update_cluster(call: Call, request: UpdateClusterRequestTypeDef) -> Document:
    """Change the settings of a cluster. A refused call changes nothing."""
    cluster = find_cluster(call, request["cluster"])
    _set_default_namespace(call, cluster, request.get("serviceConnectDefaults"))
    if "settings" in request:
        cluster.settings = [dict(setting) for setting in request["settings"]]
    return {"cluster": format_cluster(call, cluster, {"SETTINGS", "ATTACHMENTS"})}


def _set_default_namespace(call: Call, cluster: Cluster, defaults: Any) -> None:
    """Apply ecs ClusterServiceConnectDefaultsRequest: create a missing namespace; "" removes the default.

    The cluster is changed only once nothing can be refused any more.
    """
    if defaults is None:
        return
    reference = defaults["namespace"]
    if reference == "":
        cluster.connect_namespace = None
        return
    namespace = find_namespace(call, reference)
    if namespace is not None:
        cluster.connect_namespace = namespace.arn
        return
    if len(reference) > MAX_NAMESPACE_LENGTH or any(sign in reference for sign in '<>"/'):
        raise invalid_parameter(
            f"a namespace's name has up to {MAX_NAMESPACE_LENGTH} characters, "
            "none of them <, >, double quotation mark, slash"
        )
    own_call = replace(call_as_ecs(call.world, call.account, call.region), operation="CreateHttpNamespace")
    answer: Any = call_other_service(lambda: create_http_namespace(own_call, {"Name": reference, "Tags": MANAGED}))
    # The attachment reports the progress (ecs Attachment: type, status).
    identity = call.world.new_id(8)
    cluster.attachment = (identity, "ATTACHING")
    cluster.connect_namespace = reference

    def finished(problem: str | None) -> None:
        created = find_namespace(call, reference)
        if created is not None:
            cluster.connect_namespace = created.arn
        cluster.attachment = (identity, "ATTACHED" if problem is None else "FAILED")

    when_finished(own_call, str(answer["OperationId"]), finished)


def delete_cluster(call: Call, request: DeleteClusterRequestTypeDef) -> Document:
    """Delete a cluster that is empty."""
    cluster, state = find_cluster(call, request["cluster"]), ecs_state(call)
    if any(service.cluster is cluster and service.status == "ACTIVE" for service in state.services.values()):
        raise ServiceError(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if any(task.cluster is cluster and task.should_run for task in state.tasks.values()):
        raise ServiceError("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    if any(instance.cluster is cluster for instance in state.instances.values()):
        raise ServiceError(
            "ClusterContainsContainerInstancesException",
            "The Cluster cannot be deleted while Container Instances are active or draining.",
        )
    cluster.status = "INACTIVE"
    state.tags.pop(cluster.arn, None)
    call.note("cluster.deleted", cluster.name)
    return {"cluster": format_cluster(call, cluster, set())}


def describe_clusters(call: Call, request: DescribeClustersRequestTypeDef) -> Document:
    """Return clusters by name or ARN; unknown ones are failures."""
    references = request.get("clusters") or ["default"]
    if len(references) > MAX_DESCRIBED:
        raise invalid_parameter(f"at most {MAX_DESCRIBED} clusters are described at once")
    found, failures = [], []
    for reference in references:
        cluster = ecs_state(call).clusters.get(reference.removeprefix(make_arn(call, "cluster", "")))
        if cluster is None:
            arn = reference if reference.startswith("arn:") else make_arn(call, "cluster", reference)
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(format_cluster(call, cluster, set(request.get("include") or ())))
    return {"clusters": found, "failures": failures}


def list_clusters(call: Call, request: ListClustersRequestTypeDef) -> Document:
    """Return the ARNs of active clusters, a page at a time."""
    active = [cluster.arn for cluster in ecs_state(call).clusters.values() if cluster.status == "ACTIVE"]
    arns, token = paginate(active, request)
    answer: dict[str, object] = {"clusterArns": arns}
    return {**answer, "nextToken": token} if token else answer
