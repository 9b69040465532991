"""Write recordings as TOML, in the form that `loading` reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from surveyor.errors import UsageError
from surveyor.output_files import write_text
from surveyor.recordings.model import Recording
from surveyor.visible_text import toml_string

__all__ = ["write_recordings"]

_TABLES = ("replay", "request", "answer")
"""Members that are written as tables; they come last, as TOML requires."""


def write_recordings(recordings: Iterable[Recording], folder: Path, title: str) -> int:
    """Write `<area>.toml` for each area (the part before the first dot of the first claim); return the number.

    Raises UsageError if the folder cannot be written.
    """
    by_area: dict[str, list[Recording]] = {}
    for recording in recordings:
        area = recording.claims[0].partition(".")[0] if recording.claims else "others"
        by_area.setdefault(area, []).append(recording)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for area, members in by_area.items():
            text = "\n".join([f"title = {_value(f'{area}: {title}')}\n", *map(_entry, members)])
            write_text(folder / f"{area}.toml", text)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error}") from None
    return sum(map(len, by_area.values()))


def _entry(recording: Recording) -> str:
    plain = {
        field.encode_name: msgspec.to_builtins(getattr(recording, field.name))
        for field in msgspec.structs.fields(recording)
        if field.required or getattr(recording, field.name) != field.default
    }
    lines = ["[[recording]]", *(f"{key} = {_value(value)}" for key, value in plain.items() if key not in _TABLES)]
    for table in _TABLES:
        if table in plain:
            members = getattr(recording, table)
            lines.append(f"[recording.{table}]")
            lines += [f"{key} = {_value(value)}" for key, value in _changed(members).items()]
    return "\n".join(lines) + "\n"


def _changed(members: msgspec.Struct) -> dict[str, Any]:
    """Return the members of a struct that differ from their defaults, as plain values."""
    found = {}
    for field in msgspec.structs.fields(members):
        value = getattr(members, field.name)
        default = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
        if value != default:
            found[field.encode_name] = msgspec.to_builtins(value)
    return found


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{toml_string(str(key))} = {_value(entry)}" for key, entry in value.items() if entry is not None
        )
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, (int, float)):
        return str(value)
    return toml_string(str(value))
