"""Tags of clusters, services, task definitions, tasks and container instances."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .lookup import invalid

__all__ = ["MAX_TAGS", "format_tags", "parse_tags"]

MAX_TAGS = 50


def parse_tags(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags of a request; InvalidParameterException for what may not be one."""
    tags: dict[str, str] = {}
    for one in given or ():
        key = one.get("key") or ""
        if not key or key.lower().startswith("aws:"):
            raise invalid(f"{key!r} cannot be the key of a tag")
        if key in tags:
            raise invalid(f"the tag {key} is given twice")
        tags[key] = one.get("value") or ""
    if len(tags) > MAX_TAGS:
        raise invalid(f"a resource has at most {MAX_TAGS} tags")
    return tags


def format_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API tells them."""
    return [{"key": key, "value": value} for key, value in tags.items()]
