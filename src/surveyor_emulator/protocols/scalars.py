"""Scalars as text, for protocols with text values only: forms, paths, queries and XML."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import cast

__all__ = ["format_scalar", "parse_scalar"]

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def parse_scalar(kind: str, text: str) -> object:
    """Return the value of a scalar of the model's type ``kind``; timestamps as epoch seconds. Raise ValueError."""
    return _READERS[kind](text)


def format_scalar(kind: str, value: object) -> str:
    """Format a scalar of the model's type ``kind``; timestamps (epoch seconds) as ISO 8601 with milliseconds,
    blobs in base 64.
    """
    if kind == "blob" and isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        moment = datetime.fromtimestamp(cast("float", value), UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return str(value)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f"expected an integer, got {text!r}")
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise ValueError(f"expected a number, got {text!r}")
    return float(text)


def _boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise ValueError(f"expected true or false, got {text!r}")
    return value


def _timestamp(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"expected a time in ISO 8601, got {text!r}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters that are not ASCII
        raise ValueError(f"expected base 64, got {text!r}") from None


_READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
