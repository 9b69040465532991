"""Endpoints are probed over real sockets, within limits, and only on loopback addresses."""

from __future__ import annotations

import asyncio
import random
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from surveyor_emulator.aws.route53.health.probe import MAX_READ, ProbeLimits, ProbeOutcome, probe
from surveyor_emulator.aws.route53.health.prober import start_probing
from surveyor_emulator.aws.route53.health_checks import add_check
from surveyor_emulator.aws.route53.state import HealthCheckConfig, Route53State
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from tests.certificates import write_certificate

ACCOUNT = "111111111111"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Endpoint:
    """A test server, the addresses of its clients, and the heads of their requests."""

    port: int = 0
    serve: Serve | None = None
    peers: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def endpoint(serve: Serve | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Endpoint]:
    """Run a server on 127.0.0.1; without ``serve`` it accepts connections and does not answer."""
    server_endpoint = Endpoint(serve=serve)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_endpoint.peers.append(writer.get_extra_info("peername")[0])
        try:
            if server_endpoint.serve is None:
                await reader.read()
            else:
                server_endpoint.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await server_endpoint.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    server_endpoint.port = server.sockets[0].getsockname()[1]
    try:
        yield server_endpoint
    finally:
        server.close()


def answer_with(text: bytes) -> Serve:
    """Return a handler that answers with these bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return serve


async def answer_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one letter at a time."""
    for letter in OK:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.02)


def answer_after_a_pause(seconds: float) -> Serve:
    """Return a handler that answers that long after everything here stood still for three times the limit."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        threading.Event().wait(3 * LIMITS.answer * LIMITS.wall)
        await asyncio.sleep(seconds)
        writer.write(OK)

    return serve


def answer_endlessly(first: bytes, more: bytes, pause: float | None = None) -> Serve:
    """Return a handler that never stops writing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(more)
            await writer.drain()
            if pause is not None:
                await asyncio.sleep(pause)

    return serve


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LIMITS = ProbeLimits(tcp_connect=10, connect=4, answer=2, wall=0.05)


def outcome(serve: Serve | None, config: HealthCheckConfig | None = None) -> ProbeOutcome:
    """Return the outcome of one probe of a server."""

    async def run() -> ProbeOutcome:
        async with endpoint(serve) as server:
            probed = replace(config or HealthCheckConfig("HTTP"), ip_address="127.0.0.1", port=server.port)
            return await probe(probed, "ref", "127.0.0.1", "127.0.0.9", LIMITS)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "succeeded"),
    [
        (OK, True),
        (b"HTTP/1.1 399 \r\n\r\n", True),
        (b"HTTP/1.0 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"HTTP/1.1 199 Odd\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nno header at all\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False),
        (b"", False),
    ],
)
def test_status_decides(answer: bytes, *, succeeded: bool) -> None:
    """Status 2xx and 3xx is healthy without following redirects; other statuses and non-HTTP answers are not."""
    assert outcome(answer_with(answer)).succeeded is succeeded


@pytest.mark.parametrize(
    ("serve", "succeeded", "timed_out_after"),
    [
        (None, False, 2.0),
        (answer_slowly, False, 2.0),
        (answer_endlessly(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 500), True, 0.0),
        (answer_endlessly(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096), True, 0.0),
        (answer_endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n", b"x" * 65536), True, 0.0),
        (answer_endlessly(b"HTTP/1.1 500 Oh\r\n", b"X: y\r\n", pause=0.02), False, 0.0),
    ],
    ids=["silent", "a letter at a time", "endless headers", "endless header", "5 GB", "slow headers"],
)
def test_hostile_servers(serve: Serve | None, timed_out_after: float, *, succeeded: bool) -> None:
    """Whatever a server sends, the probe ends within its limits, and a status in time decides."""
    actual = outcome(serve)
    assert (actual.succeeded, actual.timed_out_after) == (succeeded, timed_out_after), actual


@pytest.mark.parametrize("seconds", [0.0, LIMITS.answer * LIMITS.wall / 2])
def test_a_pause_of_this_machine_is_no_failure_of_the_endpoint(seconds: float) -> None:
    """Nothing was run meanwhile: the answer could not be seen, or not be given."""
    assert outcome(answer_after_a_pause(seconds)) == ProbeOutcome(True, "HTTP Status Code 200, OK")
    silent = outcome(answer_after_a_pause(2 * LIMITS.answer * LIMITS.wall))
    assert silent == ProbeOutcome(False, "No HTTP status code was received in time.", LIMITS.answer)


def test_a_long_answer_is_not_read_in_full() -> None:
    """The probe stops reading an endless answer after 64 KiB; the rest that was sent is in socket buffers."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    assert outcome(serve).succeeded
    assert sent < 200 * MAX_READ


@pytest.mark.parametrize(("before", "succeeded"), [(0, True), (5_118, True), (5_119, False), (6_000, False)])
def test_strings_are_searched_in_the_first_5120_bytes(before: int, *, succeeded: bool) -> None:
    """The whole string must be within the first 5120 bytes (route53/HealthCheckConfig.SearchString)."""
    body = b"-" * before + b"ok" + b"-" * 6_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert outcome(answer_with(answer), HealthCheckConfig("HTTP_STR_MATCH", search_string="ok")).succeeded is succeeded


def test_request_names_path_and_host() -> None:
    """The path is requested unchanged, and cannot inject a header (route53/HealthCheckConfig)."""

    async def run() -> None:
        async with endpoint(answer_with(OK)) as server:
            config = HealthCheckConfig("HTTP", "127.0.0.1", server.port, "/a?b=c d\r\nX: y")
            named = replace(config, fully_qualified_domain_name="example.com")
            assert (await probe(named, "ref", "127.0.0.1", "127.0.0.9", LIMITS)).succeeded
            line, host = server.heads[0].split(b"\r\n")[:2]
            assert line == b"GET /a?b=c%20d%0D%0AX:%20y HTTP/1.1"
            assert host == f"Host: example.com:{server.port}".encode()

    asyncio.run(run())


def test_refused_and_tcp() -> None:
    """A TCP check only needs a connection; a closed port is unhealthy without a timeout."""
    assert outcome(None, HealthCheckConfig("TCP")).succeeded
    closed = HealthCheckConfig("TCP", "127.0.0.1", 1)
    assert asyncio.run(probe(closed, "ref", "127.0.0.1", "127.0.0.9", LIMITS)) == ProbeOutcome(
        False, "The connection was refused."
    )


class ProbedWorld:
    """A world whose account has one probed check, in a running loop."""

    def __init__(self, port: int, address: str = "127.0.0.1", **config: Any) -> None:
        settings = {key: config.pop(key) for key in list(config) if key in Settings.__dataclass_fields__}
        self.world = World(
            Settings(scale=None, **{"probe_loopback": True, "probe_wall": 0.05, **settings}), Clock(scale=None)
        )
        config = {"type": "HTTP", "ip_address": address, "port": port, **config}
        self.check = add_check(self.world, ACCOUNT, HealthCheckConfig(**config), caller_reference="1").id
        self.state = self.world.in_account(Route53State, ACCOUNT)
        start_probing(self.world, ACCOUNT, self.state.health_checks[self.check])

    async def advance(self, seconds: float) -> bool:
        """Advance the clock; return whether the check is healthy afterwards."""
        await self.world.clock.advance(seconds)
        return self.state.health_checks[self.check].healthy


def test_a_time_limit_during_a_tls_handshake_leaves_no_connection(tmp_path: Path) -> None:
    """Sockets of later probes have the same numbers: none is taken for one whose handshake was cut."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(write_certificate(tmp_path / "server.pem", "web.example"))
    choose = random.Random(7)

    async def run() -> list[ProbeOutcome]:
        outcomes: list[ProbeOutcome] = []
        async with endpoint(answer_with(OK), context) as server:
            config = HealthCheckConfig("HTTPS", ip_address="127.0.0.1", port=server.port)
            for _ in range(40):
                limits = replace(LIMITS, answer=choose.uniform(0.0, 0.001), wall=1)
                probes = [probe(config, "ref", "127.0.0.1", "127.0.0.9", limits) for _ in range(8)]
                outcomes += await asyncio.gather(*probes)
            outcomes.append(await probe(config, "ref", "127.0.0.1", "127.0.0.9", replace(LIMITS, wall=5)))
        return outcomes

    *cut, last = asyncio.run(run())
    assert {outcome.timed_out_after > 0 for outcome in cut} >= {True}
    assert last.succeeded


def test_each_checker_probes_at_the_interval() -> None:
    """In five minutes each of the sixteen checkers probes ten times, from a separate address."""

    async def run() -> None:
        async with endpoint(answer_with(OK)) as server:
            assert await ProbedWorld(server.port).advance(300)
            assert len(server.peers) == 160
            assert {server.peers.count(peer) for peer in server.peers} == {10}

    asyncio.run(run())


@pytest.mark.parametrize("threshold", [1, 3])
def test_threshold_counts_both_ways(threshold: int) -> None:
    """The health changes after exactly the threshold of results, in both directions."""

    async def run() -> None:
        async with endpoint(answer_with(OK)) as server:
            probed = ProbedWorld(server.port, failure_threshold=threshold)
            assert await probed.advance(60)
            for answer, before, after in ((b"HTTP/1.1 503 No\r\n\r\n", True, False), (OK, False, True)):
                server.serve = answer_with(answer)
                for _ in range(threshold - 1):
                    assert await probed.advance(30) is before
                assert await probed.advance(30) is after

    asyncio.run(run())


@pytest.mark.parametrize(("succeeded", "healthy"), [(2, False), (3, True)])
def test_more_than_18_percent_of_the_checkers_suffice(succeeded: int, *, healthy: bool) -> None:
    """Three of sixteen checkers suffice, two do not."""

    async def run() -> None:
        async with endpoint(None) as server:
            preferred: set[str] = set()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                peer = writer.get_extra_info("peername")[0]
                if len(preferred) < succeeded:
                    preferred.add(peer)
                writer.write(OK if peer in preferred else b"HTTP/1.1 503 No\r\n\r\n")

            server.serve = serve
            assert await ProbedWorld(server.port).advance(150) is healthy

    asyncio.run(run())


def test_only_loopback_is_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is opened for an address outside 127.0.0.0/8 and ::1, and no result is recorded."""

    async def never(*args: object) -> ProbeOutcome:
        raise AssertionError("probed")

    monkeypatch.setattr("surveyor_emulator.aws.route53.health.prober.probe", never)

    async def run() -> None:
        for address in ("192.0.2.1", "8.8.8.8", "128.0.0.1", "126.255.255.255", "::ffff:127.0.0.1", "2001:db8::1"):
            probed = ProbedWorld(80, address)
            assert await probed.advance(300)
            assert probed.state.health_checks[probed.check].observed is None

    asyncio.run(run())


def test_probing_ends_when_the_setting_is_off() -> None:
    """When the setting is switched off during a run, the server receives no more probes."""

    async def run() -> None:
        async with endpoint(answer_with(OK)) as server:
            probed = ProbedWorld(server.port)
            await probed.advance(60)
            received = len(server.peers)
            assert received == 32
            probed.world.settings = replace(probed.world.settings, probe_loopback=False)
            await probed.advance(300)
            assert len(server.peers) == received

    asyncio.run(run())


def test_names_are_resolved_in_existing_zones_only() -> None:
    """A name outside all zones is not resolved, so no result is recorded."""

    async def run() -> None:
        probed = ProbedWorld(80, ip_address=None, fully_qualified_domain_name="localhost")
        assert await probed.advance(300)
        assert probed.state.health_checks[probed.check].observed is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("address", "reason"),
    [("", "DNS resolution failed."), ("127.0.0.9", "The connection timed out."), ("::1", "The connection timed out.")],
)
def test_a_name_without_an_address_fails_wherever_checkers_are(
    monkeypatch: pytest.MonkeyPatch, address: str, reason: str
) -> None:
    """So does one that leads to the loopback of a checker; no socket is opened. An unknown name has no result."""

    async def never(*args: object) -> ProbeOutcome:
        raise AssertionError("probed")

    monkeypatch.setattr("surveyor_emulator.aws.route53.health.prober.probe", never)
    found: list[str | None] = [None]
    monkeypatch.setattr("surveyor_emulator.aws.route53.health.prober._address", lambda *_: found[0])

    async def run() -> None:
        name: dict[str, Any] = {"ip_address": None, "fully_qualified_domain_name": "web.example.com"}
        probed = ProbedWorld(80, probe_loopback=False, failure_threshold=1, **name)
        assert await probed.advance(300)
        found[0] = address
        assert not await probed.advance(60)
        assert {checker.last.reason for checker in probed.state.checkers[probed.check] if checker.last} == {reason}

    asyncio.run(run())


def test_a_timeout_counts_at_the_end_of_its_limit() -> None:
    """A silent server fails two service seconds after each request; an hour of timeouts takes far less wall time."""

    async def run() -> None:
        async with endpoint(None) as server:
            probed = ProbedWorld(server.port, probe_wall=0.01)
            assert await probed.advance(0)
            while not server.peers:
                await probed.advance(0.5)
            assert await probed.advance(2 * 32 + 1)
            assert not await probed.advance(2)
            before = len(server.peers)
            await probed.advance(3_600)
            assert 110 <= (len(server.peers) - before) / 16 <= 120

    asyncio.run(run())
