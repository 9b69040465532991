"""Tags of clusters, services, task definitions, tasks and container instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.aws.ecs.lookup import ecs_state, invalid_parameter
from surveyor_emulator.aws.ecs.tags import MAX_TAGS, format_tags, parse_tags
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        UntagResourceRequestTypeDef,
    )

__all__ = ["list_tags_for_resource", "tag_resource", "untag_resource"]


def tag_resource(call: Call, request: TagResourceRequestTypeDef) -> Document:
    """Add tags, or change those of the same keys."""
    held = _of(call, request["resourceArn"])
    tags = held | parse_tags(request["tags"])  # type: ignore[arg-type]  # a TypedDict of two strings
    if len(tags) > MAX_TAGS:
        raise invalid_parameter(f"a resource has at most {MAX_TAGS} tags")
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
    return {"tags": format_tags(_of(call, request["resourceArn"]))}


def _of(call: Call, resource: str) -> dict[str, str]:
    held = ecs_state(call)
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
        raise invalid_parameter("Invalid identifier: expected the ARN of a resource of ECS")
    if resource not in known:
        raise ServiceError("InvalidParameterException", "The specified resource was not found.")
    return held.tags.setdefault(resource, {})
