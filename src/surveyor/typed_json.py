"""Read and write values as JSON with msgspec; an error names the file, the member and what was expected."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from surveyor.errors import UsageError
from surveyor.input_files import REPORT_LIMIT, read_bytes
from surveyor.output_files import replace_text
from surveyor.secret_values import blank_members, holds_secret
from surveyor.visible_text import escape_in_json

__all__ = ["describe", "dump_json", "parse_file", "parse_json", "read_content", "read_json", "write_json"]

T = TypeVar("T")
_PATH = re.compile(r"(?P<message>.*?)(?: - at `(?:key in )?(?P<path>[^`]*)`)?", re.DOTALL)
_MAX_VALUES = 5_000_000
"""Values of a JSON file; the report of a complete survey has 900,000."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")


def dump_json(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON text: on one line, or with an indentation and a line feed at the end.

    Secrets are blanked, and hidden characters are escapes.
    """
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a target may send half of a surrogate pair
        data = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(value)))
    if holds_secret(data.decode()):
        data = msgspec.json.encode(blank_members(msgspec.to_builtins(value)))
    if indent is not None:
        data = msgspec.json.format(data, indent=indent) + b"\n"
    return escape_in_json(data.decode())


def parse_json(text: str | bytes, kind: type[T]) -> T:
    """Return the value in a JSON text. Raise ValueError, in one line, for what is not JSON or not of this kind."""
    try:
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:  # msgspec takes half of a surrogate pair for the end of the text
            return msgspec.convert(_without_surrogates(json.loads(text)), kind)
    except msgspec.ValidationError as error:
        raise ValueError(describe(error)) from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"is not complete JSON, was its run cut short? ({error})") from None


def read_json(path: Path, kind: type[T]) -> T:
    """Return the value in a JSON file. Raise UsageError, in one line that begins with the path."""
    return parse_file(path, read_content(path), kind)


def read_content(path: Path) -> bytes:
    """Return the content of a JSON file. Raise UsageError, also if its values would need far more memory than it."""
    content = read_bytes(path, REPORT_LIMIT)
    if sum(map(content.count, (b"[", b"{", b","))) > _MAX_VALUES:
        raise UsageError(f"{path}: cannot be read: it has more than {_MAX_VALUES:,} values")
    return content


def parse_file(path: Path, content: bytes, kind: type[T]) -> T:
    """Return the value in the content of a JSON file. Raise UsageError, in one line that begins with the path."""
    try:
        return parse_json(content, kind)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


def write_json(value: Any, path: Path, *, indent: int | None = 1) -> None:
    """Write a value atomically, on one line without `indent`: a reader sees the old file or the complete new one."""
    replace_text(path, dump_json(value, indent=indent).rstrip("\n") + "\n")


def _without_surrogates(value: Any) -> Any:
    """Return a JSON value with each half of a surrogate pair in its texts replaced."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, list | tuple) else value


def describe(error: msgspec.ValidationError) -> str:
    """Return one line: where in the value, and what msgspec expected there."""
    found = _PATH.fullmatch(str(error))
    message, path = (found["message"], found["path"]) if found else (str(error), None)
    steps = [name or index for name, index in _STEP.findall((path or "").removeprefix("$"))]
    where = "/".join(steps) or "the top"
    return f"at {where}: {message[:1].lower()}{message[1:]}".replace("`", "'").replace("\n", " ")[:300]
