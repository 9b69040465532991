"""What a port mapping does: connections to a port of the host are passed on to a port of the container."""

from __future__ import annotations

import asyncio
import contextlib

__all__ = ["Forwarder", "forward"]

_AT_ONCE = 64 * 1024


class Forwarder:
    """One mapping while it holds."""

    def __init__(self, server: asyncio.Server, open_now: set[asyncio.Task[None]]) -> None:
        self._server = server
        self._open = open_now

    def close(self) -> None:
        """End it, with all connections."""
        self._server.close()
        for one in self._open:
            one.cancel()


async def forward(address: str, port: int, to: str, to_port: int) -> Forwarder:
    """Listen at `address:port`, and pass on what comes to `to:to_port`. Raises OSError where it cannot listen."""
    open_now: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        task.add_done_callback(open_now.discard)
        # Either side may end at any moment; where nobody listens inside, the connection ends, as a host's would.
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
            inner_reader, inner_writer = await asyncio.open_connection(to, to_port)
            with contextlib.closing(inner_writer):
                await asyncio.gather(_pass(reader, inner_writer), _pass(inner_reader, writer))

    return Forwarder(await asyncio.start_server(accept, address, port), open_now)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_AT_ONCE):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
