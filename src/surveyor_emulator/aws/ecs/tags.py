"""Tags in requests and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .lookup import invalid_parameter

__all__ = ["MAX_TAGS", "format_tags", "parse_tags"]

MAX_TAGS = 50


def parse_tags(entries: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Return the tags of a request as key -> value. Raises InvalidParameterException for invalid ones."""
    tags: dict[str, str] = {}
    for entry in entries or ():
        key = entry.get("key") or ""
        if not key or key.lower().startswith("aws:"):
            raise invalid_parameter(f"{key!r} cannot be the key of a tag")
        if key in tags:
            raise invalid_parameter(f"the tag {key} is given twice")
        tags[key] = entry.get("value") or ""
    if len(tags) > MAX_TAGS:
        raise invalid_parameter(f"a resource has at most {MAX_TAGS} tags")
    return tags


def format_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as a list of ecs Tag."""
    return [{"key": key, "value": value} for key, value in tags.items()]
