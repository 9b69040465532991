"""Takes typed values out of a TOML file, and says file and line of whatever stands there instead."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from surveyor.claims.model import ClaimsError, Place
from surveyor.messages import either, nearest
from surveyor.toml_lines import Entry, entries

__all__ = ["Table", "read"]

E = TypeVar("E", bound=StrEnum)


def read(path: Path, name: str) -> tuple[Table, list[Table]]:
    """What stands before the first `[[name]]` of a file, and each of these. Raises ClaimsError if it is not TOML."""
    text = _text(path)
    first, *lines = entries(text)
    top = Table(path, first, _parse(path, text), "the file")
    values = top.values.get(name, [])
    headers = [entry for entry in lines if entry.name == name]
    if not isinstance(values, list) or len(values) != len(headers):
        top.refuse(name, f"write each {name} under a line [[{name}]] of its own")
    return top, [Table(path, entry, value, f"this {name}") for entry, value in zip(headers, values, strict=True)]


class Table:
    """One entry of a file with its lines: takes typed values out and says where something else stands."""

    def __init__(self, path: Path, entry: Entry, values: dict[str, Any], name: str) -> None:
        self.path = path
        self.entry = entry
        self.values = values
        self.name = name

    def place(self, key: str = "") -> Place:
        """Where `key` is set, or where the entry begins."""
        return Place(self.path, self.entry.line_of(key))

    def refuse(self, key: str, message: str) -> NoReturn:
        """Raises ClaimsError with the place of `key` in front."""
        raise ClaimsError(f"{self.place(key)}: {message}")

    def only(self, known: Collection[str]) -> None:
        """Refuses keys that are not among the known."""
        for key in self.values:
            if key not in known:
                hint = nearest(key, known) or f"; expected {either(known)}"
                self.refuse(key, f"unknown key {key!r} of {self.name}{hint}")

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text that is not empty, its line breaks and indents made single spaces; required without `default`."""
        if key not in self.values and default is not None:
            return default
        if key not in self.values:
            self.refuse(key, f"{self.name} has no {key!r}")
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"{key!r} of {self.name} must be text, not {value!r}")
        return " ".join(value.split())

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of different texts; empty if the key is not there."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
            self.refuse(key, f"{key!r} of {self.name} must be a list of texts, not {value!r}")
        if len(set(value)) < len(value):
            self.refuse(key, f"{key!r} of {self.name} says something twice")
        return tuple(value)

    def choice(self, key: str, kind: type[E]) -> E:
        """A member of an enumeration by its value."""
        value = self.text(key)
        if value not in list(kind):
            self.refuse(key, f"unknown {key} {value!r}; expected {either(list(kind))}")
        return kind(value)

    def day(self, key: str) -> date | None:
        """A date, or None if the key is not there."""
        value = self.values.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.refuse(key, f"{key!r} of {self.name} must be a date such as 2026-11-30, not {value!r}")
        return value

    def inner(self, key: str) -> Table:
        """The table under `key`, whose lines are all that of the key."""
        value = self.values[key]
        if not isinstance(value, dict):
            self.refuse(key, f"{key!r} of {self.name} must be a table, not {value!r}")
        return Table(self.path, Entry(key, self.entry.line_of(key)), value, f"{key} of {self.name}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as broken:
        raise ClaimsError(f"{Place(path, 1)}: cannot be read: {broken}") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        message, _, position = str(broken).partition(" (at ")
        line = re.match(r"line (\d+)", position)
        number = int(line[1]) if line else max(1, len(text.splitlines()))
        raise ClaimsError(f"{Place(path, number)}: not valid TOML: {message}") from None
