"""A place that no path leads to, as a client sees it: connections to it are neither taken nor refused.

The kernel drops what comes to a listener whose queue is full.
"""

from __future__ import annotations

import contextlib
import socket

__all__ = ["Nowhere"]

ENOUGH = 8  # a queue of length 0 holds one or two


class Nowhere:
    """A listener that nobody serves, with its queue filled."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket()
        self._listener.bind((address, 0))
        self._listener.listen(0)
        self.place: tuple[str, int] = self._listener.getsockname()
        self._waiting: list[socket.socket] = []
        for _ in range(ENOUGH):
            one = socket.socket()
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(self.place)
            self._waiting.append(one)

    def close(self) -> None:
        """Let it be an address like any other."""
        for one in (*self._waiting, self._listener):
            one.close()
