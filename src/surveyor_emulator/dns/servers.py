"""Where names are answered: one address for all name servers, and one for the resolver of each VPC that is asked for.

Resolvers share a port, each on a loopback address of its own, as each VPC has its resolver at the second address of its
network. Where the system answers on no other loopback address than 127.0.0.1, they get ports of their own instead.
"""

from __future__ import annotations

import itertools
import resource
import socket
from dataclasses import dataclass
from random import Random

from surveyor_emulator.aws.ec2 import vpcs
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.world import World

from .batch import Batch
from .responder import NameServer, Resolver, Responder
from .tcp import TcpServer
from .udp import UdpServer

__all__ = ["DnsServers"]

Address = tuple[str, int]
DNS_PORT = 53

_LOOPBACK = "127.0.0.1"
# 127.53.0.2, 127.53.1.2, …: the second octet goes up when the third is used up.
_FIRST_OCTET = 53
_PLACES = (128 - _FIRST_OCTET) * 256
_NAME_SERVERS = "127.53.0.1"
_BACKLOG = 128
# Two for each resolver, and whatever else the process needs; macOS allows no more than this.
_OPEN_FILES = 10_240
# A free TCP port may be taken for UDP.
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class _Place:
    """One address at which something answers."""

    address: Address
    udp: UdpServer
    tcp: TcpServer


class DnsServers:
    """All DNS servers of one world. They live on the event loop that ``start`` was called on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = Random(f"{world.settings.seed}/dns")
        self._resolvers: dict[tuple[str, VpcKey], _Place] = {}
        self._at_53: dict[tuple[str, VpcKey], _Place | None] = {}
        self._name_servers: _Place | None = None
        # Shared by all sockets of one address family: they are emptied one after another.
        self._batches: dict[int, Batch] = {}
        self._hosts = itertools.count()
        self._port = 0

    async def start(self, host: str, port: int) -> None:
        """Answer at ``host`` as the resolver of the default VPC; port 0 picks a free one. Raises OSError."""
        _allow_open_files()
        settings = self._world.settings
        default = next(vpc.id for vpc in vpcs(self._world, settings.account, settings.region).values())
        place = self._open(self._resolver(settings.account, VpcKey(default, settings.region)), host, port)
        self._resolvers[settings.account, VpcKey(default, settings.region)] = place
        self._port = place.address[1]
        self._name_servers = self._open_beside(NameServer(self._world, self._chance), _NAME_SERVERS)

    @property
    def name_servers(self) -> Address:
        """Where all public zones are answered for, with authority."""
        assert self._name_servers is not None, "the servers have not been started"
        return self._name_servers.address

    def resolver(self, account: str, region: str, vpc_id: str) -> Address:
        """Where a VPC's resolver answers: its private zones, and all public ones. From now on, if not before."""
        key = account, VpcKey(vpc_id, region)
        place = self._resolvers.get(key)
        if place is None:
            place = self._resolvers[key] = self._open_beside(self._resolver(*key), self._next_host())
        return place.address

    def resolver_at_53(self, account: str, region: str, vpc_id: str) -> str | None:
        """The address at which a VPC's resolver answers at port 53, from now on; None where that is not allowed."""
        key = account, VpcKey(vpc_id, region)
        if key not in self._at_53:
            self._at_53[key] = self._open_at_53(self._resolver(*key))
        place = self._at_53[key]
        return place.address[0] if place is not None else None

    def _open_at_53(self, responder: Responder) -> _Place | None:
        # Other targets on this machine pick among the same addresses.
        for _ in range(_ATTEMPTS):
            number = self._chance.randrange(_PLACES)
            try:
                return self._open(responder, f"127.{_FIRST_OCTET + number // 256}.{number % 256}.2", DNS_PORT)
            except PermissionError:
                return None
            except OSError:
                continue
        return None

    def close(self) -> None:
        """Stop answering everywhere."""
        at_53 = [place for place in self._at_53.values() if place is not None]
        places = [*at_53, *self._resolvers.values(), *([self._name_servers] if self._name_servers else [])]
        for place in places:
            place.udp.close()
            place.tcp.close()

    def _resolver(self, account: str, vpc: VpcKey) -> Resolver:
        return Resolver(self._world, self._chance, account, vpc)

    def _next_host(self) -> str:
        number = next(self._hosts) % _PLACES
        return f"127.{_FIRST_OCTET + number // 256}.{number % 256}.2"

    def _open_beside(self, responder: Responder, host: str) -> _Place:
        """At an address of its own on the shared port; failing that, on a port of its own."""
        try:
            return self._open(responder, host, self._port)
        except OSError:
            return self._open(responder, _LOOPBACK, 0)

    def _open(self, responder: Responder, host: str, port: int) -> _Place:
        udp, tcp = _bind(host, port)
        address = udp.getsockname()
        batch = self._batches.setdefault(udp.family, Batch(udp.family)) if Batch.available() else None
        return _Place((address[0], address[1]), UdpServer(udp, responder, batch), TcpServer(tcp, responder))


def _bind(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on one port."""
    for attempt in itertools.count(1):
        tcp = udp = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, port))
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.bind((host, tcp.getsockname()[1]))
            tcp.listen(_BACKLOG)
        except OSError:
            for opened in (tcp, udp):
                if opened is not None:
                    opened.close()
            if port or attempt == _ATTEMPTS:
                raise
            continue
        return udp, tcp
    raise AssertionError("unreachable")


def _allow_open_files() -> None:
    """Raise the soft limit, which is meant for programs that use select(), as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
