"""Tags in requests and answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from surveyor_emulator.core.world import Call

from .lookup import ecs_state, invalid_parameter
from .state import Service, TaskTemplate

__all__ = ["MAX_TAGS", "format_tags", "parse_tags", "tags_to_propagate"]

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


def tags_to_propagate(
    call: Call, source: str | None, service: Service | None, template: TaskTemplate
) -> dict[str, str]:
    """Return the tags that a new task gets from its service or its task definition (ecs PropagateTags)."""
    if source == "SERVICE" and service is not None:
        return dict(ecs_state(call).tags.get(service.arn, {}))
    return dict(ecs_state(call).tags.get(template.definition.arn, {})) if source == "TASK_DEFINITION" else {}
