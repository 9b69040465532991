"""The sockets of an address, whichever process below this one has them, shared with this process (pidfd_getfd(2))."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Literal

from . import processes

__all__ = ["OpenSocket", "find_sockets", "share"]

_GET_DESCRIPTOR = 438  # pidfd_getfd
_LISTENING = 0x0A  # TCP_LISTEN
_TABLES: tuple[tuple[str, Literal["tcp", "udp"]], ...] = (
    ("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"),
)  # fmt: skip
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """A socket as the kernel lists it; ``inode`` is its number."""

    inode: int
    protocol: Literal["tcp", "udp"]
    port: int
    peer_port: int
    listens: bool


def find_sockets(address: str) -> list[OpenSocket]:
    """Return the sockets that are bound to an address of IPv4."""
    return [found for table, protocol in _TABLES for found in _read(table, protocol, IPv4Address(address))]


def share(sockets: Iterable[OpenSocket]) -> dict[OpenSocket, socket.socket]:
    """Return those that a process below this one has, shared with this process; close them after use."""
    missing = {f"socket:[{each.inode}]": each for each in sockets}
    found: dict[OpenSocket, socket.socket] = {}
    for process in processes.descendants([os.getpid()]) - {os.getpid()} if missing else ():
        with contextlib.suppress(OSError):  # the process has ended, or is not ours to look into
            for link in Path(f"/proc/{process}/fd").iterdir():
                with contextlib.suppress(OSError):
                    wanted = missing.get(str(link.readlink()))
                    if wanted is not None:
                        found[wanted] = _take(process, int(link.name))
                        del missing[f"socket:[{wanted.inode}]"]
        if not missing:
            break
    return found


def _take(process: int, number: int) -> socket.socket:
    handle = os.pidfd_open(process)
    try:
        taken = _libc.syscall(_GET_DESCRIPTOR, handle, number, 0)
        if taken < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        return socket.socket(fileno=taken)
    finally:
        os.close(handle)


def _read(table: str, protocol: Literal["tcp", "udp"], address: IPv4Address) -> Iterator[OpenSocket]:
    """Yield the sockets of a table of proc_pid_net(5) that have this local address."""
    try:
        lines = Path(f"/proc/self/net/{table}").read_text("ascii").splitlines()[1:]
    except OSError:
        return
    written = _written(address)
    for line in lines:
        fields = line.split()
        host, _, port = fields[1].partition(":")
        if host in written and fields[9] != "0":
            state = int(fields[3], 16)
            peer_port = int(fields[2].partition(":")[2], 16)
            yield OpenSocket(int(fields[9]), protocol, int(port, 16), peer_port, state == _LISTENING)


def _written(address: IPv4Address | IPv6Address) -> tuple[str, str]:
    """Return an address as the tables of IPv4 and of IPv6 have it: words of 32 bits in the order of this machine."""
    plain = int.from_bytes(address.packed, "little").to_bytes(4, "big").hex().upper()
    mapped = ip_address(f"::ffff:{address}").packed
    words = (mapped[at : at + 4][::-1].hex().upper() for at in range(0, 16, 4))
    return plain, "".join(words)
