"""An address without a path to it, as a client sees it: connections are neither accepted nor refused.

The kernel drops what arrives at a listener whose queue is full.
"""

from __future__ import annotations

import contextlib
import socket

__all__ = ["Blackhole"]

QUEUED = 8  # more than enough: a queue of length 0 holds one or two


class Blackhole:
    """A listener that never accepts, with its queue filled."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket()
        self._listener.bind((address, 0))
        self._listener.listen(0)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._queued: list[socket.socket] = []
        for _ in range(QUEUED):
            connection = socket.socket()
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.connect(self.address)
            self._queued.append(connection)

    def close(self) -> None:
        """Stop listening: connections are refused from now on."""
        for open_socket in (*self._queued, self._listener):
            open_socket.close()
