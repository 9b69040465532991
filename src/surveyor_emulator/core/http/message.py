"""Requests and responses as plain values."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Headers", "Request", "Response", "encode"]

Headers = Mapping[str, str]

_NO_HEADERS: Headers = MappingProxyType({})
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}  # fmt: skip


# Named tuples, because every request creates one of each: a frozen dataclass takes five times as long to construct.
class Request(NamedTuple):
    """A complete request; ``path`` and ``query`` as sent (percent-encoded), header names in lower case."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes


class Response(NamedTuple):
    """A complete response."""

    status: int
    body: bytes = b""
    headers: Headers = _NO_HEADERS


@functools.lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    """Return wall time as a header; clients and signatures use it to detect clock skew."""
    return f"Date: {formatdate(second, usegmt=True)}\r\n".encode()


def encode(response: Response, *, keep_alive: bool, head: bool = False) -> bytes:
    """Return the bytes of a response; ``head`` omits the body, as required for HEAD."""
    status, body, headers = response
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return b"".join(
        (
            _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status,
            lines.encode("latin-1"),
            _date(int(time.time())),
            b"Content-Length: %d\r\n\r\n" % len(body)
            if keep_alive
            else b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body),
            b"" if head else body,
        )
    )
