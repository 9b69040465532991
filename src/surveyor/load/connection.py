"""HTTP over one connection, with nothing done in silence: no retry, no second address, both time limits stated.

Plain sockets, which gevent makes cooperative where Locust runs. A kept connection that the server has closed meanwhile
is a failed attempt, as it is for every client that does not try again.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Literal

import httptools

__all__ = ["Answer", "Connection", "Limits", "Outcome", "attempt", "request_of"]

Outcome = Literal["ok", "fail", "info"]
"""An answer below 500; surely none, or one from 500 on; nobody knows, since no answer came in time."""

LARGEST = 1 << 22
"""Bytes of an answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Wall seconds for the connection, and then for the whole answer."""

    connect: float = 1.0
    read: float = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt. `task`: who answered, by its own word; `error`: "" for an `ok`."""

    outcome: Outcome
    status: int = 0
    task: str = ""
    error: str = ""


def request_of(method: str, host: str, path: str = "/", *, keep: bool, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    kept = "keep-alive" if keep else "close"
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {kept}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


class _Reading:
    """What of an answer has come: httptools calls this as it parses."""

    __slots__ = ("body", "closes", "done", "framed", "seen")

    def __init__(self) -> None:
        self.body, self.seen = b"", 0
        self.closes = self.done = self.framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"connection":
            self.closes = value.lower() == b"close"
        self.framed = self.framed or name in (b"content-length", b"transfer-encoding")

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.done = True


class Connection:
    """A connection to one address. Raises OSError where it cannot be made in time."""

    __slots__ = ("_socket", "address", "fresh")

    def __init__(self, address: str, port: int, within: float) -> None:
        self.address = address
        self._socket = socket.create_connection((address, port), within)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fresh = True

    def exchange(self, request: bytes, within: float) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again.

        Raises TimeoutError, or OSError where the other side closed or broke it. `within` holds for the whole answer, so
        that one that drips in does not go on for ever.
        """
        end = time.monotonic() + within
        self._socket.settimeout(within)
        self._socket.sendall(request)
        self.fresh = False
        reading = _Reading()
        parser = httptools.HttpResponseParser(reading)
        while not reading.done:
            data = self._more(end)
            if not data:
                # Without a length, and in one piece, it ends with the connection (RFC 9112, section 6.3).
                if parser.get_status_code() and not reading.framed:
                    return parser.get_status_code(), reading.body, False
                raise ConnectionError(
                    "closed in the middle of an answer" if reading.seen else "closed without an answer"
                )
            reading.seen += len(data)
            if reading.seen > LARGEST:
                raise ConnectionError("an answer without end")
            try:
                parser.feed_data(data)
            except httptools.HttpParserError:
                raise ConnectionError("an answer that is no HTTP") from None
        again = reading.framed and not reading.closes and parser.get_http_version() == "1.1"
        return parser.get_status_code(), reading.body, again

    def close(self) -> None:
        """Harmless when it is closed already."""
        self._socket.close()

    def _more(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket.recv(65_536)


def attempt(
    address: str, port: int, request: bytes, limits: Limits, kept: Connection | None = None
) -> tuple[Answer, Connection | None]:
    """One attempt: by `kept`, or by a new connection. What came, and the connection if it may be used again."""
    wire = kept
    try:
        if wire is None:
            wire = Connection(address, port, limits.connect)
    except TimeoutError:
        return Answer("info", error="no connection in time"), None
    except OSError as problem:
        return Answer("fail", error=_brief(problem)), None
    stale = not wire.fresh
    try:
        status, body, again = wire.exchange(request, limits.read)
    except TimeoutError:
        wire.close()
        return Answer("info", error="no answer in time"), None
    except OSError as problem:
        wire.close()
        return Answer("fail", error=("kept, and " if stale else "") + _brief(problem)), None
    if not again:
        wire.close()
    error = "" if status < 500 else f"status {status}"
    return Answer("ok" if status < 500 else "fail", status, _who(body), error), wire if again else None


def _who(body: bytes) -> str:
    if b'"task"' not in body[:4_096]:
        return ""
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return str(told.get("task") or "").rpartition("/")[2] if isinstance(told, dict) else ""


def _brief(problem: OSError) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "refused"
    if isinstance(problem, ConnectionResetError):
        return "reset"
    return (problem.strerror or str(problem) or type(problem).__name__).lower()
