"""The HTTP server: one small asyncio protocol over llhttp (``httptools``).

A framework would cost four fifths of the request rate; this server only has to read a complete request within limits of
size and time, pass it to one function, and write responses in order.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httptools

from .message import Request, Response, encode

__all__ = ["Handler", "Limits", "serve", "serve_at"]

Handler = Callable[[Request], Response | Awaitable[Response]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits per connection: sizes in bytes, wall seconds to receive a request, and pipelined requests waiting."""

    target: int = 16 * 1024
    headers: int = 64 * 1024
    body: int = 4 * 1024 * 1024
    seconds: float = 30.0
    waiting: int = 100


async def serve(handler: Handler, host: str, port: int, limits: Limits | None = None) -> asyncio.Server:
    """Listen on ``host:port`` (0 picks a free one) and answer every request with ``handler``."""
    chosen = limits or Limits()
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Connection(handler, chosen), host, port, backlog=1024)


async def serve_at(handler: Handler, socket: Path) -> asyncio.Server:
    """Listen at a Unix domain socket."""
    chosen = Limits()
    loop = asyncio.get_running_loop()
    return await loop.create_unix_server(lambda: _Connection(handler, chosen), str(socket), backlog=1024)


class _TooLarge(Exception):
    """Raised when a size limit is exceeded; ``status`` is the response's status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


# The names of header lines in lower case. Clients send the same few names all the time: short ones are kept.
_FIELD_NAMES: dict[bytes, str] = {}


def _field_name(name: bytes) -> str:
    text = name.decode("latin-1").lower()
    if len(_FIELD_NAMES) < 500 and len(name) <= 50:
        _FIELD_NAMES[name] = text
    return text


class _Connection(asyncio.Protocol):
    """A client connection. The parser calls the ``on_…`` methods while it is fed."""

    def __init__(self, handler: Handler, limits: Limits) -> None:
        self._handler = handler
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[tuple[Request, bool]] = deque()
        self._pending: asyncio.Future[Response] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._ended = False
        self._fed = 0  # bytes of the latest data
        self._reset()

    def _reset(self) -> None:
        # The head of the next request is incomplete, and has at most this number of bytes so far.
        self._in_head = True
        self._head_bound = self._fed
        self._target = b""
        self._headers: dict[str, str] = {}
        self._size = 0
        self._body: list[bytes] = []

    # Callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
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
        if self._closing:
            return
        self._fed = len(data)
        self._head_bound += self._fed
        try:
            self._parser.feed_data(data)
            if self._in_head and self._head_bound > self._limits.headers:
                self._check_head()
        except httptools.HttpParserUpgrade:
            self._reject(400)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._reject(cause.status if isinstance(cause, _TooLarge) else 400)
        except _TooLarge as error:
            self._reject(error.status)
        else:
            if self._requests:
                self._process()

    def eof_received(self) -> bool:
        """Handle the end of the client's data: answer its requests, then close the connection."""
        self._ended = True
        return self._pending is not None

    # Callbacks of llhttp

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > self._limits.target:
            raise _TooLarge(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        try:
            key = _FIELD_NAMES[name]
        except KeyError:
            key = _field_name(name)
        text, headers = value.decode("latin-1"), self._headers
        # RFC 9110 5.3: several lines with the same name are one list.
        headers[key] = f"{headers[key]},{text}" if key in headers else text

    def on_headers_complete(self) -> None:
        if self._head_bound > self._limits.headers:
            self._check_head()
        self._in_head = False
        headers = self._headers
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limits.body:
            raise _TooLarge(413)
        if "expect" in headers and headers["expect"].lower() == "100-continue" and not self._requests:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self._limits.body:
            raise _TooLarge(413)
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._target == b"/":  # most requests to AWS: all of the JSON and query protocols
            path, query = "/", ""
        else:
            url = httptools.parse_url(self._target)  # absolute-form targets too
            path, query = (url.path or b"/").decode("latin-1"), (url.query or b"").decode("latin-1")
        parser, body = self._parser, self._body
        method = parser.get_method().decode("latin-1")
        request = Request(method, path, query, self._headers, body[0] if len(body) == 1 else b"".join(body))
        self._requests.append((request, parser.should_keep_alive()))
        self._reset()
        self._restart_deadline()

    def _check_head(self) -> None:
        """Raise _TooLarge if the header lines are too large; needed only if the data of the head is."""
        if sum(len(name) + len(value) for name, value in self._headers.items()) > self._limits.headers:
            raise _TooLarge(431)

    # Responses, in the order of the requests

    def _process(self) -> None:
        while self._requests and self._pending is None and not self._closing:
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
        if len(self._requests) > self._limits.waiting:
            self._reject(503)
        if self._ended and self._pending is None and not self._closing:
            self._close()

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
        self._transport.write(encode(response, keep_alive=keep_alive, head=request.method == "HEAD"))
        if not keep_alive:
            self._close()

    def _reject(self, status: int) -> None:
        if not self._closing:
            self._transport.write(encode(Response(status), keep_alive=False))
            self._close()

    def _close(self) -> None:
        self._closing = True
        self._transport.close()

    def _restart_deadline(self) -> None:
        """Move the deadline, at which an incomplete request or an idle connection is closed.

        The timer is not restarted with each request: it starts itself again if it ends before the deadline.
        """
        self._deadline = self._loop.time() + self._limits.seconds

    def _expire(self) -> None:
        if self._closing:
            return
        if self._pending is not None:  # the handler is slow, not the client
            self._restart_deadline()
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._expire)
        elif self._target or self._body:
            self._reject(408)
        else:
            self._close()
