"""What a request asks permission for, before anybody is asked: a resource, and condition keys of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["PermissionRequest", "tags_of_resource"]

Keys = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """One resource (an ARN, or `*` where the action has none) with the condition keys that go with it."""

    resource: str
    keys: Mapping[str, tuple[str, ...]]


def tags_of_resource(tags: Mapping[str, str]) -> Keys:
    """`aws:ResourceTag/...` of each tag."""
    return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}
