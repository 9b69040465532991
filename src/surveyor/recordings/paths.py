"""Dotted paths to members of an answer: `Services[Id=srv-1].DnsConfig`, `Instances.*.Id`, `tasks.0.attachments`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

__all__ = ["MISSING", "Found", "PathStep", "fill", "find", "parse_path"]

MISSING: Final = object()
"""The value at a path that leads nowhere."""

_SEGMENT = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?P<key>[^=\]]+)=(?P<value>[^\]]*)\])?(?:\.|$)")
_VARIABLE = re.compile(r"\{([a-z][a-z_0-9]*)\}")


class PathStep(NamedTuple):
    """One step of a path: a member, an index or `*`; with `key`, the element whose member `key` has that value."""

    name: str
    key: str = ""
    value: str = ""


class Found(NamedTuple):
    """A value, or MISSING, with its path without `*`."""

    path: str
    value: Any


def parse_path(text: str) -> tuple[PathStep, ...]:
    """Return the steps of a path. Raise ValueError if it is not one."""
    segments, position = [], 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None:
            raise ValueError(f"{text!r} is no path; expected names joined by dots, such as Services[Id=x].Name")
        segments.append(PathStep(match["name"], match["key"] or "", match["value"] or ""))
        position = match.end()
    return tuple(segments)


def find(value: Any, path: str) -> list[Found]:
    """Return what is at a path: one value for a path without `*`, else one for each element, which may be none."""
    return list(_find(value, parse_path(path), ""))


def fill(value: Any, variables: Mapping[str, str]) -> Any:
    """Return a value with each `{name}` in its texts, keys included, replaced. Raise KeyError for an unknown name."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: variables[match[1]], value)
    if isinstance(value, Mapping):
        return {fill(key, variables): fill(entry, variables) for key, entry in value.items()}
    if isinstance(value, Sequence):
        return type(value)(fill(entry, variables) for entry in value)  # type: ignore[call-arg]  # a list or tuple
    return value


def _find(value: Any, segments: Sequence[PathStep], path: str) -> Iterator[Found]:
    if not segments:
        yield Found(path, value)
        return
    (name, key, wanted), *rest = segments
    label = f"{path}.{name}" if path else name
    if name == "*":
        for number, entry in enumerate(value if isinstance(value, list) else ()):
            yield from _find(entry, rest, f"{path}.{number}")
        return
    entry = _member(value, name)
    if key:
        label = f"{label}[{key}={wanted}]"
        elements = entry if isinstance(entry, list) else []
        entry = next((element for element in elements if str(_member(element, key)) == wanted), MISSING)
    if entry is MISSING:
        yield Found(label, MISSING)
    else:
        yield from _find(entry, rest, label)


def _member(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, MISSING)
    if isinstance(value, list) and name.isdigit():
        return value[int(name)] if int(name) < len(value) else MISSING
    return MISSING
