"""The values of this run's credentials, and how they are blanked in a text before it is kept or printed.

A target may repeat any part of a request: in an error, in a member, quoted or encoded, wrapped or cut. So a long value
is found by any piece of it, in each common encoding and across white space; a short one is found as a whole.

Known are the credentials in the environment from the first use on, and what clients note: the credentials of their
session, and the token and the signature of each request. Credentials that everybody knows, such as the numbers of
accounts by which calls to emulators are signed, are no secrets.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

__all__ = [
    "REMOVED",
    "SHORTEST_KEY",
    "blank",
    "blank_members",
    "holds_secret",
    "note_request",
    "register",
    "register_url",
]

REMOVED = "(removed)"
"""What stands in place of a secret."""

_WINDOW = 8
_MIN_PIECE = 12
"""Characters of the pieces by which a long value is looked up, and of a run of pieces that is blanked.

Looked up is each eighth position of a text, so that any 15 characters of a value are found.
"""

SHORTEST_KEY = 12
"""Characters of a key of AWS; `test` and `testing` are keys of emulators, and no secrets."""

_MIN_LONG = 16
_MIN_SHORT = 6
"""Characters of a value that is found by pieces, and of a password."""

_MAX_FILE = 64 * 1024
_SIGNATURES = 100
"""Signatures after which those before are forgotten in time: an answer repeats the one of its request."""

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
_TOKENS = ("SURVEYOR_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
_TOKEN_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "AWS_ENDPOINT_URL")

_USERINFO = re.compile(r"(://|:\\/\\/)[^\s/@:\"'<>\\]{0,256}:[^\s/@\"'<>\\]{1,256}@")
_SIGNATURE = re.compile(r"(ignature(?:=|%3[Dd]|\\u003[Dd]|&#61;))[0-9a-fA-F]+")
_HEADER_SIGNATURE = re.compile(r"Signature=([0-9a-f]{64})")


@dataclass
class _Known:
    """The secrets of this process. `recent` and `older`: pieces of the signatures of the latest requests."""

    values: set[str] = field(default_factory=set)
    pieces: set[str] = field(default_factory=set)
    short: re.Pattern[str] | None = None
    recent: set[str] = field(default_factory=set)
    older: set[str] = field(default_factory=set)
    signatures: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, value: str) -> None:
        """Add one value in all its encodings."""
        with self.lock:
            if value in self.values:
                return
            self.values.add(value)
            if len(value) >= _MIN_LONG:
                self.pieces = self.pieces.union(*(_pieces(form) for form in _forms(value)))
                return
            forms = {form for short in self.values if len(short) < _MIN_LONG for form in _forms(short)}
            self.short = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))

    def add_signature(self, signature: str) -> None:
        """Add the signature of a request, and forget old ones."""
        with self.lock:
            self.signatures += 1
            if self.signatures % _SIGNATURES == 0:
                self.older, self.recent = self.recent, set()
            for form in (signature, signature.upper(), *_base64_forms(signature)):
                self.recent.update(_pieces(form))

    def has(self, piece: str) -> bool:
        """Return whether a piece belongs to a secret."""
        return piece in self.pieces or piece in self.recent or piece in self.older


_processes: list[_Known] = []
"""The secrets of this process, once they were asked for."""


def register(*values: str | None, shortest: int = _MIN_SHORT) -> None:
    """Add secrets; None, the number of an account, and a value below `shortest` characters are none."""
    known = _known()
    for value in values:
        if value and len(value) >= shortest and not re.fullmatch(r"\d{1,12}", value):
            known.add("".join(value.split()))


def register_url(url: str) -> None:
    """Add the password in a URL, if it has one, and the header that a proxy gets it in."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        user, password = parts.username or "", parts.password
    except ValueError:
        return
    if password:
        plain = unquote(password)
        register(password, plain)
        register(base64.b64encode(f"{unquote(user)}:{plain}".encode()).decode())


def note_request(headers: Mapping[str, Any]) -> bool:
    """Add the credentials that a signed request carries; return whether its token was not known before."""
    known = _known()
    authorization, token = _text(headers.get("Authorization")), _text(headers.get("X-Amz-Security-Token"))
    if signature := _HEADER_SIGNATURE.search(authorization):
        known.add_signature(signature[1])
    access_key = re.search(r"Credential=([^/,\s]+)/", authorization)
    is_new = bool(token) and token not in known.values
    register(access_key[1] if access_key else None, token, shortest=SHORTEST_KEY)
    return is_new


def blank(text: str) -> str:
    """Return `text` without the secrets of this run."""
    known = _known()
    if "@" in text and ("://" in text or ":\\/\\/" in text):
        text = _USERINFO.sub(rf"\1{REMOVED}@", text)
    if not known.values and not known.recent:
        return text
    if "ignature" in text:
        text = _SIGNATURE.sub(rf"\1{REMOVED}", text)
    if known.short is not None:
        text = known.short.sub(REMOVED, text)
    if len(text) < _MIN_PIECE:
        return text
    squeezed = "".join(text.split())
    runs = list(_runs(squeezed, known))
    return _without(text, squeezed, runs) if runs else text


def holds_secret(text: str) -> bool:
    """Return whether a text has secrets of this run in it."""
    return blank(text) != text


def blank_members(value: Any) -> Any:
    """Return a value of JSON without secrets in its texts and keys."""
    if isinstance(value, str):
        return blank(value)
    if isinstance(value, Mapping):
        return {blank_members(key): blank_members(member) for key, member in value.items()}
    return [blank_members(item) for item in value] if isinstance(value, list | tuple) else value


def _known() -> _Known:
    if not _processes:
        _processes.append(_Known())
        _register_environment()
    return _processes[0]


def _register_environment() -> None:
    environment = os.environ
    register(*(environment.get(name) for name in _KEYS), shortest=SHORTEST_KEY)
    bearer = [value for name, value in environment.items() if name.startswith("AWS_BEARER_TOKEN_")]
    register(*(environment.get(name) for name in _TOKENS), *bearer)
    for name in _TOKEN_FILES:
        register(_content(environment.get(name)))
    for name in _PROXIES:
        for spelling in (name, name.lower()):
            register_url(environment.get(spelling, ""))


def _content(path: str | None) -> str | None:
    """Return the token in a regular file; None if there is none, which its reader reports."""
    try:
        if path and Path(path).is_file():
            with Path(path).open("rb") as file:
                return file.read(_MAX_FILE).decode("utf-8", "replace").strip()
    except (OSError, ValueError):
        return None
    return None


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _WINDOW] for start in range(len(text) - _WINDOW + 1))


def _forms(value: str) -> set[str]:
    """Return the value as itself and in the encodings in which a target, a parser or a report may repeat it."""
    quoted = quote(value, safe="")
    in_json = json.dumps(value)[1:-1]
    numbered = "".join(char if char.isalnum() else f"&#{ord(char)};" for char in value)
    escaped = "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in value)
    in_hex = value.encode().hex()
    forms = {
        value, value.lower(), value.upper(),
        quoted, re.sub("%..", lambda found: found[0].lower(), quoted), quote(value), quote_plus(value), quote(quoted),
        in_json, in_json.replace("/", "\\/"), escaped, re.sub(r"\\u....", lambda found: found[0].upper(), escaped),
        html.escape(value), numbered, repr(value)[1:-1], in_hex, in_hex.upper(), *_base64_forms(value),
    }  # fmt: skip
    return {form for form in forms if form}


def _base64_forms(value: str) -> Iterator[str]:
    """Yield what base64 makes of the value at each place in a longer text, without the edges that others share."""
    for shift, edge in ((0, 0), (1, 2), (2, 3)):
        data = b"\0" * shift + value.encode()
        whole = base64.b64encode(data[: len(data) - len(data) % 3]).decode()[edge:]
        yield whole
        yield whole.translate(str.maketrans("+/", "-_"))


def _runs(text: str, known: _Known) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each part of a text that consists of pieces of secrets."""
    pieces, recent, older = known.pieces, known.recent, known.older
    done = 0
    for at in range(0, len(text) - _WINDOW + 1, _WINDOW):
        piece = text[at : at + _WINDOW]
        if at < done or not (piece in pieces or piece in recent or piece in older):
            continue
        first = last = at
        while first > done and known.has(text[first - 1 : first - 1 + _WINDOW]):
            first -= 1
        while last + _WINDOW < len(text) and known.has(text[last + 1 : last + 1 + _WINDOW]):
            last += 1
        if last + _WINDOW - first >= _MIN_PIECE:
            done = last + _WINDOW
            yield first, done


def _without(text: str, squeezed: str, runs: list[tuple[int, int]]) -> str:
    """Return `text` without the runs, which are counted without white space."""
    places: Sequence[int] = range(len(text))
    if len(text) > len(squeezed):
        places = [at for at, char in enumerate(text) if not char.isspace()]
    kept, done = [], 0
    for first, end in runs:
        kept += [text[done : places[first]], REMOVED]
        done = places[end - 1] + 1
    return "".join([*kept, text[done:]])
