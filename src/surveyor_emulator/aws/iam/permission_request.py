"""The permissions that a request needs, as values: resources, condition keys and actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from surveyor_emulator.core.world import Call

__all__ = ["Keys", "PermissionRequest", "PermissionRequests", "tags_of_request", "tags_of_resource"]

Keys = dict[str, tuple[str, ...]]

PermissionRequests = Callable[[Call, Mapping[str, Any]], Iterable["PermissionRequest"]]
"""From a call and its parameters to everything that must be allowed."""

_TAGS = ("Tags", "tags", "AddTags", "TagSpecifications")
_TAG_KEYS = ("TagKeys", "tagKeys", "RemoveTagKeys")


class PermissionRequest(NamedTuple):
    """One resource with the condition keys that belong to it.

    ``resource`` is an ARN, ``*`` where the action has none, or UNKNOWN_RESOURCE. ``also`` has other ARNs of the same
    resource, where a service documents several: a deny of any of them counts, and an allow of any is enough. ``action``
    is another action than that of the call, such as ``iam:PassRole``.
    """

    resource: str
    keys: Mapping[str, tuple[str, ...]]
    action: str = ""
    also: tuple[str, ...] = ()


def tags_of_resource(tags: Mapping[str, str]) -> Keys:
    """Return the condition key ``aws:ResourceTag/...`` of each tag."""
    return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}


def tags_of_request(params: Mapping[str, Any]) -> Keys:
    """Return ``aws:RequestTag/...`` of each tag in a request, and ``aws:TagKeys`` with the keys of all.

    Services write tags as lists of structures or as maps, or within the specification of a resource to create; a
    request that removes tags has keys only.
    """
    pairs = [pair for name in _TAGS for pair in _pairs(params.get(name))]
    names = [key for key, _ in pairs]
    names += [key for name in _TAG_KEYS for key, _ in _pairs(params.get(name))]
    if not names:
        return {}
    return {f"aws:RequestTag/{key}": (value,) for key, value in pairs} | {"aws:TagKeys": tuple(dict.fromkeys(names))}


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Yield key and value of each tag; a list of plain keys has no values. What is no tag is refused later."""
    if isinstance(value, Mapping):
        yield from ((str(key), str(text)) for key, text in value.items())
        return
    for entry in value if isinstance(value, (list, tuple)) else ():
        if not isinstance(entry, Mapping):
            yield str(entry), ""
        elif "Tags" in entry:
            yield from _pairs(entry["Tags"])
        else:
            members = {str(name).lower(): text for name, text in entry.items()}
            if "key" in members:
                yield str(members["key"]), str(members.get("value", ""))
