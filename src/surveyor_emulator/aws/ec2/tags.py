"""Tags of EC2 resources: set at creation or later.

Source: Amazon EC2 User Guide, "Tag your Amazon EC2 resources", Tag restrictions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .filters import TAG_FILTER, FilterValues, apply_filters, paginate
from .state import Ec2State, ec2_state

__all__ = [
    "TAG_FILTERS",
    "create_tags",
    "delete_tags",
    "describe_tags",
    "specified_tags",
    "tag_filter_values",
    "tag_list",
]

TAG_FILTERS = frozenset({TAG_FILTER, "tag-key"})

MAX_TAGS = 50
MAX_KEY_LENGTH, MAX_VALUE_LENGTH = 128, 256
_KINDS = {
    "vpc": "vpc",
    "subnet": "subnet",
    "i": "instance",
    "sg": "security-group",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "rtb": "route-table",
}
_NOT_FOUND = {
    "vpc": "InvalidVpcID.NotFound",
    "subnet": "InvalidSubnetID.NotFound",
    "i": "InvalidInstanceID.NotFound",
    "sg": "InvalidGroup.NotFound",
    "igw": "InvalidInternetGatewayID.NotFound",
    "nat": "NatGatewayNotFound",
    "rtb": "InvalidRouteTableID.NotFound",
}


def create_tags(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateTags: add or overwrite tags."""
    state = ec2_state(call.world, call.account, call.region)
    tags = _tags(request.get("Tags"))
    resources = _resources(state, request)
    for resource in resources:
        _require_space(state.tags.get(resource, {}) | tags)
    for resource in resources:
        state.tags.setdefault(resource, {}).update(tags)
    return {}


def delete_tags(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteTags: delete all tags, those with a key, or those with a key and a value."""
    state = ec2_state(call.world, call.account, call.region)
    listed = cast("list[dict[str, str]] | None", request.get("Tags"))
    for resource in _resources(state, request):
        tags = state.tags.get(resource, {})
        for tag in listed if listed is not None else [{"Key": key} for key in tags]:
            key, value = tag.get("Key", ""), tag.get("Value")
            if key in tags and value in (None, tags[key]):
                del tags[key]
    return {}


def describe_tags(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeTags: one entry per resource and key."""
    state = ec2_state(call.world, call.account, call.region)
    entries = [(resource, key, value) for resource, tags in state.tags.items() for key, value in sorted(tags.items())]

    def filter_values(entry: tuple[str, str, str]) -> FilterValues:
        resource, key, value = entry
        kind = _KINDS[_prefix(resource)]
        return {
            "key": (key,),
            "value": (value,),
            "resource-id": (resource,),
            "resource-type": (kind,),
            f"{TAG_FILTER}{key}": (value,),
        }

    names = frozenset({"key", "value", "resource-id", "resource-type", TAG_FILTER})
    found, token = paginate(apply_filters(entries, request, names, filter_values), request)
    shapes = [
        {"ResourceId": resource, "ResourceType": _KINDS[_prefix(resource)], "Key": key, "Value": value}
        for resource, key, value in found
    ]
    return {"Tags": shapes, "NextToken": token}


def specified_tags(request: Mapping[str, object], kind: str, others: Collection[str] = ()) -> dict[str, str]:
    """Return the tags that a request sets on the resource it creates (``TagSpecifications``).

    ``others``: kinds of what is created with it, whose tags are not kept.
    """
    tags: dict[str, str] = {}
    for entry in cast("list[dict[str, object]]", request.get("TagSpecifications") or []):
        if entry.get("ResourceType") in others:
            continue
        if entry.get("ResourceType") != kind:
            raise ServiceError(
                "InvalidParameterValue", f"'{entry.get('ResourceType')}' is not a valid taggable resource type here"
            )
        tags |= _tags(entry.get("Tags"))
    _require_space(tags)
    return tags


def tag_filter_values(tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Return the values that ``tag:…`` and ``tag-key`` filters read."""
    return {f"{TAG_FILTER}{key}": (value,) for key, value in tags.items()} | {"tag-key": tuple(tags)}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags in the shape of the API."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _tags(entries: object) -> dict[str, str]:
    tags: dict[str, str] = {}
    for tag in cast("list[dict[str, str]]", entries or []):
        key, value = tag.get("Key", ""), tag.get("Value") or ""
        if not key or len(key) > MAX_KEY_LENGTH or len(value) > MAX_VALUE_LENGTH:
            raise ServiceError(
                "InvalidParameterValue",
                f"Tag keys have 1 to {MAX_KEY_LENGTH} characters and tag values up to {MAX_VALUE_LENGTH}",
            )
        if key.lower().startswith("aws:"):
            raise ServiceError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if key in tags:
            raise ServiceError("InvalidParameterValue", f"Duplicate tag key '{key}' specified")
        tags[key] = value
    return tags


def _require_space(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ServiceError("TagLimitExceeded", f"A resource has at most {MAX_TAGS} tags")


def _resources(state: Ec2State, request: Mapping[str, object]) -> list[str]:
    resources = cast("list[str]", request.get("Resources") or [])
    for resource in resources:
        if _prefix(resource) not in _KINDS:
            raise ServiceError("InvalidID", f"The ID '{resource}' is not valid")
        if not any(resource in known for known in _taggable(state)):
            raise ServiceError(_NOT_FOUND[_prefix(resource)], f"The ID '{resource}' does not exist")
    return resources


def _taggable(state: Ec2State) -> Sequence[Mapping[str, object]]:
    return (
        state.vpcs,
        state.subnets,
        state.instances,
        state.groups,
        state.internet_gateways,
        state.nat_gateways,
        state.route_tables,
    )


def _prefix(resource: str) -> str:
    return resource.partition("-")[0]
