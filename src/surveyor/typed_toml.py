"""Read the entries of a TOML file into msgspec structs; an error names the file, the line and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.toml_lines import FileLocation, TomlEntry, entries

__all__ = ["TypedEntry", "TypedFile", "read_entries"]

T = TypeVar("T")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_PATH = re.compile(r"(.*) - at `(?:key in )?\$\.?([^`]*)`", re.DOTALL)


class TypedEntry(NamedTuple, Generic[T]):
    """One `[[name]]` of a file as a struct, with the lines of its keys."""

    value: T
    file: Path
    lines: TomlEntry

    def location(self, key: str = "") -> FileLocation:
        """Return the line that sets `key`, or the line where the entry begins."""
        return FileLocation(self.file, self.lines.line_of(key))


class TypedFile(NamedTuple, Generic[T]):
    """A file with a title and entries of one type."""

    title: str
    entries: tuple[TypedEntry[T], ...]


def read_entries(path: Path, name: str, kind: type[T]) -> TypedFile[T]:
    """Return the title of a file and its `[[name]]` entries, each converted to the struct `kind`.

    Raise UsageError with one line that begins with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{FileLocation(path, 1)}: cannot be read: {error}") from None
    values = _parse(path, text)
    top, *lines = (entry for entry in entries(text) if entry.name in ("", name))
    tables = values.pop(name, [])
    title = values.pop("title", "")
    if unknown := next(iter(values), ""):
        raise UsageError(
            f"{FileLocation(path, top.line_of(unknown))}: unknown key {unknown!r}; expected title and [[{name}]]"
        )
    if not isinstance(tables, list) or len(tables) != len(lines) or not tables:
        raise UsageError(f"{FileLocation(path, 1)}: write each {name} under a separate line [[{name}]]")
    if not isinstance(title, str) or not title:
        raise UsageError(f"{FileLocation(path, top.line_of('title'))}: the file needs a title")
    pairs = zip(lines, tables, strict=True)
    found = (TypedEntry(_convert(path, name, entry, table, kind), path, entry) for entry, table in pairs)
    return TypedFile(title, tuple(found))


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, position = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", position)
        number = int(line[1]) if line else max(1, len(text.splitlines()))
        raise UsageError(f"{FileLocation(path, number)}: not valid TOML: {message}") from None


def _convert(path: Path, name: str, lines: TomlEntry, table: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        found = _PATH.fullmatch(str(error))
        message, where = (found[1], found[2]) if found else (str(error), "")
        keys = re.findall(r"[\w-]+", where)
        if unknown := _UNKNOWN.match(message):
            keys.append(unknown[1])
            message = f"unknown member {unknown[1]!r}{nearest(unknown[1], sorted(set(_fields(kind))))}"
        else:
            message = message.replace("`", "'").replace("Object", "the table")
        line = next((lines.keys[key] for key in reversed(keys) if key in lines.keys), lines.line)
        subject = f"{name} {table['id']!r}" if isinstance(table.get("id"), str) else f"this {name}"
        member = f", {where}" if where else ""
        raise UsageError(f"{FileLocation(path, line)}: {subject}{member}: {message}") from None


def _fields(kind: Any) -> Iterator[str]:
    """Yield the names of all members of a struct and of the structs in it."""
    pending = [msgspec.inspect.type_info(kind)]
    while pending:
        info = pending.pop()
        if isinstance(info, msgspec.inspect.StructType):
            yield from (field.encode_name for field in info.fields)
            pending += [field.type for field in info.fields]
        elif isinstance(info, msgspec.inspect.UnionType):
            pending += info.types
        elif isinstance(info, (msgspec.inspect.VarTupleType, msgspec.inspect.ListType)):
            pending.append(info.item_type)
