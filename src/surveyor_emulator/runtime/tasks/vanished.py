"""Addresses of tasks that have ended and whose network interface is gone: calls are neither answered nor refused.

At each port of such an address a socket listens at which the kernel drops what arrives (`packet_filters`).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable

from .packet_filters import DropRule, drop

__all__ = ["VanishedAddresses"]

MAX_SOCKETS = 512
"""The longest gone ones are given up beyond that: calls to them are refused."""


class VanishedAddresses:
    """Those of one target, until a task has the address again."""

    def __init__(self) -> None:
        self._sockets: dict[str, list[socket.socket]] = {}

    def vanish(self, address: str, ports: Iterable[int]) -> None:
        """Let connections to these ports get no answer. A port that something else has by now is left out."""
        self.restore(address)
        opened = self._sockets[address] = []
        for port in ports:
            with contextlib.suppress(OSError):
                opened.append(_swallowing(address, port))
        while sum(map(len, self._sockets.values())) > MAX_SOCKETS and len(self._sockets) > 1:
            self.restore(next(iter(self._sockets)))

    def restore(self, address: str) -> None:
        """Let an address be used again."""
        for opened in self._sockets.pop(address, ()):
            opened.close()

    def close(self) -> None:
        """Close everything."""
        for address in list(self._sockets):
            self.restore(address)


def _swallowing(address: str, port: int) -> socket.socket:
    opened = socket.socket()
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        drop(opened, [DropRule()])
        opened.listen(0)
    except OSError:
        opened.close()
        raise
    return opened
