"""The HTTP server: one small asyncio protocol over llhttp (``httptools``).

A framework would cost four fifths of the request rate; this server only has to read a complete request within limits of
size and time, pass it to one function, and write responses in order.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET, socket
from typing import cast

import httptools

from .hosts import Hosts
from .message import CUT, Request, Response, encode

__all__ = ["Handler", "Limits", "serve", "serve_at"]

Handler = Callable[[Request], Response | Awaitable[Response]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per connection: sizes in bytes, and wall seconds to receive a request or to read a response."""

    target: int = 16 * 1024
    headers: int = 64 * 1024
    body: int = 4 * 1024 * 1024
    seconds: float = 30.0


async def serve(
    handler: Handler,
    host: str,
    port: int,
    limits: Limits | None = None,
    hosts: Hosts | None = None,
    listener: socket | None = None,
) -> asyncio.Server:
    """Listen on ``host:port`` (0 picks a free one) and answer requests for ``hosts`` with ``handler``.

    ``listener``: a socket that listens already, in place of host and port.
    """
    chosen, known = limits or Limits(), hosts or Hosts([host])
    loop = asyncio.get_running_loop()
    if listener is not None:
        return await loop.create_server(lambda: _Connection(handler, chosen, known), sock=listener, backlog=1024)
    return await loop.create_server(lambda: _Connection(handler, chosen, known), host, port, backlog=1024)


async def serve_at(handler: Handler, socket: Path) -> asyncio.Server:
    """Listen at a Unix domain socket, which no browser reaches: requests for any host are answered."""
    chosen, known = Limits(), _AnyHost()
    loop = asyncio.get_running_loop()
    return await loop.create_unix_server(lambda: _Connection(handler, chosen, known), str(socket), backlog=1024)


class _AnyHost(Hosts):
    def accept(self, header: str) -> bool:
        return True


class _Refusal(Exception):
    """Raised for a request that is not answered, and after which the connection is closed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


_MALFORMED = _Refusal(400, "expected a well-formed request of HTTP 1.1")
_TOO_LATE = _Refusal(408, "the request was not complete in time")
# Fields that are no lists (RFC 9110, 5.3): a second one would make it a matter of taste what the request says. The
# headers of AWS are no lists either.
_SINGLE = frozenset({"host", "authorization", "content-type", "origin", "sec-fetch-site", "smithy-protocol"})
_SINGLE_PREFIX = "x-amz-"


# The names of header lines in lower case. Clients send the same few names all the time: short ones are kept.
_FIELD_NAMES: dict[bytes, str] = {}


def _field_name(name: bytes) -> str:
    text = name.decode("latin-1").lower()
    if len(_FIELD_NAMES) < 500 and len(name) <= 50:
        _FIELD_NAMES[name] = text
    return text


class _Trailers(dict[str, str]):
    """Trailers are no headers (RFC 9110, 6.5.1), and none is read here: they are only counted, in bytes."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self._count = count

    def __setitem__(self, name: str, value: str) -> None:
        self._count(len(name) + len(value))


class _Connection(asyncio.Protocol):
    """A client connection. The parser calls the ``on_…`` methods while it is fed."""

    def __init__(self, handler: Handler, limits: Limits, hosts: Hosts) -> None:
        self._handler = handler
        self._limits = limits
        self._hosts = hosts
        self._accepted: Container[str | None] = hosts.accepted
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Request, bool]] = deque()
        self._pending: asyncio.Future[Response] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: _Refusal | None = None  # of the request after those that wait
        self._closing = False
        self._ended = False
        self._blocked = False  # the client does not read its responses
        self._waiting = False  # until a request is answered no others are read
        self._fed = 0  # bytes of the latest data
        self._reset()

    def _reset(self) -> None:
        # The head of the next request is incomplete, and has at most this number of bytes so far. Up to the second
        # number of them belong to earlier requests.
        self._in_head = True
        self._head_bound = self._head_spare = self._fed
        self._target = b""
        self._headers: dict[str, str] = {}
        self._size = 0  # bytes of the body and of trailers
        self._size_before, self._unread = -1, 0
        self._body: list[bytes] = []

    # Callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        self._loop = asyncio.get_running_loop()
        self._restart_deadline()
        self._timer = self._loop.call_at(self._deadline, self._expire)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self._pending is not None:
            self._pending.cancel()
        self._requests.clear()

    def data_received(self, data: bytes) -> None:
        if self._closing or self._refusal is not None:
            return
        self._fed = len(data)
        self._head_bound += self._fed
        rest: bytes | memoryview = data
        try:
            while True:
                try:
                    self._parser.feed_data(rest)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    self._ignore_upgrade()
                    rest = memoryview(rest)[upgrade.args[0] :]
            if not self._in_head:
                self._check_rest()
            elif self._head_bound > self._limits.headers:
                self._check_head(self._head_bound - self._head_spare - self._limits.target)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refusal = cause if isinstance(cause, _Refusal) else _MALFORMED
            self._process()
        except _Refusal as refusal:
            self._refusal = refusal
            self._process()
        else:
            if self._requests:
                self._process()

    def eof_received(self) -> bool:
        """Handle the end of the client's data: answer its requests, then close the connection."""
        self._ended = True
        return self._pending is not None or bool(self._requests)

    def pause_writing(self) -> None:
        """Stop answering, since the client does not read."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Answer the requests that waited until the client had read."""
        self._blocked = False
        self._restart_deadline()
        self._process()

    # Callbacks of llhttp

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._limits.target:
            raise _Refusal(414, f"expected a target of at most {self._limits.target} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        try:
            key = _FIELD_NAMES[name]
        except KeyError:
            key = _field_name(name)
        text, headers = value.decode("latin-1"), self._headers
        if key not in headers:
            headers[key] = text
        elif key in _SINGLE or key.startswith(_SINGLE_PREFIX):
            raise _Refusal(400, f"expected one header {key}, got several")
        else:  # RFC 9110 5.3: several lines with the same name are one list.
            headers[key] = f"{headers[key]},{text}"

    def on_headers_complete(self) -> None:
        if self._head_bound > self._limits.headers:
            self._check_head()
        self._in_head = False
        headers = self._request_headers = self._headers
        if "transfer-encoding" in headers:
            self._headers = _Trailers(self._count)
        if headers.get("host") not in self._accepted:
            self._check_host(headers.get("host"))
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limits.body:
            raise self._too_large()
        if "expect" in headers and headers["expect"].lower() == "100-continue" and not self._requests:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._count(len(body))
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._target == b"/":  # most requests to AWS: all of the JSON and query protocols
            path, query = "/", ""
        else:
            url = httptools.parse_url(self._target)  # absolute-form targets too
            if url.host is not None:  # it counts, not the Host header (RFC 9112, 3.2.2)
                self._check_host(_authority(url.host.decode("latin-1")))
            path, query = (url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")
        parser, body = self._parser, self._body
        method, keep_alive = parser.get_method().decode("latin-1"), parser.should_keep_alive()
        headers = self._request_headers
        if "upgrade" in headers and parser.should_upgrade():
            return  # the parser raises HttpParserUpgrade next
        if (not keep_alive or "connection" in headers) and parser.get_http_version() not in ("1.0", "1.1"):
            raise _Refusal(505, "expected version 1.1 of HTTP")
        if method == "CONNECT":
            raise _Refusal(400, "expected another method than CONNECT, since this is no proxy")
        request = Request(method, path, query, headers, body[0] if len(body) == 1 else b"".join(body), self._peer)
        self._requests.append((request, keep_alive))
        self._reset()
        self._restart_deadline()

    def _ignore_upgrade(self) -> None:
        """Read the head again without Upgrade, which a server may ignore (RFC 9110, 7.8).

        The parser would not read the body, which belongs to another protocol for it.
        """
        lines = [
            f"{name}: {text}\r\n" for name, text in self._request_headers.items() if name not in ("upgrade", "expect")
        ]
        method, version = self._parser.get_method().decode(), self._parser.get_http_version()
        head = f"{method} {self._target.decode('latin-1')} HTTP/{version}\r\n{''.join(lines)}\r\n"
        self._reset()
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(head.encode("latin-1"))

    def _check_head(self, received: int = 0) -> None:
        """Refuse header lines that are too large; ``received``: bytes of a head that is still incomplete."""
        limit = self._limits.headers
        if received > limit or sum(len(name) + len(value) for name, value in self._headers.items()) > limit:
            raise _Refusal(431, f"expected headers of at most {limit} bytes")

    def _check_rest(self) -> None:
        """Refuse a trailer or a chunk extension without an end, which the parser would keep or skip for ever."""
        self._unread = self._unread + self._fed if self._size == self._size_before else 0
        self._size_before = self._size
        if self._unread > self._limits.headers:
            raise _Refusal(431, f"expected trailers and chunk extensions of at most {self._limits.headers} bytes")

    def _check_host(self, host: str | None) -> None:
        if not host:
            raise _Refusal(400, "expected a Host header")
        if not self._hosts.accept(host):
            raise _Refusal(421, "this server answers for loopback addresses, localhost and what --host names only")

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._limits.body:
            raise self._too_large()

    def _too_large(self) -> _Refusal:
        return _Refusal(413, f"expected a body of at most {self._limits.body} bytes")

    # Responses, in the order of the requests

    def _process(self) -> None:
        """Answer what can be answered now. While a request has to wait, no others are read."""
        while self._requests and self._pending is None and not self._closing and not self._blocked:
            request, keep_alive = self._requests.popleft()
            try:
                result = self._handler(request)
            except Exception:  # the handler answers its own errors; any exception here is a defect, and is logged
                log.exception("no response to %s %s", request.method, request.path)
                result = Response(500, b"internal failure", {"Content-Type": "text/plain"})
            if isinstance(result, Response):
                self._write(result, request, keep_alive)
            else:
                self._pending = asyncio.ensure_future(result)
                self._pending.add_done_callback(functools.partial(self._finish, request, keep_alive))
        if self._closing:
            return
        if self._requests or self._blocked:
            self._waiting = True
            self._transport.pause_reading()
        elif self._pending is None:
            if self._refusal is not None:
                self._transport.write(encode(self._refusal.response, keep_alive=False))
                self._close()
            elif self._ended:
                self._close()
            elif self._waiting:
                self._waiting = False
                self._transport.resume_reading()

    def _finish(self, request: Request, keep_alive: bool, done: asyncio.Future[Response]) -> None:
        self._pending = None
        if done.cancelled() or self._closing:
            return
        error = done.exception()
        if error is not None:
            log.error("no response to %s %s", request.method, request.path, exc_info=error)
            self._write(Response(500, b"internal failure", {"Content-Type": "text/plain"}), request, keep_alive)
        else:
            self._write(done.result(), request, keep_alive)
        self._process()

    def _write(self, response: Response, request: Request, keep_alive: bool) -> None:
        if response is CUT:
            self._cut()
            return
        self._transport.write(encode(response, keep_alive=keep_alive, head=request.method == "HEAD"))
        if not keep_alive:
            self._close()

    def _cut(self) -> None:
        """Reset the connection: the client gets no answer and no orderly end."""
        self._closing = True
        self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _close(self) -> None:
        self._closing = True
        self._restart_deadline()
        self._transport.close()

    def _restart_deadline(self) -> None:
        """Move the deadline, at which a connection is closed whose client neither completes a request nor reads.

        The timer is not restarted with each request: it starts itself again if it ends before the deadline.
        """
        self._deadline = self._loop.time() + self._limits.seconds

    def _expire(self) -> None:
        if self._pending is not None:  # the handler is slow, not the client
            self._restart_deadline()
        if self._loop.time() < self._deadline:
            pass
        elif self._closing or self._blocked:
            self._transport.abort()
            return
        elif self._target or self._body:
            self._refusal = _TOO_LATE
            self._process()
        else:
            self._close()
        self._timer = self._loop.call_at(self._deadline, self._expire)


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host
