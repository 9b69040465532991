"""DNS over UDP: a socket emptied in one go whenever it can be read.

asyncio's datagram endpoint makes a transport, a protocol call and a future of each packet, which costs four times as
much as the answer itself.
"""

from __future__ import annotations

import asyncio
import socket

from .batch import Batch
from .responder import Responder

__all__ = ["UdpServer"]

# How many queries in one go before others get their turn on the event loop; some milliseconds at most.
_BATCHES = 4
_QUERIES = 256
# A query is far shorter; of what is longer the rest is lost, and it is malformed then.
_LONGEST_QUERY = 1_024
# So that a burst waits in the kernel instead of being lost.
_RECEIVE_BUFFER = 1 << 20


class UdpServer:
    """Answers at one bound socket, which it owns from now on; without a batch, datagram by datagram."""

    def __init__(self, bound: socket.socket, responder: Responder, batch: Batch | None) -> None:
        self._socket = bound
        self._responder = responder
        self._batch = batch
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        asyncio.get_running_loop().add_reader(bound, self._drain)

    def close(self) -> None:
        """Stop answering."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _drain(self) -> None:
        self._responder.refresh()
        if self._batch is None:
            self._answer_singly()
            return
        descriptor = self._socket.fileno()
        for _ in range(_BATCHES):
            if not self._batch.answer(descriptor, self._responder):
                return

    def _answer_singly(self) -> None:
        responder = self._responder
        remembered, receive, send = responder.renderers.get, self._socket.recvfrom, self._socket.sendto
        for _ in range(_QUERIES):
            try:
                data, peer = receive(_LONGEST_QUERY)
            except OSError:
                # Nothing left, or an error that an earlier answer met on its way.
                return
            render = remembered(data[2:])
            reply = data[:2] + render() if render is not None else responder.answer(data)
            if reply is not None:
                try:
                    send(reply, peer)
                except OSError:
                    # A full buffer or a source that cannot be reached: lost, as UDP may lose anything.
                    continue
