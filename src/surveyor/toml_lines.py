"""The line numbers of keys in a TOML file, for error messages: tomllib does not keep them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["FileLocation", "TomlEntry", "entries"]

_ENTRY = re.compile(r"^\[\[\s*([\w-]+)\s*\]\]")
_TABLE = re.compile(r"^\[\s*[\w-]+\.([\w-]+)\s*\]")
_KEY = re.compile(r"^([\w-]+)\s*=")
_QUOTES = re.compile(r'"""|\'\'\'')


@dataclass(frozen=True)
class FileLocation:
    """A line of a file, shown as `claims/dns.toml:41`."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}:{self.line}"


@dataclass(frozen=True)
class TomlEntry:
    """One `[[name]]` of a file, or the part before the first (name "", line 1). Lines count from 1."""

    name: str
    line: int
    keys: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        """Return the line that sets `key`, or the line of the entry if none does."""
        return self.keys.get(key, self.line)


def entries(text: str) -> list[TomlEntry]:
    """Return the entries of a TOML document in order. Only keys at the start of a line are found."""
    keys: dict[str, int] = {}
    found = [TomlEntry("", 1, keys)]
    quotes = ""  # the delimiter of a string that is still open
    for number, line in enumerate(text.splitlines(), start=1):
        if not quotes:
            if entry := _ENTRY.match(line):
                keys = {}
                found.append(TomlEntry(entry[1], number, keys))
            elif named := _TABLE.match(line) or _KEY.match(line):
                keys.setdefault(named[1], number)
            elif line.lstrip().startswith("#"):
                continue
        for mark in _QUOTES.findall(line):
            if not quotes:
                quotes = mark
            elif mark == quotes:
                quotes = ""
    return found
