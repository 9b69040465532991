"""Open the DNS servers: one address for all name servers, and one for the resolver of each VPC that is requested.

Resolvers share a port, each on a separate loopback address, as each VPC has its resolver at the second address of its
network. If the system has no other loopback address than 127.0.0.1, each resolver has a separate port instead.
"""

from __future__ import annotations

import contextlib
import itertools
import resource
import socket
from dataclasses import dataclass
from ipaddress import IPv4Network
from random import Random

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.http import usable_address
from surveyor_emulator.core.world import World

from .batch import DatagramBatch
from .forwarding import QuestionForwarder
from .interception import BlockedServer, InterceptedServer
from .responder import NameServer, Resolver, Responder
from .tcp import TcpServer
from .udp import UdpServer

__all__ = ["DnsServers"]

Address = tuple[str, int]
DNS_PORT = 53

_LOOPBACK = "127.0.0.1"
# 127.53.0.2, 127.53.1.2, …: the second octet rises after 256 values of the third.
_FIRST_OCTET = 53
_HOST_NUMBERS = (128 - _FIRST_OCTET) * 256
_NAME_SERVERS = "127.53.0.1"
_PUBLIC = "198.51.100.{}"  # addresses for documentation (RFC 5737): none is in use anywhere
_PUBLIC_ADDRESSES = 255
_BACKLOG = 128
# Two for each resolver, and those that the rest of the process needs; macOS allows no more than this.
_OPEN_FILES = 10_240
# A port that is free for TCP may be in use for UDP.
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One address, and the servers that answer at it."""

    address: Address
    udp: UdpServer
    tcp: TcpServer

    def close(self) -> None:
        """Stop answering."""
        self.udp.close()
        self.tcp.close()


class DnsServers:
    """All DNS servers of one world. They live on the event loop that ``start`` was called on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._generator = Random(f"{world.settings.seed}/dns")
        self._resolvers: dict[tuple[str, VpcKey], _Endpoint] = {}
        self._endpoints_at_53: dict[tuple[str, VpcKey], _Endpoint | None] = {}
        self._name_servers: _Endpoint | None = None
        # Shared by all sockets of one address family, which are read one after another.
        self._batches: dict[int, DatagramBatch] = {}
        self._hosts = itertools.count()
        self._port = 0
        self._inbound: dict[Address, _Endpoint] = {}
        self._forwarder = QuestionForwarder(self._generator)

    async def start(self, host: str, port: int) -> None:
        """Answer at ``host`` as the resolver of the default VPC; port 0 picks a free port. Raise OSError.

        Without a default VPC that resolver refuses all questions.
        """
        _allow_open_files()
        settings = self._world.settings
        default = next(iter(vpcs_of(self._world, settings.account, settings.region)), "")
        endpoint = self._open(self._resolver(settings.account, VpcKey(default, settings.region)), host, port)
        self._resolvers[settings.account, VpcKey(default, settings.region)] = endpoint
        self._port = endpoint.address[1]
        kind = {"open": NameServer, "blocked": BlockedServer, "intercepted": InterceptedServer}[settings.dns_path]
        self._name_servers = self._open_name_servers(kind(self._world, self._generator))

    @property
    def name_servers(self) -> Address:
        """Return the address of the authoritative name servers of all public zones."""
        assert self._name_servers is not None, "the servers have not been started"
        return self._name_servers.address

    def resolver(self, account: str, region: str, vpc_id: str) -> Address:
        """Return the address of a VPC's resolver, which is started if necessary: private zones, and all public ones."""
        key = account, VpcKey(vpc_id, region)
        endpoint = self._resolvers.get(key)
        if endpoint is None:
            endpoint = self._resolvers[key] = self._open_on_shared_port(self._resolver(*key), self._next_host())
        return endpoint.address

    def resolver_at_53(self, account: str, region: str, vpc_id: str) -> str | None:
        """Return the host at which a VPC's resolver answers on port 53, starting it if necessary.

        None if this process must not use port 53.
        """
        key = account, VpcKey(vpc_id, region)
        if key not in self._endpoints_at_53:
            self._endpoints_at_53[key] = self._open_at_53(key)
        endpoint = self._endpoints_at_53[key]
        return endpoint.address[0] if endpoint is not None else None

    def _open_at_53(self, key: tuple[str, VpcKey]) -> _Endpoint | None:
        # Other targets on this machine pick from the same addresses, and other accounts have the same networks.
        numbers = (self._generator.randrange(_HOST_NUMBERS) for _ in range(_ATTEMPTS))
        for host in (*self._second_address(key), *(f"127.{_FIRST_OCTET + n // 256}.{n % 256}.2" for n in numbers)):
            try:
                return self._open(self._resolver(*key), host, DNS_PORT)
            except PermissionError:
                return None
            except OSError:
                continue
        return None

    def _second_address(self, key: tuple[str, VpcKey]) -> list[str]:
        """Return where the resolver of a VPC is on AWS (VPC User Guide, "Amazon DNS server"), if it can be there."""
        account, vpc = key
        found = vpcs_of(self._world, account, vpc.region).get(vpc.id)
        is_sandbox = self._world.settings.task_addresses == "subnet"
        return [str(IPv4Network(found.cidr)[2])] if found is not None and is_sandbox else []

    def open_inbound(self, account: str, region: str, vpc_id: str, ip: str) -> Address:
        """Answer at an address of an inbound endpoint as the resolver of its VPC; return where that is.

        In a sandbox it is the address itself with port 53, elsewhere one of this machine with the shared port.
        """
        responder = self._resolver(account, VpcKey(vpc_id, region), limited=False)
        try:
            is_sandbox = self._world.settings.task_addresses == "subnet"
            endpoint = self._open(responder, ip, DNS_PORT) if is_sandbox else None
        except OSError:
            endpoint = None
        endpoint = endpoint or self._open_on_shared_port(responder, self._next_host())
        self._inbound[endpoint.address] = endpoint
        return endpoint.address

    def close_inbound(self, address: Address) -> None:
        """Stop answering at an address of an inbound endpoint."""
        self._inbound.pop(address).close()

    def _open_name_servers(self, responder: Responder) -> _Endpoint:
        """Answer for public zones: in a sandbox at a public address and port 53, as on AWS, which tasks may ask."""
        if self._world.settings.task_addresses == "subnet":
            for number in range(1, _PUBLIC_ADDRESSES):
                with contextlib.suppress(OSError):  # another target in this sandbox has it
                    return self._open(responder, _PUBLIC.format(number), DNS_PORT)
        return self._open_on_shared_port(responder, _NAME_SERVERS)

    def close(self) -> None:
        """Stop answering everywhere."""
        self._forwarder.close()
        endpoints_at_53 = [endpoint for endpoint in self._endpoints_at_53.values() if endpoint is not None]
        endpoints = [*endpoints_at_53, *self._resolvers.values(), *self._inbound.values()]
        for endpoint in (*endpoints, *([self._name_servers] if self._name_servers else [])):
            endpoint.close()

    def _resolver(self, account: str, vpc: VpcKey, *, limited: bool = True) -> Resolver:
        return Resolver(self._world, self._generator, account, vpc, self._forwarder, limited=limited)

    def _next_host(self) -> str:
        number = next(self._hosts) % _HOST_NUMBERS
        return f"127.{_FIRST_OCTET + number // 256}.{number % 256}.2"

    def _open_on_shared_port(self, responder: Responder, host: str) -> _Endpoint:
        """Open a separate address on the shared port; if that fails, a separate port."""
        try:
            return self._open(responder, host, self._port)
        except OSError:
            return self._open(responder, _LOOPBACK, 0)

    def _open(self, responder: Responder, host: str, port: int) -> _Endpoint:
        udp, tcp = _bind(host, port)
        host, port = udp.getsockname()[:2]
        batch = self._batches.setdefault(udp.family, DatagramBatch(udp.family)) if DatagramBatch.available() else None
        return _Endpoint((usable_address(host), port), UdpServer(udp, responder, batch), TcpServer(tcp, responder))


def _bind(host: str, port: int, tries_left: int = _ATTEMPTS) -> tuple[socket.socket, socket.socket]:
    """Return a UDP socket and a listening TCP socket on one port; if that is 0, on any that is free for both."""
    family = socket.getaddrinfo(host, None)[0][0]
    with contextlib.ExitStack() as on_error:
        tcp = on_error.enter_context(socket.socket(family, socket.SOCK_STREAM))
        udp = on_error.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((host, port))
        try:
            udp.bind((host, tcp.getsockname()[1]))
            tcp.listen(_BACKLOG)
        except OSError:
            if port or not tries_left:
                raise
            return _bind(host, 0, tries_left - 1)
        on_error.pop_all()
    return udp, tcp


def _allow_open_files() -> None:
    """Raise the soft limit of open files, which is low for programs that use select(), as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
