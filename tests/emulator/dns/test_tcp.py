"""DNS over TCP works over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import dns.asyncquery
import dns.message
import dns.rcode
import pytest

from surveyor_emulator.dns import DnsServers, tcp

Serving = Callable[[Callable[[DnsServers], Awaitable[None]]], None]


def framed(query: dns.message.Message) -> bytes:
    """Return a message with its length before it."""
    packed = query.to_wire()
    return len(packed).to_bytes(2, "big") + packed


async def next_reply(reader: asyncio.StreamReader) -> dns.message.Message:
    """Return the next message on a connection."""
    length = int.from_bytes(await reader.readexactly(2), "big")
    return dns.message.from_wire(await reader.readexactly(length))


def test_answers_too_long_for_udp_are_complete(serving: Serving) -> None:
    """A client that gets a truncated answer over UDP gets the whole answer over TCP."""

    async def work(servers: DnsServers) -> None:
        host, port = servers.name_servers
        reply, used_tcp = await dns.asyncquery.udp_with_fallback(
            dns.message.make_query("long.example.com", "TXT"), host, 5, port
        )
        assert used_tcp
        assert len(reply.answer[0]) == 10

    serving(work)


def test_several_queries_share_a_connection(serving: Serving) -> None:
    """Queries are answered whether their bytes arrive together or one by one."""

    async def work(servers: DnsServers) -> None:
        reader, writer = await asyncio.open_connection(*servers.name_servers)
        queries = [dns.message.make_query(f"{name}.example.com", "A", id=n) for n, name in enumerate(("one", "eight"))]
        together = b"".join(map(framed, queries))
        writer.write(together)
        for query in queries:
            assert query.is_response(await next_reply(reader))
        for byte in together:
            writer.write(bytes([byte]))
            await writer.drain()
        for query in queries:
            assert query.is_response(await next_reply(reader))
        writer.close()
        await writer.wait_closed()

    serving(work)


def test_malformed_messages_keep_the_connection(serving: Serving) -> None:
    """A format error, or nothing for what looks like a response; then the next query is answered."""

    async def work(servers: DnsServers) -> None:
        reader, writer = await asyncio.open_connection(*servers.name_servers)
        good = dns.message.make_query("one.example.com", "A")
        writer.write(b"\0\0" + b"\0\3\xff\xff\xff" + b"\0\x0c\1\2" + bytes(10) + framed(good))
        assert (await next_reply(reader)).rcode() == dns.rcode.FORMERR
        assert (await next_reply(reader)).answer
        writer.close()
        await writer.wait_closed()

    serving(work)


def test_idle_connections_are_closed(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a query, or with an incomplete one, is closed."""
    monkeypatch.setattr(tcp, "IDLE_LIMIT", 0.05)

    async def work(servers: DnsServers) -> None:
        for begun in (b"", b"\0", b"\0\x20half"):
            reader, writer = await asyncio.open_connection(*servers.name_servers)
            writer.write(begun)
            await closed(reader)
            writer.close()

    serving(work)


def test_a_client_that_reads_no_answers_is_not_read(serving: Serving) -> None:
    """Its queries wait in the kernel, other clients are served, and it gets every answer when it reads."""

    async def work(servers: DnsServers) -> None:
        reader, writer = await asyncio.open_connection(*servers.name_servers, limit=1024)
        query, count = framed(dns.message.make_query("long.example.com", "TXT", id=7)), 8000
        flood = asyncio.get_running_loop().create_task(send(writer, query * count))
        host, port = servers.name_servers
        assert (await dns.asyncquery.tcp(dns.message.make_query("one.example.com", "A"), host, 5, port)).answer
        for _ in range(count):
            reply = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            assert reply.startswith(b"\0\7")
        await flood
        writer.close()
        await writer.wait_closed()

    async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    serving(work)


async def closed(reader: asyncio.StreamReader) -> None:
    """Wait until the other end is closed."""
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
