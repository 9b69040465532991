"""Loopback addresses for tasks: a block of them that no other target on this machine has, handed out in turn.

Each task has an address of its own, as a network interface gives it one on AWS. All of 127.0.0.0/8 answers on Linux;
where only 127.0.0.1 does, tasks share it, and two cannot listen on one port.
"""

from __future__ import annotations

import itertools
import socket
import sys
from ipaddress import IPv4Address

__all__ = ["Addresses", "Exhausted"]

LOCK_PORT = 51_678  # the ECS container agent's own
FIRST, BLOCK, BLOCKS = IPv4Address("127.16.0.0"), 4_096, 512  # up to 127.47.255.255


class Exhausted(Exception):
    """No address is left."""


class Addresses:
    """One target's block, claimed with the first address by a socket, so that it is free when the target ends."""

    def __init__(self) -> None:
        self._lock: socket.socket | None = None
        self._first = 0
        self._next = itertools.cycle(range(2, BLOCK - 1))
        self._taken: set[str] = set()

    def take(self) -> str:
        """An address that no task has, the longest unused first. Raises Exhausted."""
        if sys.platform != "linux":
            return "127.0.0.1"
        if self._lock is None:
            self._lock = self._claim()
        for number in itertools.islice(self._next, BLOCK):
            address = str(IPv4Address(self._first + number))
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise Exhausted(f"all {BLOCK - 3} addresses are taken")

    def give_back(self, address: str) -> None:
        """It is free again."""
        self._taken.discard(address)

    def close(self) -> None:
        """Let others have the block."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _claim(self) -> socket.socket:
        for number in range(BLOCKS):
            self._first = int(FIRST) + number * BLOCK
            lock = socket.socket()
            try:
                lock.bind((str(IPv4Address(self._first + 1)), LOCK_PORT))
                lock.listen(1)
            except OSError:
                lock.close()
            else:
                return lock
        raise Exhausted(f"all {BLOCKS} blocks of addresses are taken by other targets on this machine")
