"""DNS over UDP works over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.core.world import World
from surveyor_emulator.dns import DnsServers
from surveyor_emulator.dns.batch import DatagramBatch
from surveyor_emulator.dns.udp import _QUERIES

Serving = Callable[[Callable[[DnsServers], Awaitable[None]]], None]


@pytest.fixture(autouse=True, params=["in batches", "singly"])
def batch_mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with the system's calls for many datagrams, and without them."""
    if request.param == "singly":
        monkeypatch.setattr(DatagramBatch, "available", lambda: False)
    elif not DatagramBatch.available():
        pytest.skip("this system has no recvmmsg")


def test_questions_are_answered(serving: Serving) -> None:
    """Each question gets an answer with its id."""

    async def work(servers: DnsServers) -> None:
        host, port = servers.name_servers
        for _ in range(3):
            query = dns.message.make_query("eight.example.com", "A")
            reply = await dns.asyncquery.udp(query, host, 5, port)
            assert len(reply.answer[0]) == 8

    serving(work)


def test_random_choices_are_fair_over_the_wire(serving: Serving) -> None:
    """Weighted answers occur in proportion to their weights; with this seed within five standard deviations."""

    async def work(servers: DnsServers) -> None:
        host, port = servers.name_servers
        seen = Counter[str]()
        with connected(host, port) as client:
            for number in range(600):
                seen[str((await exchange(client, number)).answer[0][0])] += 1
        for weight in (1, 2, 3):
            assert abs(seen[f"10.1.0.{weight}"] - 100 * weight) < 60

    async def exchange(client: socket.socket, number: int) -> dns.message.Message:
        query = dns.message.make_query("weighted.example.com", "A", id=number)
        client.send(query.to_wire())
        reply = dns.message.from_wire(await asyncio.get_running_loop().sock_recv(client, 2048))
        assert reply.id == number
        return reply

    serving(work)


def test_a_burst_is_answered_in_full(serving: Serving) -> None:
    """More queries than one pass handles are each answered once."""

    async def work(servers: DnsServers) -> None:
        count = 2 * _QUERIES + 10
        with connected(*servers.name_servers) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            for number in range(count):
                client.send(dns.message.make_query("one.example.com", "A", id=number).to_wire())
            loop = asyncio.get_running_loop()
            seen = [int.from_bytes((await loop.sock_recv(client, 2048))[:2], "big") for _ in range(count)]
        assert sorted(seen) == list(range(count))

    serving(work)


def test_garbage_does_no_harm(serving: Serving) -> None:
    """Garbage gets a format error or no reply, and the next question is answered."""

    async def work(servers: DnsServers) -> None:
        good = dns.message.make_query("one.example.com", "A")
        with connected(*servers.name_servers) as client:
            for packet in (b"", b"x", b"\xff" * 600, good.to_wire()[:-1], bytes(12), b"\0" * 5000, good.to_wire()):
                client.send(packet)
            loop = asyncio.get_running_loop()
            codes = []
            while True:
                reply = dns.message.from_wire(await loop.sock_recv(client, 2048))
                if reply.id == good.id and reply.answer:
                    break
                codes.append(reply.rcode())
        assert set(codes) == {dns.rcode.FORMERR}

    serving(work)


def test_ipv6_is_answered_as_well(world: World) -> None:
    """Peers of both address families are answered by the same process."""

    async def main() -> None:
        servers = DnsServers(world)
        await servers.start("::1", 0)
        settings = world.settings
        vpc = next(iter(vpcs_of(world, settings.account, settings.region)))
        addresses = [servers.resolver(settings.account, settings.region, vpc), servers.name_servers]
        assert addresses[0][0] == "::1"
        for _ in range(2):
            for host, port in addresses:
                query = dns.message.make_query("one.example.com", "A")
                assert (await dns.asyncquery.udp(query, host, 5, port)).answer
        servers.close()

    asyncio.run(main())


def connected(host: str, port: int) -> socket.socket:
    """Return a UDP socket of a client."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((host, port))
    client.setblocking(False)
    return client
