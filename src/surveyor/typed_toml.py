"""Read the entries of a TOML file into msgspec structs; an error names the file, the line and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Generic, NamedTuple, NoReturn, TypeVar

import msgspec

from surveyor.errors import UsageError
from surveyor.input_files import read_text
from surveyor.messages import either, nearest
from surveyor.toml_lines import FileLocation, TomlEntry, entries

__all__ = ["Text", "TypedEntry", "TypedFile", "TypedToml", "explain", "read_entries", "read_toml"]

T = TypeVar("T")
Text = Annotated[str, msgspec.Meta(pattern=r"\S", description="text")]
"""Text with more than white space."""

_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_TYPE = re.compile(r"`(\w+)(?: \| null)?`")
_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_MAX_DOTS = 500
"""Dots of a key, and of the text between two equals signs."""
_KEPT_FILES = 80
"""How many files are kept as values, for one run reads those of the claims several times. The values do not change."""

_PATH = re.compile(r"(.*) - at `(?:key in )?\$\.?([^`]*)`", re.DOTALL)


class TypedEntry(NamedTuple, Generic[T]):
    """One `[[name]]` of a file as a struct, with the lines of its keys."""

    value: T
    file: Path
    lines: TomlEntry

    def location(self, key: str = "") -> FileLocation:
        """Return the line that sets `key`, or the line where the entry begins."""
        return FileLocation(self.file, self.lines.line_of(key))

    def refuse(self, key: str, message: str) -> NoReturn:
        """Raise UsageError with a message that begins with the location of `key`."""
        raise UsageError(f"{self.location(key)}: {message}")


class TypedFile(NamedTuple, Generic[T]):
    """A file with a title and entries of one type."""

    title: str
    entries: tuple[TypedEntry[T], ...]


class TypedToml(NamedTuple, Generic[T]):
    """A file as a struct, with the lines of its tables."""

    value: T
    path: Path
    lines: tuple[TomlEntry, ...]

    def location(self, table: str = "", number: int = 0, key: str = "") -> FileLocation:
        """Return the line that sets `key` in the `[[table]]` with this number, counted from 0; "" is the top."""
        entry = [entry for entry in self.lines if entry.name == table][number]
        return FileLocation(self.path, entry.line_of(key))

    def error(self, key: str, message: str) -> UsageError:
        """Return an error whose message begins with the line that sets `key` (as `start.argv`), else with line 1."""
        return UsageError(f"{FileLocation(self.path, self.lines[0].line_of(key))}: {message}")


def read_entries(path: Path, name: str, kind: type[T]) -> TypedFile[T]:
    """Return the title of a file and its `[[name]]` entries, each converted to the struct `kind`.

    Raise UsageError with one line that begins with file and line.
    """
    return _entries_of(path, read_text(path), name, kind)  # type: ignore[arg-type]  # a type is hashable


@lru_cache(_KEPT_FILES)
def _entries_of(path: Path, text: str, name: str, kind: type[T]) -> TypedFile[T]:
    values = parse_toml(path, text)
    top, *lines = (entry for entry in entries(text) if entry.name in ("", name))
    tables = values.pop(name, [])
    title = values.pop("title", "")
    if unknown := next(iter(values), ""):
        raise UsageError(
            f"{FileLocation(path, top.line_of(unknown))}: unknown key {unknown!r}{nearest(unknown, ('title', name))}; "
            f"expected title and [[{name}]]"
        )
    if not isinstance(tables, list) or len(tables) != len(lines) or not tables:
        raise UsageError(f"{FileLocation(path, 1)}: write each {name} under a separate line [[{name}]]")
    if not isinstance(title, str) or not title:
        raise UsageError(f"{FileLocation(path, top.line_of('title'))}: the file needs a title")
    pairs = zip(lines, tables, strict=True)
    found = (TypedEntry(_convert(path, name, entry, table, kind), path, entry) for entry, table in pairs)
    return TypedFile(title, tuple(found))


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """Return the tables of a TOML file. Raise UsageError with one line that begins with file and line."""
    for number, content in enumerate(text.split("\n"), 1):
        # tomllib needs the square of the time
        if content.count(".") > _MAX_DOTS and max(part.count(".") for part in content.split("=")) > _MAX_DOTS:
            raise UsageError(f"{FileLocation(path, number)}: not valid TOML: nested too deeply")
    try:
        values = tomllib.loads(text)
        repr(values)  # what is nested too deeply for this is too deep for all that follows
        return values
    except RecursionError:
        raise UsageError(f"{FileLocation(path, 1)}: not valid TOML: nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        message, _, position = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", position)
        number = int(line[1]) if line else max(1, len(text.splitlines()))
        raise UsageError(f"{FileLocation(path, number)}: not valid TOML: {message}") from None
    except ValueError as error:  # a number with too many digits
        raise UsageError(f"{FileLocation(path, 1)}: not valid TOML: {str(error).partition(';')[0]}") from None


def read_toml(path: Path, kind: type[T]) -> TypedToml[T]:
    """Return a TOML file as the struct `kind`, with the lines of its tables.

    Raise UsageError with one line that begins with file and line.
    """
    return _typed(path, read_text(path), kind)  # type: ignore[arg-type]  # a type is hashable


@lru_cache(_KEPT_FILES)
def _typed(path: Path, text: str, kind: type[T]) -> TypedToml[T]:
    values, lines = parse_toml(path, text), entries(text)
    try:
        return TypedToml(msgspec.convert(values, kind), path, tuple(lines))
    except msgspec.ValidationError as error:
        steps, message = explain(error, values, kind)
        table, *rest = steps or ("",)
        tables = [entry for entry in lines if entry.name == table]
        entry = tables[int(rest[0])] if tables and rest and rest[0].isdigit() else lines[0]
        raise UsageError(f"{FileLocation(path, _line(entry, steps))}: {message}") from None


def _line(entry: TomlEntry, steps: Sequence[str]) -> int:
    """Return the line of the innermost table or key of a path that has one; the numbers of list items have none."""
    names = [step for step in steps if not step.isdigit()]
    paths = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((entry.keys[key] for key in (*paths, *reversed(names)) if key in entry.keys), entry.line)


def explain(error: msgspec.ValidationError, values: Any, kind: Any) -> tuple[list[str], str]:
    """Return the keys and indexes that lead to an invalid value, and what was expected there and what is there."""
    found = _PATH.fullmatch(str(error))
    message, where = (found[1], found[2]) if found else (str(error), "")
    steps = _keys_of(values, kind, re.findall(r"[\w-]+|\.\.\.", where))
    if unknown := _UNKNOWN.match(message):
        name = unknown[1]
        table = _type_at(kind, steps)
        own = [field.encode_name for field in table.fields] if isinstance(table, msgspec.inspect.StructType) else []
        hint = nearest(name, sorted(own)) or nearest(name, sorted(set(_fields(kind))))
        return [*steps, name], f"unknown key {name!r}{hint}"
    if missing := _MISSING.match(message):
        return steps, f"{missing[1]} is missing"
    actual: Any = values
    for step in steps:
        actual = actual[int(step)] if isinstance(actual, list) else actual.get(step)
    names = [step for step in steps if not step.isdigit()]
    label = f"{names[-1]}: " if names else ""
    expected = _type_at(kind, steps)
    if message.startswith("Invalid enum value") and (allowed := _choices(expected)):
        return steps, f"{label}expected {either(allowed)}, got {actual!r}{nearest(str(actual), allowed)}"
    if "regex" in message and isinstance(expected, msgspec.inspect.Metadata):
        return steps, f"{label}expected {(expected.extra_json_schema or {})['description']}, got {actual!r:.80}"
    words = _TYPE.sub(lambda found: _TYPES.get(found[1], found[1]), message)
    return steps, f"{label}{words[:1].lower()}{words[1:]} ({actual!r:.80})"


def _keys_of(values: Any, kind: Any, steps: list[str]) -> list[str]:
    """Return a path with the key in place of `...`, by which msgspec names any entry of a table of free keys."""
    for index, step in enumerate(steps):
        if step == "...":
            table = values
            for before in steps[:index]:
                table = table[int(before)] if isinstance(table, list) else table[before]
            items = dict(table)
            for key, value in items.items():  # the one that is refused alone
                table.clear()
                table[key] = value
                try:
                    msgspec.convert(values, kind)
                except msgspec.ValidationError:
                    steps = [*steps[:index], key, *steps[index + 1 :]]
                    break
            table.clear()
            table.update(items)
    return steps


def _type_at(kind: Any, steps: Sequence[str]) -> msgspec.inspect.Type:
    """Return the type at the end of a path."""
    info = _required(msgspec.inspect.type_info(kind))
    for step in steps:
        if isinstance(info, msgspec.inspect.Metadata):
            info = info.type
        if isinstance(info, msgspec.inspect.StructType):
            info = next(field.type for field in info.fields if field.encode_name == step)
        elif isinstance(info, (msgspec.inspect.VarTupleType, msgspec.inspect.ListType)):
            info = info.item_type
        elif isinstance(info, msgspec.inspect.DictType):
            info = info.value_type
        info = _required(info)
    return info


def _choices(info: msgspec.inspect.Type) -> list[str]:
    """Return the values that a type allows; none if it is no choice."""
    if isinstance(info, msgspec.inspect.LiteralType):
        return [str(value) for value in info.values]
    return [member.value for member in info.cls] if isinstance(info, msgspec.inspect.EnumType) else []


def _required(info: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """Return the type of a value that may be left out."""
    if not isinstance(info, msgspec.inspect.UnionType):
        return info
    others = [part for part in info.types if not isinstance(part, msgspec.inspect.NoneType)]
    return others[0] if len(others) == 1 else info


def _convert(path: Path, name: str, lines: TomlEntry, table: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        steps, message = explain(error, table, kind)
        line = _line(lines, steps)
        id_ = table.get("id", table.get("ref"))
        subject = f"{name} {id_!r}" if isinstance(id_, str) else f"this {name}"
        raise UsageError(f"{FileLocation(path, line)}: {subject}: {message}") from None


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
