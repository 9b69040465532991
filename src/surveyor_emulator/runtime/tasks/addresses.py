"""Loopback addresses: each target claims a block that no other target on this machine has, and hands them out in turn.

Each task has its own address, as it has a network interface on AWS. All of 127.0.0.0/8 answers on Linux; where only
127.0.0.1 does, tasks share it, and two cannot listen on one port. In a sandbox, where every address is local, a target
claims single addresses of subnets.
"""

from __future__ import annotations

import itertools
import socket
import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

__all__ = ["IPV6_NAME", "NAMES", "TASKS", "AddressRange", "Addresses", "Exhausted", "source_towards"]

LOCK_PORT = 51_678  # the ECS container agent's own


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Adjacent blocks: ``blocks`` of them, each of ``block`` addresses, upwards or ``downwards`` from the first."""

    first: IPv4Address
    block: int
    blocks: int
    downwards: bool = False


TASKS = AddressRange(IPv4Address("127.16.0.0"), 4_096, 512)  # up to 127.47.255.255
NAMES = AddressRange(IPv4Address("127.255.0.0"), 16_384, 500, downwards=True)  # from 127.130.64.0 on
"""For the endpoints that a task reaches through its proxy. On AWS each task has 127.255.0.1 and on for itself; here the
tasks share a loopback, so that only the first one has just these addresses."""

IPV6_NAME = "2600:f0f0:0:0:0:0:0:{:x}"
"""The address of the same endpoint in IPv6, by its number in the task; nothing listens there here."""


def source_towards(address: str) -> IPv6Address | None:
    """Return from which address this machine would send to an IPv6 address; None if it has no route there."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # a datagram socket sends nothing
            return IPv6Address(probe.getsockname()[0])
    except OSError:
        return None


class Exhausted(Exception):
    """No address is left."""


class Addresses:
    """One target's block of addresses.

    The first call of `take` claims it with a listening socket, so that it is free again when the target ends.
    """

    def __init__(self, within: AddressRange) -> None:
        self._within = within
        self._lock: socket.socket | None = None
        self._first = 0
        self._next = itertools.cycle(range(1, within.block - 2))
        self._taken: set[str] = set()
        self._claimed: dict[str, socket.socket] = {}

    def take(self) -> str:
        """Return a free address, the one unused for longest first. Raises Exhausted."""
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

    def claim(self, address: str) -> bool:
        """Take an address of a subnet; return whether no target in this sandbox has it, and it can be bound."""
        lock = socket.socket()
        try:
            lock.bind((address, LOCK_PORT))  # it does not listen: a connection to this port is refused
        except OSError:
            lock.close()
            return False
        self._claimed[address] = lock
        return True

    def release(self, address: str) -> None:
        """Make an address free again."""
        self._taken.discard(address)
        if (lock := self._claimed.pop(address, None)) is not None:
            lock.close()

    def close(self) -> None:
        """Release the block, and what was claimed, for other targets."""
        for lock in filter(None, (self._lock, *self._claimed.values())):
            lock.close()
        self._lock = None
        self._claimed.clear()

    def _claim(self) -> socket.socket:
        for number in range(self._within.blocks):
            offset = number * self._within.block
            self._first = int(self._within.first) + (-offset if self._within.downwards else offset)
            lock = socket.socket()
            try:
                lock.bind((str(IPv4Address(self._first + self._within.block - 2)), LOCK_PORT))
                lock.listen(1)
            except OSError:
                lock.close()
            else:
                return lock
        raise Exhausted(f"all {self._within.blocks} blocks of addresses are taken by other targets on this machine")
