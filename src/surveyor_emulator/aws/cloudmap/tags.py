"""Operations on the tags of namespaces and services: at most 50 per resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import cloudmap_state, invalid_input

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        TagTypeDef,
        UntagResourceRequestTypeDef,
    )

__all__ = ["list_tags_for_resource", "read_tags", "tag_resource", "untag_resource"]


def read_tags(call: Call, requested: Sequence[TagTypeDef]) -> dict[str, str]:
    """Return the tags of a request. Raise TooManyTagsException."""
    tags = {tag["Key"]: tag["Value"] for tag in requested}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_input("tag keys that begin with aws: are reserved")
    _limit(call, tags, "")
    return tags


def tag_resource(call: Call, request: TagResourceRequestTypeDef) -> Document:
    """Add tags, and overwrite those with the same key."""
    resource = _resource(call, request["ResourceARN"])
    tags = {**cloudmap_state(call).tags.get(resource, {}), **read_tags(call, request["Tags"])}
    _limit(call, tags, resource)
    cloudmap_state(call).tags[resource] = tags
    return {}


def untag_resource(call: Call, request: UntagResourceRequestTypeDef) -> Document:
    """Remove tags by key."""
    tags = cloudmap_state(call).tags.get(_resource(call, request["ResourceARN"]), {})
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, request: ListTagsForResourceRequestTypeDef) -> Document:
    """Return all tags of a resource."""
    tags = cloudmap_state(call).tags.get(_resource(call, request["ResourceARN"]), {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _limit(call: Call, tags: dict[str, str], resource: str) -> None:
    maximum = call.world.settings.quotas.tags
    if len(tags) > maximum:
        raise ServiceError("TooManyTagsException", f"a resource has at most {maximum} tags", ResourceName=resource)


def _resource(call: Call, arn: str) -> str:
    registry = cloudmap_state(call)
    for known in (registry.namespaces, registry.services):
        found = known.get(arn.rpartition("/")[2])
        if found is not None and found.arn == arn:
            return arn
    raise ServiceError("ResourceNotFoundException", f"there is no resource {arn}")
