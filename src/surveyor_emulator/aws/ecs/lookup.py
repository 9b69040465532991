"""Find what a request names, by name or by ARN, and raise the error of its kind if it does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from surveyor_emulator.aws.cloudmap.state import CloudMapState, Namespace
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import Cluster, ConnectState, EcsState, PublishedEndpoint, Service, Task, TaskDefinition

__all__ = [
    "client_error",
    "ecs_state",
    "find_cluster",
    "find_namespace",
    "find_published",
    "find_service",
    "find_task",
    "find_task_definition",
    "invalid_parameter",
    "make_arn",
    "namespace_not_found",
    "paginate",
]

T = TypeVar("T")
PAGE_SIZE = 100


def ecs_state(call: Call) -> EcsState:
    """Return ECS's state for the caller's account and region."""
    return call.world.regional(EcsState, call.account, call.region)


def make_arn(call: Call, kind: str, *names: str) -> str:
    """Return the ARN of one of the caller's resources: `kind/name/…`."""
    return f"arn:aws:ecs:{call.region}:{call.account}:{'/'.join((kind, *names))}"


def invalid_parameter(message: str) -> ServiceError:
    """Return the error for an invalid parameter."""
    return ServiceError("InvalidParameterException", message)


def client_error(message: str) -> ServiceError:
    """Return the error for an action that the caller cannot take."""
    return ServiceError("ClientException", message)


def find_cluster(call: Call, reference: str | None) -> Cluster:
    """Return the active cluster of that name or ARN, `default` for None. Raises ClusterNotFoundException."""
    name = (reference or "default").removeprefix(make_arn(call, "cluster", ""))
    cluster = ecs_state(call).clusters.get(name)
    if cluster is None:
        raise ServiceError("ClusterNotFoundException", "Cluster not found.")
    if cluster.status != "ACTIVE":
        raise ServiceError("ClusterNotFoundException", "The referenced cluster was inactive.")
    return cluster


def find_namespace(call: Call, reference: str) -> Namespace | None:
    """Return the caller's namespace of that ARN or HTTP name; None if no namespace has the name.

    Raises NamespaceNotFoundException for an ARN that does not exist.
    """
    state = call.world.regional(CloudMapState, call.account, call.region)
    if not reference.startswith("arn:"):
        return state.namespaces_by_http_name.get(reference)
    namespace = state.namespaces.get(reference.rpartition("/")[2])
    if namespace is None or namespace.arn != reference:
        raise namespace_not_found(reference)
    return namespace


def namespace_not_found(reference: str) -> ServiceError:
    """Return the error for a namespace that does not exist."""
    return ServiceError("NamespaceNotFoundException", f"Failed to retrieve namespace for {reference}")


def find_service(call: Call, cluster: Cluster, reference: str) -> Service:
    """Return the service of that name or ARN, in any status. Raises ServiceNotFoundException."""
    service = ecs_state(call).services.get((cluster.name, reference.rpartition("/")[2]))
    if service is None or (reference.startswith("arn:") and reference != service.arn):
        raise ServiceError("ServiceNotFoundException", "Service not found.")
    return service


def find_task(call: Call, cluster: Cluster, reference: str) -> Task | None:
    """Return the task of that id or ARN; None if the cluster does not have it."""
    arn = reference if reference.startswith("arn:") else make_arn(call, "task", cluster.name, reference)
    task = ecs_state(call).tasks.get(arn)
    return task if task is not None and task.cluster is cluster else None


def find_task_definition(call: Call, reference: str, missing: str = "TaskDefinition not found.") -> TaskDefinition:
    """Return a task definition by family (the latest active revision), `family:revision`, or an ARN of either.

    Raises ClientException with the words ``missing`` if it does not exist; they depend on the operation.
    """
    family, _, number = reference.removeprefix(make_arn(call, "task-definition", "")).partition(":")
    revisions = ecs_state(call).families.get(family, [])
    if number:
        definition = next((revision for revision in revisions if str(revision.revision) == number), None)
    else:
        definition = next((revision for revision in reversed(revisions) if revision.status == "ACTIVE"), None)
    if definition is None:
        raise client_error(missing)
    return definition


def find_published(call: Call, owner: str, namespace_id: str) -> list[PublishedEndpoint]:
    """Return all Service Connect endpoints of a namespace."""
    state = call.world.regional(ConnectState, owner, call.region)
    return [published for published in state.published.values() if published.namespace_id == namespace_id]


def paginate(
    entries: Sequence[T], request: Mapping[str, object], max_size: int = PAGE_SIZE
) -> tuple[list[T], str | None]:
    """Return one page of a list, and the token of the next. Raises InvalidParameterException."""
    token, size = request.get("nextToken"), request.get("maxResults")
    size = max_size if size is None else int(str(size))
    if not 1 <= size <= max_size:
        raise invalid_parameter(f"maxResults must be from 1 to {max_size}")
    first = 0
    if token is not None:
        if not str(token).isdecimal() or int(str(token)) >= len(entries):
            raise invalid_parameter("Invalid token")
        first = int(str(token))
    after = first + size
    return list(entries[first:after]), str(after) if after < len(entries) else None
