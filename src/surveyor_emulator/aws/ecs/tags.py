"""Tags of clusters, services, task definitions, tasks and container instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import invalid, state

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )

__all__ = ["list_tags_for_resource", "read", "tag_resource", "told", "untag_resource"]

MOST = 50


def read(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags of a request; InvalidParameterException for what may not be one."""
    tags: dict[str, str] = {}
    for one in given or ():
        key = one.get("key") or ""
        if not key or key.lower().startswith("aws:"):
            raise invalid(f"{key!r} cannot be the key of a tag")
        if key in tags:
            raise invalid(f"the tag {key} is given twice")
        tags[key] = one.get("value") or ""
    if len(tags) > MOST:
        raise invalid(f"a resource has at most {MOST} tags")
    return tags


def told(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API tells them."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def tag_resource(call: Call, request: TagResourceRequestTypeDef) -> Document:
    """Add tags, or change those of the same keys."""
    held = _of(call, request["resourceArn"])
    tags = held | read(request["tags"])  # type: ignore[arg-type]  # a TypedDict of two strings
    if len(tags) > MOST:
        raise invalid(f"a resource has at most {MOST} tags")
    held.update(tags)
    return {}


def untag_resource(call: Call, request: UntagResourceRequestTypeDef) -> Document:
    """Take tags away."""
    held = _of(call, request["resourceArn"])
    for key in request["tagKeys"]:
        held.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, request: ListTagsForResourceRequestTypeDef) -> Document:
    """All tags of one resource."""
    return {"tags": told(_of(call, request["resourceArn"]))}


def _of(call: Call, resource: str) -> dict[str, str]:
    held = state(call)
    found = held.tasks.get(resource)
    if found is not None:
        return found.tags
    known = {
        *(one.arn for one in held.clusters.values()),
        *(one.arn for one in held.services.values()),
        *(one.arn for revisions in held.families.values() for one in revisions),
        *held.instances,
    }
    if not resource.startswith("arn:aws:ecs:"):
        raise invalid("Invalid identifier: expected the ARN of a resource of ECS")
    if resource not in known:
        raise ServiceError("InvalidParameterException", "The specified resource was not found.")
    return held.tags.setdefault(resource, {})
