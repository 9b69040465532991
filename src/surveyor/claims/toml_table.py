"""Read typed values from a TOML file; an error names the file and the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from surveyor.claims.model import ClaimsError, FileLocation
from surveyor.messages import either, nearest
from surveyor.toml_lines import TomlEntry, entries

__all__ = ["Table", "read"]

E = TypeVar("E", bound=StrEnum)


def read(path: Path, name: str) -> tuple[Table, list[Table]]:
    """Return the part before the first `[[name]]` of a file, and a table for each `[[name]]`.

    Raise ClaimsError if the file is not valid TOML.
    """
    text = _text(path)
    first, *lines = entries(text)
    top = Table(path, first, _parse(path, text), "the file")
    values = top.values.get(name, [])
    headers = [entry for entry in lines if entry.name == name]
    if not isinstance(values, list) or len(values) != len(headers):
        top.refuse(name, f"write each {name} under a separate line [[{name}]]")
    return top, [Table(path, entry, value, f"this {name}") for entry, value in zip(headers, values, strict=True)]


class Table:
    """One entry of a file with its lines; its methods return typed values or raise ClaimsError with file and line."""

    def __init__(self, path: Path, entry: TomlEntry, values: dict[str, Any], name: str) -> None:
        self.path = path
        self.entry = entry
        self.values = values
        self.name = name

    def location(self, key: str = "") -> FileLocation:
        """Return the line where `key` is set, or where the entry begins."""
        return FileLocation(self.path, self.entry.line_of(key))

    def refuse(self, key: str, message: str) -> NoReturn:
        """Raise ClaimsError with a message that begins with the location of `key`."""
        raise ClaimsError(f"{self.location(key)}: {message}")

    def refuse_unknown_keys(self, known: Collection[str]) -> None:
        """Raise ClaimsError if a key is not one of `known`."""
        for key in self.values:
            if key not in known:
                hint = nearest(key, known) or f"; expected {either(known)}"
                self.refuse(key, f"unknown key {key!r} of {self.name}{hint}")

    def text(self, key: str, *, default: str | None = None) -> str:
        """Return a non-empty text, with line breaks and indents as single spaces; required without `default`."""
        if key not in self.values and default is not None:
            return default
        if key not in self.values:
            self.refuse(key, f"{self.name} has no {key!r}")
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"{key!r} of {self.name} must be text, got {value!r}")
        return " ".join(value.split())

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of distinct texts; empty if the key is absent."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            self.refuse(key, f"{key!r} of {self.name} must be a list of texts, got {value!r}")
        if len(set(value)) < len(value):
            self.refuse(key, f"{key!r} of {self.name} has the same value twice")
        return tuple(value)

    def choice(self, key: str, kind: type[E]) -> E:
        """Return the member of an enumeration with the given value."""
        value = self.text(key)
        if value not in list(kind):
            self.refuse(key, f"unknown {key} {value!r}; expected {either(list(kind))}")
        return kind(value)

    def day(self, key: str) -> date | None:
        """Return a date, or None if the key is absent."""
        value = self.values.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.refuse(key, f"{key!r} of {self.name} must be a date such as 2026-11-30, got {value!r}")
        return value

    def inner(self, key: str) -> Table:
        """Return the table under `key`; all its values have the line of the key."""
        value = self.values[key]
        if not isinstance(value, dict):
            self.refuse(key, f"{key!r} of {self.name} must be a table, got {value!r}")
        return Table(self.path, TomlEntry(key, self.entry.line_of(key)), value, f"{key} of {self.name}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClaimsError(f"{FileLocation(path, 1)}: cannot be read: {error}") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, position = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", position)
        number = int(line[1]) if line else max(1, len(text.splitlines()))
        raise ClaimsError(f"{FileLocation(path, number)}: not valid TOML: {message}") from None
