"""A proxy in the path to a listener: what passes is delayed, as by `tc netem delay` at the interface of a task.

It listens at the address of the listener itself: both have SO_REUSEPORT, and a packet filter gives new connections to
the proxy. Its own connections to the listener are marked by their type of service, and have the address of the client
as their source where this machine has that address.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from random import Random
from typing import Any

from .packet_filters import choose_listener

__all__ = ["DelayingProxy", "NetworkDelay"]

_MARK = 0x04  # a type of service that nothing else here sends
_DETACH = 68  # SO_DETACH_REUSEPORT_BPF
_READ_AT_ONCE = 64 * 1024
_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class NetworkDelay:
    """Wall seconds by which packets to ``peers`` other than ``spared`` are delayed, varied by up to ``jitter``."""

    seconds: float
    jitter: float
    peers: Sequence[IPv4Network]
    spared: Sequence[IPv4Network]


class DelayingProxy:
    """Delays the new connections to one listener of a task until it is closed."""

    def __init__(self, listeners: Sequence[socket.socket], delay: NetworkDelay, random: Random) -> None:
        """``listeners``: all that listen at the address, shared with this process. Raises OSError."""
        self._delay, self._random = delay, random
        self._tasks: set[asyncio.Task[None]] = set()
        self._address = listeners[0].getsockname()[:2]
        for listener in listeners:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._own = socket.socket(listeners[0].family)
        try:
            self._own.setblocking(False)
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):  # beside connections, and beside listeners
                self._own.setsockopt(socket.SOL_SOCKET, option, 1)
            self._own.bind(self._address)
            self._own.listen(_BACKLOG)
            choose_listener(self._own, len(listeners), delay.peers, delay.spared, _MARK)
        except OSError:
            self._own.close()
            raise
        self.inode = os.fstat(self._own.fileno()).st_ino
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Let new connections reach the listener again; those that are open stay, and are not delayed any more."""
        self._delay = replace(self._delay, seconds=0.0, jitter=0.0)
        self._accepting.cancel()
        with contextlib.suppress(OSError):
            self._own.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
        self._own.close()

    def abort(self) -> None:
        """End the connections that are left, too."""
        self.close()
        for task in self._tasks:
            task.cancel()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, peer = await loop.sock_accept(self._own)
            self._keep(self._carry(client, peer[0]))

    async def _carry(self, client: socket.socket, peer: str) -> None:
        # Either side may close at any moment.
        with contextlib.closing(client), contextlib.suppress(OSError):
            inner = await self._connect(peer)
            with contextlib.closing(inner):
                await asyncio.sleep(self._seconds())  # of the answer to the first packet
                await asyncio.gather(self._copy(client, inner, lambda: 0.0), self._copy(inner, client, self._seconds))

    async def _connect(self, peer: str) -> socket.socket:
        inner = socket.socket(self._own.family)
        inner.setblocking(False)
        try:
            inner.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _MARK)
            with contextlib.suppress(OSError):  # the client's address is not one of this machine
                inner.bind((peer, 0))
            await asyncio.get_running_loop().sock_connect(inner, self._address)
        except BaseException:
            inner.close()
            raise
        return inner

    async def _copy(self, source: socket.socket, sink: socket.socket, seconds: Callable[[], float]) -> None:
        """Pass on each piece that arrives after its delay, without holding up the next one."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=256)

        async def read() -> None:
            while data := await loop.sock_recv(source, _READ_AT_ONCE):
                await pieces.put((loop.time() + seconds(), data))
            await pieces.put((loop.time() + seconds(), b""))

        async def write() -> None:
            while True:
                due, data = await pieces.get()
                await asyncio.sleep(due - loop.time())
                if not data:
                    sink.shutdown(socket.SHUT_WR)
                    return
                await loop.sock_sendall(sink, data)

        await asyncio.gather(read(), write())

    def _seconds(self) -> float:
        varied = self._random.uniform(-self._delay.jitter, self._delay.jitter)
        return max(0.0, self._delay.seconds + varied)
