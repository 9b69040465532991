"""DNS over TCP: each message follows two bytes of length, several messages on one connection (RFC 7766).

An idle connection is closed, and so is one whose peer does not read its answers. The limit protects the process, so it
is wall time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ipaddress import ip_address

from .responder import Responder

__all__ = ["TcpServer"]

IDLE_LIMIT = 10.0
_LENGTH_BYTES = 2


class TcpServer:
    """Answers queries at one bound and listening socket, which it closes in the end."""

    def __init__(self, listening: socket.socket, responder: Responder) -> None:
        self._responder = responder
        # The socket listens already: connections before the start of the server wait in its backlog.
        serving = asyncio.get_running_loop().create_task(self._serve(listening))
        serving.add_done_callback(lambda _: listening.close())
        self._tasks: set[asyncio.Task[None] | None] = {serving}

    def close(self) -> None:
        """Stop answering, and close every connection."""
        for task in self._tasks:
            if task is not None:
                task.cancel()

    async def _serve(self, listening: socket.socket) -> None:
        async with await asyncio.start_server(self._answer, sock=listening) as server:
            await server.serve_forever()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the queries of one connection, in the order of arrival."""
        task = asyncio.current_task()
        self._tasks.add(task)
        # The peer may close the connection at any moment.
        with contextlib.closing(writer), contextlib.suppress(EOFError, OSError):
            while True:
                async with asyncio.timeout(IDLE_LIMIT):
                    length = await reader.readexactly(_LENGTH_BYTES)
                    query = await reader.readexactly(int.from_bytes(length, "big"))
                    self._responder.refresh()
                    admit = self._responder.admit
                    if admit is not None and not admit(_host(writer)):
                        continue
                    found = self._responder.answer(query, stream=True)
                    reply = found if found is None or isinstance(found, bytes) else await found
                    if reply is not None:
                        writer.write(len(reply).to_bytes(_LENGTH_BYTES, "big") + reply)
                        await writer.drain()
        self._tasks.discard(task)


def _host(writer: asyncio.StreamWriter) -> bytes:
    """Return the address of a peer, in network order."""
    return ip_address(writer.get_extra_info("peername")[0].partition("%")[0]).packed
