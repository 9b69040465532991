"""An address without a path to it, as a client sees it: connections are neither accepted nor refused.

The kernel drops what arrives at a listener whose queue is full.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

__all__ = ["Blackhole"]

QUEUED = 8  # more than enough: a queue of length 0 holds one or two


class Blackhole:
    """A listener that never accepts, with its queue filled; it is opened at an address that `take` returns."""

    def __init__(self, take: Callable[[], str]) -> None:
        self._take = take
        self._sockets: list[socket.socket] = []

    def address(self) -> tuple[str, int]:
        """Return address and port."""
        if not self._sockets:
            self._open()
        host, port = self._sockets[0].getsockname()
        return host, port

    def close(self) -> None:
        """Stop listening: connections are refused from now on."""
        for open_socket in reversed(self._sockets):
            open_socket.close()
        self._sockets.clear()

    def _open(self) -> None:
        listener = socket.socket()
        self._sockets.append(listener)
        listener.bind((self._take(), 0))
        listener.listen(0)
        for _ in range(QUEUED):
            connection = socket.socket()
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.connect(listener.getsockname())
            self._sockets.append(connection)
