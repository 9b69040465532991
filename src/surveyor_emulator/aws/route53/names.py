"""Domain names in Route 53's format: lower case, absolute, unusual characters as octal escapes.

Each name has one spelling, so that names compare as strings. Route 53 Developer Guide, "DNS domain name format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["ROOT", "WILDCARD", "ancestors", "canonical", "encode", "from_labels", "is_within", "sort_key", "to_wire"]

ROOT = "."
# The asterisk label, as Route 53 spells it.
WILDCARD = r"\052"

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_TOKEN = re.compile(rb"\\([0-3][0-7]{2})|([\x21-\x7e])")
_SIMPLE = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+")
_MAX_LABEL_BYTES = 63
_MAX_NAME_BYTES = 255


def canonical(text: str) -> str:
    """Return the name's canonical spelling, with a trailing dot. Raise ValueError if it is not a domain name."""
    if len(text) <= _MAX_NAME_BYTES - 1 and _SIMPLE.fullmatch(text):
        return text
    if text == ROOT:
        return ROOT
    labels = [label.lower() for label in _split(text)]
    _pack(labels, text)
    return from_labels(labels)


def from_labels(labels: Iterable[bytes]) -> str:
    """Return the canonical name of lower-case labels, which are leftmost first, without the root."""
    return "".join(_spell(label) + "." for label in labels) or ROOT


def encode(text: str) -> bytes:
    """Return a client's name in wire form, in its original case. Raise ValueError as ``canonical`` does."""
    return b"\0" if text == ROOT else _pack(_split(text), text)


def to_wire(name: str) -> bytes:
    """Return a canonical name in wire form, uncompressed (RFC 1035, 3.1)."""
    if name == ROOT:
        return b"\0"
    return _pack([_unescape(label) for label in name[:-1].split(".")], name)


def is_within(name: str, zone: str) -> bool:
    """Whether a canonical name is the zone's own name or below it."""
    return name == zone or zone == ROOT or name.endswith("." + zone)


def ancestors(name: str) -> list[str]:
    """Return the names above a canonical name, nearest first, without the root."""
    parts = name.split(".")
    return [".".join(parts[at:]) for at in range(1, len(parts) - 1)]


def sort_key(name: str) -> str:
    """Return the sort key of lists: the labels reversed, with the trailing dot (``com.example.www.``)."""
    return ".".join(reversed(name[:-1].split("."))) + "."


def _split(text: str) -> list[bytes]:
    """Return the labels of a client's name, without escapes."""
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(f"a domain name is ASCII, with escapes for other characters: {text!r}") from None
    labels = [bytearray()]
    at = 0
    while at < len(raw):
        token = _TOKEN.match(raw, at)
        if token is None:
            raise ValueError(f"a domain name needs an octal escape for character {at + 1}: {text!r}")
        at = token.end()
        escaped, plain = token.groups()
        if plain == b".":
            labels.append(bytearray())
        else:
            labels[-1] += bytes([int(escaped, 8)]) if escaped else plain
    if not labels[-1]:
        labels.pop()
    if not labels or any(not 0 < len(label) <= _MAX_LABEL_BYTES for label in labels):
        raise ValueError(f"a domain name has labels of 1 to {_MAX_LABEL_BYTES} bytes between its dots: {text!r}")
    return [bytes(label) for label in labels]


def _pack(labels: list[bytes], text: str) -> bytes:
    packed = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(packed) > _MAX_NAME_BYTES:
        raise ValueError(f"a domain name has at most {_MAX_NAME_BYTES} bytes, this one has {len(packed)}: {text!r}")
    return packed


def _spell(label: bytes) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in label)


def _unescape(label: str) -> bytes:
    if "\\" not in label:
        return label.encode("ascii")
    pieces = re.split(r"\\([0-7]{3})", label)
    return b"".join(bytes([int(piece, 8)]) if at % 2 else piece.encode("ascii") for at, piece in enumerate(pieces))
