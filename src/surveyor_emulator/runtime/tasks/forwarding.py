"""Port mappings: connections to a port of the host are forwarded to a port of the container."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

from .packet_filters import drop_from_machine

__all__ = ["Forwarder", "forward"]

_READ_AT_ONCE = 64 * 1024


class Forwarder:
    """An open port mapping."""

    def __init__(self, server: asyncio.Server, connections: set[asyncio.Task[None]]) -> None:
        self._server = server
        self._connections = connections

    def close(self) -> None:
        """Stop forwarding, and close all connections."""
        self._server.close()
        for connection in self._connections:
            connection.cancel()


async def forward(address: str, port: int, to: str, to_port: int, *, for_machine: bool) -> Forwarder:
    """Listen at `address:port`, and forward connections to `to:to_port`. Raises OSError if it cannot listen.

    ``for_machine``: whether this machine reaches it, beside containers.
    """
    connections: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        # Either side may close at any moment; if the container does not listen, the connection is closed.
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
            inner_reader, inner_writer = await asyncio.open_connection(to, to_port, local_addr=(address, 0))
            with contextlib.closing(inner_writer):
                await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    server = await asyncio.start_server(accept, address, port, start_serving=False)
    if not for_machine:
        for listening in server.sockets:
            with socket.socket(fileno=os.dup(listening.fileno())) as own:
                drop_from_machine(own)
    await server.start_serving()
    return Forwarder(server, connections)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_READ_AT_ONCE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
