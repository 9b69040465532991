"""The permissions that a request needs, as values: resources, condition keys and actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from surveyor_emulator.core.world import Call

__all__ = ["Keys", "PermissionRequest", "PermissionRequests", "tags_of_resource"]

Keys = dict[str, tuple[str, ...]]

PermissionRequests = Callable[[Call, Mapping[str, Any]], Iterable["PermissionRequest"]]
"""From a call and its parameters to everything that must be allowed."""


class PermissionRequest(NamedTuple):
    """One resource (an ARN, or ``*`` where the action has none) with the condition keys that belong to it.

    ``action`` is another action than that of the call, such as ``iam:PassRole``.
    """

    resource: str
    keys: Mapping[str, tuple[str, ...]]
    action: str = ""


def tags_of_resource(tags: Mapping[str, str]) -> Keys:
    """Return the condition key ``aws:ResourceTag/...`` of each tag."""
    return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}
