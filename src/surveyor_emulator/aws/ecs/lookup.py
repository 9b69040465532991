"""Finding what a request names, by name or by ARN, and the error for each kind that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import Cluster, ConnectState, EcsState, PublishedEndpoint, Service, Task, TaskDefinition

__all__ = [
    "arn",
    "cluster",
    "definition",
    "ecs_state",
    "find_published",
    "invalid",
    "page",
    "refused",
    "service",
    "task",
]

T = TypeVar("T")
PAGE = 100


def ecs_state(call: Call) -> EcsState:
    """ECS's state for the caller's account and region."""
    return call.world.regional(EcsState, call.account, call.region)


def arn(call: Call, kind: str, *names: str) -> str:
    """The ARN of something of the caller's: `kind/name/…`."""
    return f"arn:aws:ecs:{call.region}:{call.account}:{'/'.join((kind, *names))}"


def invalid(message: str) -> ServiceError:
    """A parameter that cannot be."""
    return ServiceError("InvalidParameterException", message)


def refused(message: str) -> ServiceError:
    """Something of the caller's doing: an action that cannot be taken."""
    return ServiceError("ClientException", message)


def cluster(call: Call, reference: str | None) -> Cluster:
    """The active cluster of that name or ARN, `default` where there is none given; or ClusterNotFoundException."""
    found = ecs_state(call).clusters.get(_last(reference or "default", arn(call, "cluster", "")))
    if found is None or found.status != "ACTIVE":
        raise ServiceError("ClusterNotFoundException", "Cluster not found.")
    return found


def service(call: Call, within: Cluster, reference: str) -> Service:
    """The service of that name or ARN, whatever its status; or ServiceNotFoundException."""
    found = ecs_state(call).services.get((within.name, reference.rpartition("/")[2]))
    if found is None or (reference.startswith("arn:") and reference != found.arn):
        raise ServiceError("ServiceNotFoundException", "Service not found.")
    return found


def task(call: Call, within: Cluster, reference: str) -> Task | None:
    """The task of that id or ARN; None if the cluster has none."""
    found = ecs_state(call).tasks.get(
        reference if reference.startswith("arn:") else arn(call, "task", within.name, reference)
    )
    return found if found is not None and found.cluster is within else None


def definition(call: Call, reference: str) -> TaskDefinition:
    """A family's latest active revision, `family:revision`, or an ARN of that; ClientException where there is none."""
    given = reference.removeprefix(arn(call, "task-definition", ""))
    family, _, revision = given.partition(":")
    revisions = ecs_state(call).families.get(family, [])
    if revision:
        found = next((one for one in revisions if str(one.revision) == revision), None)
    else:
        found = next((one for one in reversed(revisions) if one.status == "ACTIVE"), None)
    if found is None:
        raise refused("Unable to describe task definition.")
    return found


def find_published(call: Call, owner: str, namespace_id: str) -> list[PublishedEndpoint]:
    """All endpoints of a namespace."""
    held = call.world.regional(ConnectState, owner, call.region)
    return [one for one in held.published.values() if one.namespace_id == namespace_id]


def page(found: Sequence[T], request: Mapping[str, object], most: int = PAGE) -> tuple[list[T], str | None]:
    """One page of a list, and the token of the next."""
    token, size = request.get("nextToken"), int(str(request.get("maxResults") or most))
    if not 1 <= size <= most:
        raise invalid(f"maxResults is to be from 1 to {most}")
    first = 0
    if token is not None:
        if not str(token).isdecimal() or int(str(token)) >= len(found):
            raise invalid("Invalid token")
        first = int(str(token))
    after = first + size
    return list(found[first:after]), str(after) if after < len(found) else None


def _last(reference: str, prefix: str) -> str:
    return reference.removeprefix(prefix)
