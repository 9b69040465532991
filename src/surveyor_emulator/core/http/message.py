"""Requests and responses as plain values."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

__all__ = ["Headers", "Request", "Response", "encode"]

Headers = Mapping[str, str]

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request; ``path`` and ``query`` as sent (percent-encoded), header names in lower case."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """A complete response."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=dict)


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    """Return wall time as a header value; clients and signatures use it to detect clock skew."""
    return formatdate(second, usegmt=True).encode()


def encode(response: Response, *, keep_alive: bool, head: bool = False) -> bytes:
    """Return the bytes of a response; ``head`` omits the body, as required for HEAD."""
    parts = [b"HTTP/1.1 %d %s\r\n" % (response.status, _REASONS.get(response.status, b"Unknown"))]
    parts += [f"{name}: {value}\r\n".encode("latin-1") for name, value in response.headers.items()]
    parts.append(b"Date: %s\r\nContent-Length: %d\r\n" % (_date(int(time.time())), len(response.body)))
    parts.append(b"\r\n" if keep_alive else b"Connection: close\r\n\r\n")
    if not head:
        parts.append(response.body)
    return b"".join(parts)
