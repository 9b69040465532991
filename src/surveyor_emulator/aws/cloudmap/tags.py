"""Tags of namespaces and services: at most 50 of a resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .find import invalid, state

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        ListTagsForResourceRequestTypeDef,
        TagResourceRequestTypeDef,
        TagTypeDef,
        UntagResourceRequestTypeDef,
    )

__all__ = ["list_tags_for_resource", "read", "tag_resource", "untag_resource"]


def read(call: Call, given: Sequence[TagTypeDef]) -> dict[str, str]:
    """The tags of a request, or TooManyTagsException."""
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("tag keys that begin with aws: are reserved")
    _limit(call, tags, "")
    return tags


def tag_resource(call: Call, request: TagResourceRequestTypeDef) -> Document:
    """Add tags, or overwrite those of the same key."""
    resource = _resource(call, request["ResourceARN"])
    tags = {**state(call).tags.get(resource, {}), **read(call, request["Tags"])}
    _limit(call, tags, resource)
    state(call).tags[resource] = tags
    return {}


def untag_resource(call: Call, request: UntagResourceRequestTypeDef) -> Document:
    """Remove tags by key."""
    tags = state(call).tags.get(_resource(call, request["ResourceARN"]), {})
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, request: ListTagsForResourceRequestTypeDef) -> Document:
    """All tags of a resource."""
    tags = state(call).tags.get(_resource(call, request["ResourceARN"]), {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _limit(call: Call, tags: dict[str, str], resource: str) -> None:
    most = call.world.settings.quotas.tags
    if len(tags) > most:
        raise ServiceError("TooManyTagsException", f"a resource has at most {most} tags", ResourceName=resource)


def _resource(call: Call, arn: str) -> str:
    registry = state(call)
    for known in (registry.namespaces, registry.services):
        found = known.get(arn.rpartition("/")[2])
        if found is not None and found.arn == arn:
            return arn
    raise ServiceError("ResourceNotFoundException", f"there is no resource {arn}")
