"""DNS over UDP: whenever a socket is readable, all its waiting queries are answered.

asyncio's datagram endpoint needs a transport, a protocol call and a future for each packet, which costs four times as
much as the answer itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from .batch import DatagramBatch, Peer
from .responder import Later, Responder

__all__ = ["UdpServer"]

# Queries that are answered before control returns to the event loop; a few milliseconds at most.
_BATCHES = 4
_QUERIES = 256
# A query is far shorter; a longer one is truncated, and therefore malformed.
_MAX_QUERY_BYTES = 1_232
# Large enough that a burst waits in the kernel instead of being lost.
_RECEIVE_BUFFER = 1 << 20


class UdpServer:
    """Answers queries at one bound socket, which it closes in the end; without a batch, datagram by datagram."""

    def __init__(self, bound: socket.socket, responder: Responder, batch: DatagramBatch | None) -> None:
        self._socket = bound
        self._responder = responder
        self._batch = batch
        self._waiting: set[asyncio.Task[None]] = set()
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        asyncio.get_running_loop().add_reader(bound, self._answer_waiting)

    def close(self) -> None:
        """Stop answering."""
        for task in self._waiting:
            task.cancel()
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _answer_waiting(self) -> None:
        self._responder.refresh()
        if self._batch is None:
            self._answer_singly()
            return
        descriptor = self._socket.fileno()
        for _ in range(_BATCHES):
            if not self._batch.answer(descriptor, self._responder, self._answer_later):
                return

    def _answer_later(self, reply: Later, peer: Peer) -> None:
        task = asyncio.get_running_loop().create_task(self._send(reply, peer))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _send(self, reply: Later, peer: Peer) -> None:
        message = await reply
        with contextlib.suppress(OSError):  # it is lost, as UDP allows
            self._socket.sendto(message, peer)

    def _answer_singly(self) -> None:
        find_renderer, admit = self._responder.renderers.get, self._responder.admit
        # No query is left, an earlier answer was in vain, or this one is lost, as UDP allows.
        with contextlib.suppress(OSError):
            for _ in range(_QUERIES):
                data, peer = self._socket.recvfrom(_MAX_QUERY_BYTES)
                if admit is not None and not admit(socket.inet_pton(self._socket.family, peer[0])):
                    continue
                render = find_renderer(data[2:])
                reply = data[:2] + render() if render is not None else self._responder.answer(data)
                if reply is not None and not isinstance(reply, bytes):
                    self._answer_later(reply, peer)
                elif reply is not None:
                    self._socket.sendto(reply, peer)
