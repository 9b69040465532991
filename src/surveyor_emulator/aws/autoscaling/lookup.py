"""What requests name: an ECS service, its scalable target, a page of a list."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from surveyor_emulator.aws.ecs.state import EcsState, Service
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import AutoscalingState, ScalableTarget, TargetKey, autoscaling_state

__all__ = ["find_service", "find_target", "invalid", "key_of", "matches", "own_state", "page"]

DIMENSION, NAMESPACE = "ecs:service:DesiredCount", "ecs"
_PAGE = 50
"""application-autoscaling/DescribeScalableTargetsRequest.MaxResults."""

Entry = TypeVar("Entry")


def own_state(call: Call) -> AutoscalingState:
    """Return the state of the caller's account and Region."""
    return autoscaling_state(call.world, call.account, call.region)


def invalid(message: str) -> ServiceError:
    """Return the error for a request that is not valid."""
    return ServiceError("ValidationException", message)


def key_of(request: Mapping[str, Any]) -> TargetKey:
    """Return what a request names. Raises ServiceError for anything but the desired count of an ECS service."""
    resource, dimension = str(request["ResourceId"]), str(request["ScalableDimension"])
    if request["ServiceNamespace"] != NAMESPACE:
        name = request["ServiceNamespace"]
        raise ServiceError("NotImplemented", f"the embedded target scales ECS services only, not {name}", status=501)
    parts = resource.split("/")
    if dimension != DIMENSION or len(parts) != 3 or parts[0] != "service" or not all(parts):
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    return TargetKey(resource, dimension)


def find_service(call: Call, key: TargetKey) -> Service | None:
    """Return the active ECS service of a target; None if there is none."""
    _, cluster, name = key.resource.split("/")
    service = call.world.peek(EcsState, call.account, call.region).services.get((cluster, name))
    return service if service is not None and service.status == "ACTIVE" else None


def find_target(call: Call, request: Mapping[str, Any]) -> ScalableTarget:
    """Return the scalable target that a request names. Raises ObjectNotFoundException."""
    key = key_of(request)
    target = own_state(call).targets.get(key)
    if target is None:
        raise ServiceError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {NAMESPACE}, resource ID: {key.resource}, "
            f"scalable dimension: {key.dimension}",
        )
    return target


def matches(key: TargetKey, request: Mapping[str, Any]) -> bool:
    """Return whether a list that a request may limit to a resource and a dimension has this target."""
    return (
        request["ServiceNamespace"] == NAMESPACE
        and request.get("ResourceId") in (None, key.resource)
        and request.get("ScalableDimension") in (None, key.dimension)
    )


def page(entries: Sequence[Entry], request: Mapping[str, Any]) -> tuple[list[Entry], dict[str, str]]:
    """Return the entries of the requested page, and the token of the next one if there is one."""
    token = request.get("NextToken")
    try:
        begin = int(base64.b64decode(str(token), altchars=b"-_", validate=True)) if token else 0
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "the pagination token is not valid") from None
    end = begin + min(int(request.get("MaxResults") or _PAGE), _PAGE)
    more = {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(entries) else {}
    return list(entries[begin:end]), more
