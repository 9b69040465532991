"""DNS over TCP: messages behind two bytes of length, several on one connection (RFC 7766).

Connections are closed when they are idle or too many, and not read from while their peer does not take its answers.
These limits protect the process, so they are wall time.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from .responder import Responder

__all__ = ["TcpServer"]

IDLE_LIMIT = 10.0
CONNECTIONS = 150
_LENGTH = 2


class TcpServer:
    """Answers at one bound and listening socket, which it owns from now on."""

    def __init__(self, listening: socket.socket, responder: Responder) -> None:
        self._responder = responder
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._closed = False
        loop = asyncio.get_running_loop()
        # The socket listens already: who connects before the server has started waits in its backlog.
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
    """One client. ``peers`` are all connections of its server, this one included while it lasts."""

    def __init__(self, responder: Responder, peers: set[_Connection]) -> None:
        self._responder = responder
        self._peers = peers
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._blocked = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many already."""
        self._transport = cast(asyncio.Transport, transport)
        if len(self._peers) >= CONNECTIONS:
            self._transport.abort()
            return
        self._peers.add(self)
        self._restart_idle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything."""
        self._peers.discard(self)
        if self._idle is not None:
            self._idle.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every query that is whole by now, in the order in which they came."""
        self._received += data
        self._work()

    def pause_writing(self) -> None:
        """The peer is slow to take its answers: read no further queries."""
        self._blocked = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has taken them."""
        self._blocked = False
        if self._transport is not None:
            self._transport.resume_reading()
            self._work()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()

    def _work(self) -> None:
        """What has arrived while nothing could be written is kept: one read's worth at most."""
        self._responder.refresh()
        while self._can_answer() and len(self._received) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._received[:_LENGTH], "big")
            if len(self._received) < end:
                return
            query = bytes(self._received[_LENGTH:end])
            del self._received[:end]
            self._restart_idle()
            reply = self._responder.answer(query, stream=True)
            if reply is not None and self._transport is not None:
                self._transport.write(len(reply).to_bytes(_LENGTH, "big") + reply)

    def _can_answer(self) -> bool:
        return self._transport is not None and not self._transport.is_closing() and not self._blocked

    def _restart_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_LIMIT, self.abort)
