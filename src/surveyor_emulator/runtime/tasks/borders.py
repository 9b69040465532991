"""Which TCP connections of containers pass, and which of this machine reach them.

Each container acts as an address. What it connects to a task, a load balancer or a host is decided by `TrafficRules`.
What does not pass is swallowed, as packets are that no rule admits: the caller waits until its time-out. What passes
has the address of the container as its source. Connections from this machine are dropped by a packet filter at each
socket with which a container listens, so that they are swallowed too; without a listener they are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from surveyor_emulator.core.world import TrafficRules

from . import traps
from .packet_filters import drop_from_machine

__all__ = ["Borders"]

_MACHINE = IPv4Address("127.0.0.1")
_BIND_LATE = 24  # IP_BIND_ADDRESS_NO_PORT: the port is chosen when it connects


class Borders:
    """Answers the calls of all containers of a target.

    `rules`: None if everything passes; `swallowing` is an address where nothing is accepted. `is_faulty`: whether an
    injected fault swallows the connection from a source to an address and port.
    """

    def __init__(
        self,
        rules: TrafficRules | None,
        swallowing: Callable[[], tuple[str, int]],
        is_faulty: Callable[[str, str, int], bool] = lambda source, address, port: False,
    ) -> None:
        self._rules, self._swallowing, self._is_faulty = rules, swallowing, is_faulty
        self._listeners: set[int] = set()

    @property
    def decide_traffic(self) -> bool:
        """Return whether anything is decided apart from injected faults."""
        return self._rules is not None

    def guard(self, listener: int, source: str) -> None:
        """Answer the calls of one container, which acts as `source`, until it has ended."""
        self._listeners.add(listener)
        asyncio.get_running_loop().add_reader(listener, self._answer, listener, source)

    def close(self) -> None:
        """Answer no more calls: they fail."""
        for listener in list(self._listeners):
            self._end(listener)

    def _end(self, listener: int) -> None:
        self._listeners.discard(listener)
        asyncio.get_running_loop().remove_reader(listener)
        os.close(listener)

    def _answer(self, listener: int, source: str) -> None:
        try:
            trapped = traps.receive(listener)
        except EOFError:
            self._end(listener)
            return
        if trapped is None:
            return
        number = 0
        # The process may have ended, or the call is one that the kernel refuses: then the kernel answers.
        with contextlib.suppress(OSError), traps.socket_of(trapped) as shared:
            if shared.type == socket.SOCK_STREAM and shared.family in (socket.AF_INET, socket.AF_INET6):
                if trapped.call == "listen":
                    self._prepare_listener(shared)
                else:
                    number = self._prepare_connection(shared, traps.written_at(trapped), source)
        if number:
            traps.refuse(listener, trapped, number)
        else:
            traps.let_pass(listener, trapped)

    def _prepare_listener(self, shared: socket.socket) -> None:
        if self._rules is None:
            return
        address, port = shared.getsockname()[:2]
        own = _plain(address)
        if own is None or not (own.is_unspecified or self._rules.is_known(str(own))):
            return
        if not self._rules.admits_machine(str(own), port):
            drop_from_machine(shared)

    def _prepare_connection(self, shared: socket.socket, written: bytes, source: str) -> int:
        """Return the error number that the call fails with, 0 to let it pass."""
        found = _destination(written)
        if found is None:
            return 0
        address, port = found
        if self._is_faulty(source, str(address), port):
            return self._swallow(shared)
        if self._rules is None:
            if address != _MACHINE and (address.is_loopback or _is_in_subnet(source)):
                _bind(shared, source)  # so that faults of the task's network find the connection
            return 0
        is_endpoint = self._rules.is_endpoint(str(address), port)
        if not is_endpoint and not self._rules.is_known(str(address)):
            return 0
        if is_endpoint or self._rules.admits(source, str(address), port):
            _bind(shared, source)
            return 0
        return self._swallow(shared)

    def _swallow(self, shared: socket.socket) -> int:
        """Connect to where nothing answers; the process then waits for that connection, however it waits."""
        waits = os.get_blocking(shared.fileno())
        os.set_blocking(shared.fileno(), False)
        address, port = self._swallowing()
        own = f"::ffff:{address}" if shared.family == socket.AF_INET6 else address
        try:
            result = shared.connect_ex((own, port))
        finally:
            os.set_blocking(shared.fileno(), waits)
        if result not in (errno.EINPROGRESS, errno.EALREADY):
            return result
        return 0 if waits else result


def _is_in_subnet(source: str) -> bool:
    """Return whether a task has an address of its subnet: then it is in a sandbox, where all addresses are local."""
    return not ip_address(source).is_loopback


def _bind(shared: socket.socket, source: str) -> None:
    """Give a socket its source, unless the program has done so, or uses it already."""
    if shared.getsockname()[1]:
        return
    with contextlib.suppress(OSError):
        shared.setsockopt(socket.SOL_IP, _BIND_LATE, 1)
        shared.bind((f"::ffff:{source}" if shared.family == socket.AF_INET6 else source, 0))


def _destination(written: bytes) -> tuple[IPv4Address, int] | None:
    """Return address and port of a struct sockaddr; None if it is not of IPv4."""
    if len(written) < 8:
        return None
    family, port = int.from_bytes(written[:2], sys.byteorder), int.from_bytes(written[2:4], "big")
    if family == socket.AF_INET:
        return IPv4Address(written[4:8]), port
    if family == socket.AF_INET6 and len(written) >= 24:
        mapped = IPv6Address(written[8:24]).ipv4_mapped
        return (mapped, port) if mapped is not None else None
    return None


def _plain(address: str) -> IPv4Address | None:
    """Return an address of IPv4, or what stands for it in IPv6; None for another."""
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        return IPv4Address(0) if parsed.is_unspecified else parsed.ipv4_mapped
    return parsed
