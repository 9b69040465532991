"""Places in JSON values: ``Service.DnsConfig``, ``Instances.*.HealthStatus`` (each of a list, or of a map)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["change", "remove"]


def change(value: Any, path: str, how: Callable[[Any], Any], *, missing: bool = False) -> None:
    """Replace what stands at ``path`` by ``how`` of it; where nothing stands, only with ``missing`` (then of None)."""
    for holder, key in _places(value, path.split("."), make=missing):
        absent = isinstance(holder, dict) and key not in holder
        if not absent or missing:
            holder[key] = how(None if absent else holder[key])


def remove(value: Any, path: str) -> None:
    """Take away what stands at ``path``."""
    for holder, key in reversed(_places(value, path.split("."), make=False)):
        if isinstance(holder, dict):
            holder.pop(key, None)
        else:
            del holder[key]


def _places(value: Any, names: list[str], *, make: bool) -> list[tuple[Any, Any]]:
    name, *rest = names
    keys: list[Any]
    if name == "*":
        keys = list(range(len(value))) if isinstance(value, list) else list(value) if isinstance(value, dict) else []
    elif isinstance(value, dict):
        if make and rest and name not in value:
            value[name] = {}
        keys = [name] if not rest or name in value else []
    else:
        keys = []
    if not rest:
        return [(value, key) for key in keys]
    return [place for key in keys for place in _places(value[key], rest, make=make)]
