"""DNS over TCP: each message follows two bytes of length, several messages on one connection (RFC 7766).

Idle connections and those beyond the limit are closed, and a connection is not read while its peer does not read its
answers. These limits protect the process, so they are wall time.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from .responder import Responder

__all__ = ["TcpServer"]

IDLE_LIMIT = 10.0
MAX_CONNECTIONS = 150
_LENGTH_BYTES = 2


class TcpServer:
    """Answers queries at one bound and listening socket, which it closes in the end."""

    def __init__(self, listening: socket.socket, responder: Responder) -> None:
        self._responder = responder
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._closed = False
        loop = asyncio.get_running_loop()
        # The socket listens already: connections before the start of the server wait in its backlog.
        self._starting = loop.create_task(self._start(listening))

    def close(self) -> None:
        """Stop answering, and close every connection."""
        self._closed = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()

    async def _start(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, sock=listening)
        if self._closed:
            self._server.close()

    def _accept(self) -> asyncio.Protocol:
        return _Connection(self._responder, self._connections)


class _Connection(asyncio.Protocol):
    """The connection of one client. ``connections`` are all open connections of its server, including this one."""

    def __init__(self, responder: Responder, connections: set[_Connection]) -> None:
        self._responder = responder
        self._connections = connections
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, unless there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._connections) >= MAX_CONNECTIONS:
            self._transport.abort()
            return
        self._connections.add(self)
        self._restart_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from its server."""
        self._connections.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every complete query, in the order of arrival."""
        self._received += data
        self._answer_received()

    def pause_writing(self) -> None:
        """Stop reading queries while the peer does not read its answers."""
        self._blocked = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Read queries again when the peer has read its answers."""
        self._blocked = False
        if self._transport is not None:
            self._transport.resume_reading()
            self._answer_received()

    def abort(self) -> None:
        """Close the connection immediately."""
        if self._transport is not None:
            self._transport.abort()

    def _answer_received(self) -> None:
        """Answer the complete queries in the buffer; queries that cannot be answered yet stay, at most one read."""
        self._responder.refresh()
        while self._can_answer() and len(self._received) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES], "big")
            if len(self._received) < end:
                return
            query = bytes(self._received[_LENGTH_BYTES:end])
            del self._received[:end]
            self._restart_idle()
            reply = self._responder.answer(query, stream=True)
            if reply is not None and self._transport is not None:
                self._transport.write(len(reply).to_bytes(_LENGTH_BYTES, "big") + reply)

    def _can_answer(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and not self._blocked

    def _restart_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_LIMIT, self.abort)
