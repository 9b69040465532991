"""Tags of everything that Route 53 Resolver has, by ARN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import own_state
from .paging import page

__all__ = ["list_tags_for_resource", "read_tags", "tag_resource", "untag_resource"]


def read_tags(requested: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return the tags of a request. Raises InvalidTagException for keys that AWS keeps to itself."""
    if any(tag["Key"].lower().startswith("aws:") for tag in requested):
        raise ServiceError("InvalidTagException", "tag keys that begin with aws: are reserved")
    return {tag["Key"]: tag["Value"] for tag in requested}


def tag_resource(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle TagResource: add tags, and overwrite those with the same key."""
    present = _tags(call, request)
    merged = {**present, **read_tags(request["Tags"])}
    limit = call.world.settings.quotas.tags
    if len(merged) > limit:
        raise ServiceError("LimitExceededException", f"a resource has at most {limit} tags", ResourceType="tag")
    present.update(merged)
    return {}


def untag_resource(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UntagResource."""
    present = _tags(call, request)
    for key in request["TagKeys"]:
        present.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListTagsForResource."""
    found, token = page(list(_tags(call, request).items()), request)
    return {"Tags": [{"Key": key, "Value": value} for key, value in found], **token}


def _tags(call: Call, request: Mapping[str, Any]) -> dict[str, str]:
    arn = request["ResourceArn"]
    found = own_state(call).tags.get(arn)
    if found is None:
        raise ServiceError("ResourceNotFoundException", f"there is no resource {arn}", ResourceType="resource")
    return found
