"""The line numbers of keys in a TOML file, for error messages: tomllib does not keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FileLocation", "TomlEntry", "entries"]

_ENTRY = re.compile(r"^\[\[\s*([\w-]+)\s*\]\]")
_NAME = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_TABLE = re.compile(rf"^\[\s*({_NAME}(?:\s*\.\s*{_NAME})*)\s*\]")
_KEY = re.compile(rf"^({_NAME})\s*=")
_PART = re.compile(_NAME)
_QUOTES = re.compile(r'"""|\'\'\'')


@dataclass(frozen=True)
class FileLocation:
    """A line of a file, shown as `claims/dns.toml:41`: a relative path as it is, of an absolute one the end."""

    file: Path
    line: int

    def __str__(self) -> str:
        shown = f"{self.file.parent.name}/{self.file.name}" if self.file.is_absolute() else str(self.file)
        return f"{shown}:{self.line}"


@dataclass(frozen=True)
class TomlEntry:
    """One `[[name]]` of a file, or the part before the first (name "", line 1). Lines count from 1.

    `keys` has each key and table alone (`argv`) and with the names of its tables (`start.argv`).
    """

    name: str
    line: int
    keys: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        """Return the line that sets `key`, or the line of the entry if none does."""
        return self.keys.get(key, self.line)


def entries(text: str) -> list[TomlEntry]:
    """Return the entries of a TOML document in order. Only keys at the start of a line are found."""
    keys: dict[str, int] = {}
    tables: list[str] = []
    found = [TomlEntry("", 1, keys)]
    quotes = ""  # the delimiter of a string that is still open
    for number, line in enumerate(text.splitlines(), start=1):
        if not line:
            continue
        if not quotes:
            if entry := _ENTRY.match(line):
                keys, tables = {}, []
                found.append(TomlEntry(entry[1], number, keys))
            elif table := _TABLE.match(line):
                parts = [part.strip("\"'") for part in _PART.findall(table[1])]
                # [task.labels] below [[task]] belongs to that entry.
                tables = parts[1:] if found[-1].name == parts[0] else parts
                keys.setdefault(tables[-1] if tables else "", number)
                keys.setdefault(".".join(tables), number)
            elif key := _KEY.match(line):
                name = key[1].strip("\"'")
                keys.setdefault(name, number)
                keys.setdefault(".".join([*tables, name]), number)
            elif line.lstrip().startswith("#"):
                continue
        for mark in _QUOTES.findall(line):
            if not quotes:
                quotes = mark
            elif mark == quotes:
                quotes = ""
    return found
