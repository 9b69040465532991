"""One connection to one address, plain or with TLS, without hidden behaviour: no retry, no second address.

Plain sockets, which gevent makes cooperative where Locust runs.
"""

from __future__ import annotations

import socket
import ssl
import time

import httptools

__all__ = ["Connection"]

MAX_RESPONSE = 1 << 22
"""Bytes of a response."""

KEPT_BODY = 1 << 16
"""Bytes of its body that are kept."""


class _PartialResponse:
    """The part of a response that has arrived: httptools calls this as it parses."""

    __slots__ = ("bodiless", "body", "closes", "done", "framed", "kept", "size")

    def __init__(self, kept: int, *, bodiless: bool) -> None:
        self.kept, self.bodiless = kept, bodiless
        self.body, self.size = b"", 0
        self.closes = self.done = self.framed = False

    def on_message_begin(self) -> None:
        self.done = self.framed = False  # another one follows an interim response (RFC 9110, section 15.2)

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"connection":
            self.closes = value.lower() == b"close"
        self.framed = self.framed or name in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self.done = self.bodiless

    def on_body(self, data: bytes) -> None:
        if len(self.body) < self.kept:
            self.body += data

    def on_message_complete(self) -> None:
        self.done = True


class Connection:
    """A connection to one address. Raises OSError if it cannot be made in time.

    `context`, `name`: for TLS, and the name that the certificate must have.
    """

    __slots__ = ("_socket", "address", "fresh")

    def __init__(
        self, address: str, port: int, timeout: float, context: ssl.SSLContext | None = None, name: str = ""
    ) -> None:
        self.address = address
        end = time.monotonic() + timeout
        self._socket = socket.create_connection((address, port), timeout)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                self._socket.settimeout(max(end - time.monotonic(), 0.001))
                self._socket = context.wrap_socket(self._socket, server_hostname=name)
        except BaseException:
            self._socket.close()
            raise
        self.fresh = True

    def exchange(self, request: bytes, timeout: float, kept: int = KEPT_BODY) -> tuple[int, bytes, bool]:
        """Return status, the first `kept` bytes of the body or more, and whether the connection can be used again.

        Raises TimeoutError, or OSError if the other side closed or broke the connection. `timeout` is for the whole
        response, so that a slow trickle of bytes ends too.
        """
        end = time.monotonic() + timeout
        self._socket.settimeout(timeout)
        self._socket.sendall(request)
        self.fresh = False
        response = _PartialResponse(kept, bodiless=request.startswith(b"HEAD "))
        parser = httptools.HttpResponseParser(response)
        while not response.done or 100 <= parser.get_status_code() < 200:
            data = self._receive(end)
            if not data:
                # Without a length and without chunks, it ends with the connection (RFC 9112, section 6.3).
                if parser.get_status_code() >= 200 and not response.framed:
                    return parser.get_status_code(), response.body, False
                raise ConnectionError(
                    "closed in the middle of an answer" if response.size else "closed without an answer"
                )
            response.size += len(data)
            if response.size > MAX_RESPONSE:
                raise ConnectionError("an answer without end")
            try:
                parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                return parser.get_status_code(), response.body, False
            except httptools.HttpParserError:
                if response.done and parser.get_status_code() >= 200:  # what follows the answer belongs to nothing
                    return parser.get_status_code(), response.body, False
                raise ConnectionError("an answer that is no HTTP") from None
        framed = response.framed and not response.bodiless
        reusable = framed and not response.closes and parser.get_http_version() == "1.1"
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
