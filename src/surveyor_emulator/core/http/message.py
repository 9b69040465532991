"""Requests and responses as plain values."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["CUT", "Headers", "Request", "Response", "encode"]

Headers = Mapping[str, str]

_NO_HEADERS: Headers = MappingProxyType({})
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


# Named tuples, because every request creates one of each: a frozen dataclass takes five times as long to construct.
class Request(NamedTuple):
    """A complete request; ``path`` and ``query`` as sent (percent-encoded), header names in lower case.

    ``peer``: the address of the client.
    """

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    peer: str = ""


class Response(NamedTuple):
    """A complete response."""

    status: int
    body: bytes = b""
    headers: Headers = _NO_HEADERS


CUT = Response(0)
"""No response: the connection is reset."""


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    """Return wall time as a header; clients and signatures use it to detect clock skew."""
    # English, since nothing here sets another locale. email.utils would do the same, and takes 4 ms to import.
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second))


def encode(response: Response, *, keep_alive: bool, head: bool = False) -> bytes:
    """Return the bytes of a response; ``head`` omits the body, as required for HEAD."""
    status, body, headers = response
    text = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown\r\n"
    for name, value in headers.items():
        text = f"{text}{name}: {value}\r\n"
    end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
    text = f"{text}{_date(int(time.time()))}Content-Length: {len(body)}\r\n{end}"
    return text.encode("latin-1") if head else text.encode("latin-1") + body
