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

__all__ = ["Answer", "Limits", "Outcome", "Wire", "attempt", "request_of"]

Outcome = Literal["ok", "fail", "info"]
"""An answer below 500; surely none, or one from 500 on; nobody knows, since no answer came in time."""

LARGEST = 1 << 22
_END = b"\r\n\r\n"


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


class Wire:
    """A connection to one address. Raises OSError where it cannot be made in time."""

    __slots__ = ("_buffer", "_socket", "address", "fresh")

    def __init__(self, address: str, port: int, within: float) -> None:
        self.address = address
        self._socket = socket.create_connection((address, port), within)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.fresh = True

    def exchange(self, request: bytes, within: float) -> tuple[int, bytes, bool]:
        """Status, body, and whether the connection may be used again.

        Raises TimeoutError, or OSError where the other side closed or broke it. `within` holds for the whole answer, so
        that one that drips in does not go on for ever.
        """
        end = time.monotonic() + within
        sock = self._socket
        sock.settimeout(within)
        sock.sendall(request)
        self.fresh = False
        data = self._buffer
        while (at := data.find(_END)) < 0:
            data += self._more(end, len(data))
        head, body = data[:at], data[at + 4 :]
        status = int(head[9:12]) if head[:5] == b"HTTP/" and head[9:12].isdigit() else 0
        if not status:
            raise ConnectionError("an answer that is no HTTP")
        lower = head.lower()
        length = _length(lower)
        if length is None:  # until it closes
            while True:
                try:
                    body += self._more(end, len(body))
                except ConnectionResetError:
                    raise
                except ConnectionError:
                    return status, body, False
        while len(body) < length:
            body += self._more(end, len(body))
        self._buffer = body[length:]
        return status, body[:length], b"connection: close" not in lower

    def close(self) -> None:
        """Harmless when it is closed already."""
        self._socket.close()

    def _more(self, end: float, so_far: int) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if so_far > LARGEST:
            raise ConnectionError("an answer without end")
        self._socket.settimeout(left)
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionError("closed without an answer" if not so_far else "closed in the middle of an answer")
        return data


def attempt(
    address: str, port: int, request: bytes, limits: Limits, kept: Wire | None = None
) -> tuple[Answer, Wire | None]:
    """One attempt: by `kept`, or by a new connection. What came, and the connection if it may be used again."""
    wire = kept
    try:
        if wire is None:
            wire = Wire(address, port, limits.connect)
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


def _length(head: bytes) -> int | None:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return None
    text = head[at + 17 : head.find(b"\r\n", at + 2) if head.find(b"\r\n", at + 2) > 0 else len(head)].strip()
    if not text.isdigit():
        raise ConnectionError("an answer whose length is no number")
    return int(text)


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
