"""The DNS servers listen at the expected addresses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.world import World
from surveyor_emulator.dns import DnsServers, servers

Serving = Callable[[Callable[[DnsServers], Awaitable[None]]], None]
OTHER = "222222222222"


async def code(address: tuple[str, int], name: str) -> str:
    """Return the rcode of the answer to a question, which is the same over UDP and TCP."""
    query = dns.message.make_query(name, "A")
    by_udp = await dns.asyncquery.udp(query, address[0], 5, address[1])
    by_tcp = await dns.asyncquery.tcp(query, address[0], 5, address[1])
    assert by_udp.rcode() == by_tcp.rcode()
    return dns.rcode.to_text(by_udp.rcode())


def test_every_vpc_has_a_separate_resolver(world: World, serving: Serving) -> None:
    """It answers for the private zones of its VPC only; a second request returns the same resolver."""

    async def work(running: DnsServers) -> None:
        settings = world.settings
        vpc = next(iter(vpcs_of(world, settings.account, settings.region)))
        other = next(iter(vpcs_of(world, OTHER, settings.region)))
        first = running.resolver(settings.account, settings.region, vpc)
        second = running.resolver(OTHER, settings.region, other)
        assert len({first, second, running.name_servers}) == 3
        assert running.resolver(OTHER, settings.region, other) == second
        assert [await code(address, "one.corp.internal") for address in (first, second, running.name_servers)] == [
            "NOERROR",
            "REFUSED",
            "REFUSED",
        ]
        assert [await code(address, "one.example.com") for address in (first, second, running.name_servers)] == [
            "NOERROR"
        ] * 3
        zones = published_zones(world)
        zone = zones.get("ZPRIVATE")
        assert zone is not None
        zones.put(replace(zone.zone, vpcs=(*zone.zone.vpcs, VpcKey(other, settings.region))))
        assert await code(second, "one.corp.internal") == "NOERROR"

    serving(work)


def test_resolvers_share_a_port(world: World, serving: Serving) -> None:
    """Each has a separate loopback address; the default VPC's is the address of the start."""

    async def work(running: DnsServers) -> None:
        settings = world.settings
        default = next(iter(vpcs_of(world, settings.account, settings.region)))
        main = running.resolver(settings.account, settings.region, default)
        assert main[0] == "127.0.0.1"
        others = [
            running.resolver(account, settings.region, next(iter(vpcs_of(world, account, settings.region))))
            for account in ("333333333333", "444444444444")
        ]
        assert {port for _, port in [main, *others, running.name_servers]} == {main[1]}
        assert len({host for host, _ in [main, *others, running.name_servers]}) == 4

    serving(work)


def test_without_further_loopback_addresses_ports_differ(
    world: World, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system that only has 127.0.0.1, resolvers have separate ports."""
    bind = servers._bind

    def only_one(host: str, port: int) -> tuple[socket.socket, socket.socket]:
        if host != "127.0.0.1":
            raise OSError("cannot assign requested address")
        return bind(host, port)

    monkeypatch.setattr(servers, "_bind", only_one)

    async def work(running: DnsServers) -> None:
        other = next(iter(vpcs_of(world, OTHER, world.settings.region)))
        address = running.resolver(OTHER, world.settings.region, other)
        assert {address[0], running.name_servers[0]} == {"127.0.0.1"}
        assert address[1] != running.name_servers[1]
        assert await code(address, "one.example.com") == "NOERROR"

    serving(work)


def test_a_taken_port_is_an_error(world: World) -> None:
    """Starting on a port that is in use raises OSError."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            servers._bind("127.0.0.1", taken.getsockname()[1])


def test_closed_servers_answer_nothing(world: World) -> None:
    """New connections are refused, and open connections are closed."""

    async def main() -> None:
        running = DnsServers(world)
        await running.start("127.0.0.1", 0)
        host, port = running.name_servers
        query = dns.message.make_query("one.example.com", "A").to_wire()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(len(query).to_bytes(2, "big") + query)
        assert await reader.readexactly(2)
        running.close()
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, port)

    asyncio.run(main())
