"""Operations on tags of clusters, services, task definitions, tasks, task sets and container instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surveyor_emulator.aws.ecs.lookup import ecs_state, invalid_parameter
from surveyor_emulator.aws.ecs.tags import MAX_TAGS, format_tags, parse_tags
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
    current = _tags_of(call, request["resourceArn"])
    tags = current | parse_tags(request["tags"])  # type: ignore[arg-type]  # a TypedDict of two strings
    if len(tags) > MAX_TAGS:
        raise invalid_parameter(f"a resource has at most {MAX_TAGS} tags")
    current.update(tags)
    return {}


def untag_resource(call: Call, request: UntagResourceRequestTypeDef) -> Document:
    """Delete tags by key."""
    tags = _tags_of(call, request["resourceArn"])
    for key in request["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, request: ListTagsForResourceRequestTypeDef) -> Document:
    """Return all tags of one resource."""
    return {"tags": format_tags(_tags_of(call, request["resourceArn"]))}


def _tags_of(call: Call, resource: str) -> dict[str, str]:
    """Return the tags of a resource, to be changed in place. Raises InvalidParameterException."""
    state = ecs_state(call)
    task = state.tasks.get(resource)
    if task is not None:
        return task.tags
    known = {
        *(cluster.arn for cluster in state.clusters.values()),
        *(service.arn for service in state.services.values()),
        *(revision.arn for revisions in state.families.values() for revision in revisions),
        *(task_set.arn for service in state.services.values() for task_set in service.task_sets),
        *state.instances,
    }
    if resource not in known:
        raise invalid_parameter("The specified resource was not found.")
    return state.tags.setdefault(resource, {})
