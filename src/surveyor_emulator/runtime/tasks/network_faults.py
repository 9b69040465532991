"""Impairments of the network of tasks: black holes, loss and delay, without the privileges that netem would need.

What a black hole or loss drops, the kernel drops at the sockets of the task, by packet filters. Delay needs a proxy
before each listener. Sockets that a task opens later are found once in a while. Connections that a task opens to a
black hole are swallowed as they are opened, where its calls are decided (`borders`).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Literal

from .delaying_proxy import DelayingProxy, NetworkDelay
from .packet_filters import EVERYWHERE, FROM_MACHINE, DropRule, drop
from .socket_search import OpenSocket, find_sockets, share

__all__ = ["BlackHole", "Impairments", "Loss", "NetworkFaults"]

_SEARCH_EVERY = 0.5  # wall seconds


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Nothing passes a port: of the task (`ingress`), or of those that it calls (`egress`)."""

    way: Literal["ingress", "egress"]
    protocol: Literal["tcp", "udp"]
    port: int
    spared: Sequence[IPv4Network] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """That `share` (0 to 1) of the packets between a task and `peers` is lost, apart from `spared`."""

    share: float
    peers: Sequence[IPv4Network] = (EVERYWHERE,)
    spared: Sequence[IPv4Network] = ()


@dataclass(slots=True)
class Impairments:
    """What is wrong with the network of one task."""

    holes: list[BlackHole] = field(default_factory=list)
    loss: Loss | None = None
    delay: NetworkDelay | None = None


@dataclass(frozen=True, slots=True)
class _PlacedProxy:
    """A proxy, and what it was made for: a delay, and the listeners behind it."""

    key: tuple[NetworkDelay, frozenset[OpenSocket]]
    proxy: DelayingProxy


@dataclass(slots=True)
class _Impaired:
    """A task with impairments. `filtered`: its sockets that have a filter, and which."""

    impairments: Impairments
    filtered: dict[OpenSocket, tuple[DropRule, ...]] = field(default_factory=dict)
    proxies: dict[int, _PlacedProxy] = field(default_factory=dict)


class NetworkFaults:
    """Those of all tasks of a target. `hides`: whether this machine may not reach an address and port."""

    def __init__(self, random: Random, hides: Callable[[str, int], bool] = lambda address, port: False) -> None:
        self._random, self._hides = random, hides
        self._tasks: dict[str, _Impaired] = {}
        self._search: asyncio.Task[None] | None = None

    def impair(self, address: str, impairments: Impairments) -> None:
        """Have the network of the task at an address behave so from now on. Raises OSError if it cannot."""
        task = self._tasks.setdefault(address, _Impaired(impairments))
        task.impairments = impairments
        self._apply(address, task)
        if not (impairments.holes or impairments.loss or impairments.delay):
            del self._tasks[address]
        elif self._search is None or self._search.done():
            self._search = asyncio.get_running_loop().create_task(self._follow())

    def forget(self, address: str) -> None:
        """End what is wrong at an address that no task has any more."""
        task = self._tasks.pop(address, None)
        if task is not None:
            for placed in task.proxies.values():
                placed.proxy.abort()

    def swallows(self, source: str, address: str, port: int) -> bool:
        """Return whether a connection that a task opens gets no answer."""
        task = self._tasks.get(source)
        return task is not None and any(
            (hole.way, hole.protocol, hole.port) == ("egress", "tcp", port) and not _is_in(address, hole.spared)
            for hole in task.impairments.holes
        )

    def close(self) -> None:
        """End everything."""
        if self._search is not None:
            self._search.cancel()
        for address in list(self._tasks):
            self.forget(address)

    async def _follow(self) -> None:
        while self._tasks:
            await asyncio.sleep(_SEARCH_EVERY)
            for address, task in list(self._tasks.items()):
                with contextlib.suppress(OSError):  # a process has ended meanwhile; the next search sees it
                    self._apply(address, task)

    def _apply(self, address: str, task: _Impaired) -> None:
        found = find_sockets(address)
        rules = {each: tuple(_drop_rules(each, task.impairments)) for each in found}
        for gone in task.filtered.keys() - rules.keys():
            del task.filtered[gone]
        filtered = [each for each in found if task.filtered.get(each, ()) != rules[each]]
        ports = self._listeners(task, found)
        stale = [port for port, proxy in task.proxies.items() if proxy.key != (task.impairments.delay, ports.get(port))]
        for port in stale:
            task.proxies.pop(port).proxy.close()
        new = [port for port in ports if port not in task.proxies] if task.impairments.delay is not None else []
        with contextlib.ExitStack() as closing:
            shared = share({*filtered, *(each for port in new for each in ports[port])})
            for taken in shared.values():
                closing.callback(taken.close)
            for each in filtered:
                if each in shared:
                    hidden = [FROM_MACHINE] if each.listens and self._hides(address, each.port) else []
                    drop(shared[each], [*hidden, *rules[each]])
                    task.filtered[each] = rules[each]
            for port in new:
                self._delay(task, port, ports[port], shared)

    def _listeners(self, task: _Impaired, found: Sequence[OpenSocket]) -> dict[int, frozenset[OpenSocket]]:
        """Return the listeners of a task by port, without those of its proxies."""
        if task.impairments.delay is None:
            return {}
        own = {placed.proxy.inode for placed in task.proxies.values()}
        ports: dict[int, set[OpenSocket]] = {}
        for each in found:
            if each.listens and each.inode not in own:
                ports.setdefault(each.port, set()).add(each)
        return {port: frozenset(listeners) for port, listeners in ports.items()}

    def _delay(
        self,
        task: _Impaired,
        port: int,
        listeners: frozenset[OpenSocket],
        shared: Mapping[OpenSocket, socket.socket],
    ) -> None:
        delay, own = task.impairments.delay, [shared[each] for each in listeners if each in shared]
        if delay is not None and own:
            proxy = DelayingProxy(own, delay, self._random)
            task.proxies[port] = _PlacedProxy((delay, listeners), proxy)


def _drop_rules(each: OpenSocket, impairments: Impairments) -> Iterator[DropRule]:
    for hole in impairments.holes:
        port = each.port if hole.way == "ingress" else each.peer_port
        if (hole.protocol, hole.port) == (each.protocol, port):
            yield DropRule(spared=hole.spared)
    loss = impairments.loss
    if loss is not None:
        yield DropRule(loss.share, loss.peers, loss.spared)


def _is_in(address: str, networks: Sequence[IPv4Network]) -> bool:
    return any(IPv4Address(address) in network for network in networks)
