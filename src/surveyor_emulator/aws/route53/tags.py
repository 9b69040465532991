"""Operations on the tags of hosted zones and health checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict, cast

from surveyor_emulator.aws.route53.health_checks import find_check
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .shapes import plain_id
from .state import Route53State
from .zones import find_zone

__all__ = ["change_tags_for_resource", "list_tags_for_resource", "list_tags_for_resources"]

# "You can add a maximum of 10 tags to a health check or a hosted zone" (route53/ChangeTagsForResourceRequest.AddTags).
TAGS_LIMIT = 10


class Tag(TypedDict, total=False):
    """The shape route53/Tag; the model requires neither member."""

    Key: str
    Value: str


def change_tags_for_resource(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ChangeTagsForResource: removals first, then additions."""
    added = cast(Sequence[Tag], request.get("AddTags", ()))
    removed = cast(Sequence[str], request.get("RemoveTagKeys", ()))
    if not all(tag.get("Key") for tag in added):
        raise ServiceError("InvalidInput", "each of AddTags must have a Key")
    resource = _resource(call, str(request["ResourceType"]), str(request["ResourceId"]))
    state = call.world.in_account(Route53State, call.account)
    tags = {key: value for key, value in state.tags.get(resource, {}).items() if key not in removed}
    tags |= {tag["Key"]: tag.get("Value", "") for tag in added}
    if len(tags) > TAGS_LIMIT:
        raise ServiceError("InvalidInput", f"a {resource[0]} has at most {TAGS_LIMIT} tags, it would have {len(tags)}")
    state.tags[resource] = tags
    return {}


def list_tags_for_resource(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListTagsForResource."""
    return {"ResourceTagSet": _tag_set(call, str(request["ResourceType"]), str(request["ResourceId"]))}


def list_tags_for_resources(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListTagsForResources: up to ten resources of one type."""
    ids = cast(Sequence[str], request["ResourceIds"])
    return {"ResourceTagSets": [_tag_set(call, str(request["ResourceType"]), resource_id) for resource_id in ids]}


def _tag_set(call: Call, kind: str, resource_id: str) -> dict[str, object]:
    resource = _resource(call, kind, resource_id)
    tags = call.world.in_account(Route53State, call.account).tags.get(resource, {})
    return {
        "ResourceType": kind,
        "ResourceId": resource[1],
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def _resource(call: Call, kind: str, resource_id: str) -> tuple[str, str]:
    """Return kind and plain id of an existing resource. Raise NoSuchHostedZone or NoSuchHealthCheck."""
    state = call.world.in_account(Route53State, call.account)
    if kind == "hostedzone":
        find_zone(state, resource_id)
    else:
        find_check(state, resource_id)
    return kind, plain_id(resource_id)
