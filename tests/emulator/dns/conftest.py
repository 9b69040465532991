"""Fixtures: a world with two zones, and DNS servers that answer for them during a test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.record_model import RecordSet
from surveyor_emulator.aws.route53.state import HostedZone, VpcKey
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.dns import DnsServers

SOA_VALUE = "ns-0.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"


def zone(world: World, identity: str, name: str, *vpc_keys: VpcKey) -> None:
    """Add a zone to the name servers without propagation delay, with its SOA and a few records."""
    zones = published_zones(world)
    zones.put(HostedZone(identity, name, "000000000000", identity, None, ("ns-0.awsdns-00.com.",), 900, vpc_keys))
    records = [RecordSet(name, "SOA", 900, (SOA_VALUE,)), RecordSet(f"one.{name}", "A", 60, ("192.0.2.1",))]
    records += [
        RecordSet(f"{group}.{name}", "A", 60, (f"10.0.{n // 250}.{n % 250 + 1}",), str(n), multivalue=True)
        for group, size in (("three", 3), ("eight", 8), ("many", 300))
        for n in range(size)
    ]
    records += [RecordSet(f"weighted.{name}", "A", 60, (f"10.1.0.{n}",), str(n), weight=n) for n in (1, 2, 3)]
    records += [RecordSet(f"long.{name}", "TXT", 60, tuple(f'"{n}{"x" * 200}"' for n in range(10)))]
    zones.change(identity, records, [])


@pytest.fixture
def world() -> World:
    """Return a world with the zones corp.internal (private, in the default VPC) and example.com (public)."""
    world = World(Settings(seed=11, scale=None), Clock(scale=None))
    settings = world.settings
    default = next(iter(vpcs_of(world, settings.account, settings.region)))
    zone(world, "ZPRIVATE", "corp.internal.", VpcKey(default, settings.region))
    zone(world, "ZPUBLIC", "example.com.")
    return world


@pytest.fixture
def serving(world: World) -> Callable[[Callable[[DnsServers], Awaitable[None]]], None]:
    """Return a function that runs a coroutine function with servers that answer for the world."""

    def run(work: Callable[[DnsServers], Awaitable[None]]) -> None:
        async def main() -> None:
            servers = DnsServers(world)
            await servers.start("127.0.0.1", 0)
            try:
                await work(servers)
            finally:
                servers.close()
                await asyncio.sleep(0)

        asyncio.run(main())

    return run
