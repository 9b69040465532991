"""Paths in JSON values: ``Service.DnsConfig``, ``Instances.*.HealthStatus`` (``*``: each entry of a list or map)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["change", "remove"]


def change(value: Any, path: str, function: Callable[[Any], Any], *, create: bool = False) -> None:
    """Replace each value at ``path`` by ``function`` of it; with ``create`` also absent ones, by that of None."""
    for container, key in _locate(value, path.split("."), create=create):
        absent = isinstance(container, dict) and key not in container
        if not absent or create:
            container[key] = function(None if absent else container[key])


def remove(value: Any, path: str) -> None:
    """Delete each value at ``path``."""
    for container, key in reversed(_locate(value, path.split("."), create=False)):
        if isinstance(container, dict):
            container.pop(key, None)
        else:
            del container[key]


def _locate(value: Any, names: list[str], *, create: bool) -> list[tuple[Any, Any]]:
    """Return the containers that hold the values at a path, with the keys or indexes there."""
    name, *rest = names
    keys: list[Any]
    if name == "*":
        keys = list(range(len(value))) if isinstance(value, list) else list(value) if isinstance(value, dict) else []
    elif isinstance(value, dict):
        if create and rest and name not in value:
            value[name] = {}
        keys = [name] if not rest or name in value else []
    else:
        keys = []
    if not rest:
        return [(value, key) for key in keys]
    return [found for key in keys for found in _locate(value[key], rest, create=create)]
