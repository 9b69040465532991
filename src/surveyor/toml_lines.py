"""Finds the line of each key in a TOML file, because tomllib keeps none and an error without a line is a hunt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Entry", "entries"]

_ENTRY = re.compile(r"^\[\[\s*([\w-]+)\s*\]\]")
_TABLE = re.compile(r"^\[\s*[\w-]+\.([\w-]+)\s*\]")
_KEY = re.compile(r"^([\w-]+)\s*=")
_QUOTES = re.compile(r'"""|\'\'\'')


@dataclass(frozen=True)
class Entry:
    """One `[[name]]` of a file, or what stands before the first (name "", line 1). Lines count from 1."""

    name: str
    line: int
    keys: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        """The line on which `key` is set, or that of the entry if it is not."""
        return self.keys.get(key, self.line)


def entries(text: str) -> list[Entry]:
    """The entries of a TOML document in order. Keys count where they begin a line, as files of claims are written."""
    keys: dict[str, int] = {}
    found = [Entry("", 1, keys)]
    quotes = ""  # of the string that the line before did not close
    for number, line in enumerate(text.splitlines(), start=1):
        if not quotes:
            if entry := _ENTRY.match(line):
                keys = {}
                found.append(Entry(entry[1], number, keys))
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
