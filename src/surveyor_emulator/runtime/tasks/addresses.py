"""Loopback addresses: a block of them that no other target on this machine has, handed out in turn.

Each task has an address of its own, as a network interface gives it one on AWS. All of 127.0.0.0/8 answers on Linux;
where only 127.0.0.1 does, tasks share it, and two cannot listen on one port.
"""

from __future__ import annotations

import itertools
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address

__all__ = ["NAMES", "TASKS", "Addresses", "Exhausted", "Range"]

LOCK_PORT = 51_678  # the ECS container agent's own


@dataclass(frozen=True, slots=True)
class Range:
    """``blocks`` blocks of so many addresses, one after another."""

    first: IPv4Address
    block: int
    blocks: int


TASKS = Range(IPv4Address("127.16.0.0"), 4_096, 512)  # up to 127.47.255.255
NAMES = Range(IPv4Address("127.128.0.0"), 16_384, 500)  # up to 127.252.255.255
"""For the names that a task reaches others by through its proxy."""


class Exhausted(Exception):
    """No address is left."""


class Addresses:
    """One target's block, claimed with the first address by a socket, so that it is free when the target ends."""

    def __init__(self, within: Range) -> None:
        self._within = within
        self._lock: socket.socket | None = None
        self._first = 0
        self._next = itertools.cycle(range(2, within.block - 1))
        self._taken: set[str] = set()

    def take(self) -> str:
        """An address that nobody has, the longest unused first. Raises Exhausted."""
        if sys.platform != "linux":
            return "127.0.0.1"
        if self._lock is None:
            self._lock = self._claim()
        for number in itertools.islice(self._next, self._within.block):
            address = str(IPv4Address(self._first + number))
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise Exhausted(f"all {self._within.block - 3} addresses are taken")

    def give_back(self, address: str) -> None:
        """It is free again."""
        self._taken.discard(address)

    def close(self) -> None:
        """Let others have the block."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _claim(self) -> socket.socket:
        for number in range(self._within.blocks):
            self._first = int(self._within.first) + number * self._within.block
            lock = socket.socket()
            try:
                lock.bind((str(IPv4Address(self._first + 1)), LOCK_PORT))
                lock.listen(1)
            except OSError:
                lock.close()
            else:
                return lock
        raise Exhausted(f"all {self._within.blocks} blocks of addresses are taken by other targets on this machine")
