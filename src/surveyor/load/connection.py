"""HTTP over one connection, without hidden behaviour: no retry, no second address, two explicit timeouts.

Plain sockets, which gevent makes cooperative where Locust runs. A kept connection that the server has closed meanwhile
is a failed attempt, as it is for every client that does not retry.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from typing import Literal

import httptools

__all__ = ["AttemptOutcome", "AttemptResult", "Connection", "Timeouts", "attempt", "build_request"]

AttemptOutcome = Literal["ok", "fail", "info"]
"""`ok`: a status below 500; `fail`: definitely no answer, or a status from 500 on; `info`: unknown after a timeout."""

MAX_RESPONSE = 1 << 22
"""Bytes of a response."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Wall seconds for the connection, and then for the whole response."""

    connect: float = 1.0
    read: float = 2.0


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The result of one attempt. `task`: id that the answering task reports; `error`: "" for an `ok`."""

    outcome: AttemptOutcome
    status: int = 0
    task: str = ""
    error: str = ""


def build_request(method: str, host: str, path: str = "/", *, keep: bool, body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    connection = "keep-alive" if keep else "close"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


class _PartialResponse:
    """The part of a response that has arrived: httptools calls this as it parses."""

    __slots__ = ("body", "closes", "done", "framed", "size")

    def __init__(self) -> None:
        self.body, self.size = b"", 0
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
    """A connection to one address. Raises OSError if it cannot be made in time."""

    __slots__ = ("_socket", "address", "fresh")

    def __init__(self, address: str, port: int, timeout: float) -> None:
        self.address = address
        self._socket = socket.create_connection((address, port), timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fresh = True

    def exchange(self, request: bytes, timeout: float) -> tuple[int, bytes, bool]:
        """Return status, body, and whether the connection can be used again.

        Raises TimeoutError, or OSError if the other side closed or broke the connection. `timeout` is for the whole
        response, so that a slow trickle of bytes ends too.
        """
        end = time.monotonic() + timeout
        self._socket.settimeout(timeout)
        self._socket.sendall(request)
        self.fresh = False
        response = _PartialResponse()
        parser = httptools.HttpResponseParser(response)
        while not response.done:
            data = self._receive(end)
            if not data:
                # Without a length and without chunks, it ends with the connection (RFC 9112, section 6.3).
                if parser.get_status_code() and not response.framed:
                    return parser.get_status_code(), response.body, False
                raise ConnectionError(
                    "closed in the middle of an answer" if response.size else "closed without an answer"
                )
            response.size += len(data)
            if response.size > MAX_RESPONSE:
                raise ConnectionError("an answer without end")
            try:
                parser.feed_data(data)
            except httptools.HttpParserError:
                raise ConnectionError("an answer that is no HTTP") from None
        reusable = response.framed and not response.closes and parser.get_http_version() == "1.1"
        return parser.get_status_code(), response.body, reusable

    def close(self) -> None:
        """Close the connection; harmless if it is closed already."""
        self._socket.close()

    def _receive(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket.recv(65_536)


def attempt(
    address: str, port: int, request: bytes, timeouts: Timeouts, idle: Connection | None = None
) -> tuple[AttemptResult, Connection | None]:
    """Make one attempt, by `idle` or a new connection; return the result, and the connection if it can be reused."""
    connection = idle
    try:
        if connection is None:
            connection = Connection(address, port, timeouts.connect)
    except TimeoutError:
        return AttemptResult("info", error="no connection in time"), None
    except OSError as error:
        return AttemptResult("fail", error=_brief(error)), None
    stale = not connection.fresh
    try:
        status, body, reusable = connection.exchange(request, timeouts.read)
    except TimeoutError:
        connection.close()
        return AttemptResult("info", error="no answer in time"), None
    except OSError as error:
        connection.close()
        return AttemptResult("fail", error=("kept, and " if stale else "") + _brief(error)), None
    if not reusable:
        connection.close()
    message = "" if status < 500 else f"status {status}"
    return AttemptResult(
        "ok" if status < 500 else "fail", status, _task_id(body), message
    ), connection if reusable else None


def _task_id(body: bytes) -> str:
    if b'"task"' not in body[:4_096]:
        return ""
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    return str(value.get("task") or "").rpartition("/")[2] if isinstance(value, dict) else ""


def _brief(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError):
        return "reset"
    return (error.strerror or str(error) or type(error).__name__).lower()
