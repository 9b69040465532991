"""The HTTP server reads each request in one way only, answers in order, and waits for clients that do not read."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest

from surveyor_emulator.core.http import Hosts, Limits, Request, Response, is_loopback, serve, usable_address

from .test_http import SMALL, talk

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n"
CHUNKED = b"POST /one HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CLOSE = b"Connection: close\r\n"
LARGE = 1_000_000
PATIENT = replace(SMALL, seconds=10.0)


def ask(*pieces: bytes) -> tuple[bytes, list[Request]]:
    """Send pieces over a connection that the server has to close; return its answers, and the requests that it read.

    The limit of time is beyond what a busy machine takes.
    """
    return talk(*pieces, limits=PATIENT)


def get(path: bytes, headers: bytes = b"") -> bytes:
    """Return a request."""
    return GET % (path, headers)


def statuses(answer: bytes) -> list[bytes]:
    """Return the statuses of the answers, in order."""
    return [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.0\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nhost: evil.example\r\n\r\n", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", b"505"),
        (b"GET / HTTP/0.9\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", b"505"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", b"421"),
        (b"GET http://x/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET http://x@evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n", b"421"),
    ],
)
def test_refuses_a_request_without_one_known_host(head: bytes, status: bytes) -> None:
    """It gets one answer of one line, and no handler sees it (RFC 9112, 3.2: 400; RFC 9110, 15.5.20: 421)."""
    answer, seen = ask(head)
    assert (statuses(answer), seen) == ([status], [])
    assert answer.partition(b"\r\n\r\n")[2].count(b"\n") == 1


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:1", "127.53.0.2:80", "[::1]", "[::1]:8080", "[::ffff:127.0.0.1]", "localhost"),
        *("LocalHost:80", "data-localhost:80", "data-127.0.0.1:80", "emulator.test", "Emulator.Test:5000"),
    ],
)
def test_accepts_loopback_addresses_localhost_and_given_names(host: str) -> None:
    """With any port, and with the prefix that AWS clients put before the host of discovery calls."""
    assert Hosts(["emulator.test"]).accept(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.localhost", "localhost.", ""),
        *("10.0.0.1", "0.0.0.0", "[::]", "[fe80::1]", "127.0.0.1@evil.example", "evil.example:80,127.0.0.1", "::1"),
        *("127.0.0.1:80:80", "127.0.0.1:evil", "127.1", "0x7f000001", "2130706433", "[127.0.0.1", "x y", "127.0.0.1 "),
        *(
            "data-evil.example",
            "data-data-localhost",
            "\N{FULLWIDTH DIGIT ONE}27.0.0.1",
            "[localhost]",
            "http://localhost",
        ),
    ],
)
def test_refuses_every_other_host(host: str) -> None:
    """Names of others, addresses of others, and what is no host at all."""
    assert not Hosts(["emulator.test"]).accept(host)


def test_a_server_on_every_address_answers_for_addresses_but_no_other_name() -> None:
    """A page is reached by a name if its name was rebound: addresses are safe."""
    hosts = Hosts(any_address=True)
    assert hosts.accept("192.0.2.7:5000")
    assert hosts.accept("[2001:db8::1]:5000")
    assert not hosts.accept("rebind.example:5000")


def test_many_hosts_cost_no_memory() -> None:
    """The number of accepted headers that are kept is bounded."""
    hosts = Hosts()
    for port in range(5_000):
        assert hosts.accept(f"127.0.0.1:{port}")
    assert len(hosts.accepted) <= 1_000


def test_addresses_of_servers() -> None:
    """A server on all addresses is reached at loopback; only loopback addresses are out of the reach of others."""
    assert (usable_address("0.0.0.0"), usable_address("::"), usable_address("127.0.0.9")) == (
        *("127.0.0.1", "::1", "127.0.0.9"),
    )
    assert is_loopback("127.0.0.9")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("192.0.2.1")


@pytest.mark.parametrize(
    "name", ["Authorization", "Content-Type", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token", "Origin"]
)
def test_refuses_a_second_line_of_a_header_that_is_no_list(name: str) -> None:
    """None of the two is chosen."""
    lines = f"{name}: one\r\n{name.lower()}: two\r\n".encode()
    answer, seen = ask(get(b"/", lines))
    assert (statuses(answer), seen) == ([b"400"], [])
    assert name.lower().encode() in answer


@pytest.mark.parametrize("trailer", [b"Authorization: x", b"Host: evil", b"X-Amz-Target: y"])
def test_trailers_are_no_headers(trailer: bytes) -> None:
    """They are left out of the request, and of the next one on the connection."""
    answer, seen = ask(CHUNKED + b"3\r\nabc\r\n0\r\n" + trailer + b"\r\n\r\n" + get(b"/two", CLOSE))
    assert statuses(answer) == [b"200", b"200"]
    assert [dict(request.headers) for request in seen] == [
        {"host": "x", "transfer-encoding": "chunked"},
        {"host": "x", "connection": "close"},
    ]


@pytest.mark.parametrize(
    ("start", "pieces", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: ", [b"a" * 200] * 4, b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", [b"a" * 200] * 4, b"431"),
        (CHUNKED + b"0\r\nA: ", [b"a" * 200] * 3, b"431"),
        (CHUNKED + b"1;", [b"a" * 200] * 3, b"431"),
        (CHUNKED + b"0\r\n", [b"A: b\r\n" * 100] * 6, b"413"),
    ],
    ids=["value", "name", "trailer", "chunk extension", "trailers"],
)
def test_refuses_a_line_without_end(start: bytes, pieces: list[bytes], status: bytes) -> None:
    """The parser would keep it, and copy it again with each piece."""
    answer, seen = ask(start, *pieces)
    assert (statuses(answer), seen) == ([status], [])


@pytest.mark.parametrize(
    "request_",
    [
        get(b"/one", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n"),
        get(b"/one", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        b"POST /one HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
        CHUNKED.replace(b"Host", b"Connection: Upgrade\r\nUpgrade: h2c\r\nHost") + b"3\r\nabc\r\n0\r\n\r\n",
    ],
    ids=["h2c", "websocket", "with a body", "chunked"],
)
def test_ignores_upgrade(request_: bytes) -> None:
    """The answer is HTTP/1.1, and the connection remains (RFC 9110, 7.8), in one piece or byte by byte."""
    for pieces in ([request_ + get(b"/two", CLOSE)], [request_[:-1], request_[-1:], get(b"/two", CLOSE)]):
        answer, seen = ask(*pieces)
        assert statuses(answer) == [b"200", b"200"]
        assert [request.path for request in seen] == ["/one", "/two"]
        assert seen[0].body in (b"", b"abc")


@pytest.mark.parametrize("count", [1, 5, 150, 500])
def test_pipelined_requests_are_all_answered_in_order(count: int) -> None:
    """Slow ones too, however many: what cannot be answered yet is not read."""
    sent = b"".join(get(b"/slow" if number % 50 == 0 else b"/%d" % number) for number in range(count))
    answer, seen = ask(sent + get(b"/end", CLOSE))
    assert [request.path for request in seen] == [
        *("/slow" if number % 50 == 0 else f"/{number}" for number in range(count)),
        "/end",
    ]
    assert statuses(answer) == [b"200"] * (count + 1)
    assert answer.endswith(b"/end")


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n", b"413"),
    ],
)
@pytest.mark.parametrize("good", [b"/slow", b"/fast"])
def test_a_bad_request_behind_good_ones_is_answered_last(good: bytes, bad: bytes, status: bytes) -> None:
    """Each answer stands in the place of its request; what follows the bad one is not answered."""
    answer, seen = ask(get(b"/one") + get(good) + bad + get(b"/never"))
    assert statuses(answer) == [b"200", b"200", status]
    assert [request.path.encode() for request in seen] == [b"/one", good]


def test_a_request_after_the_last_one_is_not_answered() -> None:
    """After `Connection: close` there is one answer."""
    answer, seen = ask(get(b"/one", CLOSE) + get(b"/two"))
    assert statuses(answer) == [b"200"]
    assert [request.path for request in seen] == ["/one"]


class Reluctant:
    """A server with large answers, and a client that sends without reading."""

    def __init__(self, limits: Limits) -> None:
        self.answered = 0
        self._limits = limits

    def handle(self, request: Request) -> Response | Awaitable[Response]:
        """Answer with much, at once or later."""
        self.answered += 1
        response = Response(200, b"a" * LARGE)
        return asyncio.sleep(0.05, response) if request.path == "/slow" else response

    @contextlib.asynccontextmanager
    async def client(self, data: bytes) -> AsyncIterator[tuple[int, asyncio.StreamReader]]:
        """Send until the server takes no more; yield the number of bytes that it took, and the unread answers."""
        server = await serve(self.handle, "127.0.0.1", 0, self._limits, Hosts(["x"]))
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, server.sockets[0].getsockname()[:2])
        sent = stalls = 0
        while sent < len(data) and stalls < 20:
            await asyncio.sleep(0.005)
            try:
                sent += connection.send(data[sent : sent + 65_536])
                stalls = 0
            except BlockingIOError:
                stalls += 1
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            yield sent, reader
        finally:
            writer.transport.abort()
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0.06)  # until the connections have ended


@pytest.mark.parametrize("path", [b"/fast", b"/slow"])
def test_answers_no_more_than_the_client_reads(path: bytes) -> None:
    """Few answers are made, the rest of the requests waits; when the client reads, all of them are answered."""
    reluctant, count = Reluctant(Limits(seconds=10)), 30

    async def scenario() -> int:
        async with reluctant.client(get(path) * count) as (_, reader):
            assert reluctant.answered < count / 2
            total = 0
            async with asyncio.timeout(30):
                while path == b"/fast" and total < count * LARGE:
                    total += len(await reader.read(1 << 20))
            return reluctant.answered

    assert asyncio.run(scenario()) == count or path == b"/slow"


def test_reads_no_more_requests_than_it_answers() -> None:
    """Of 64 MB of requests behind an unread answer it takes what the buffers of the system hold."""
    reluctant = Reluctant(Limits(seconds=10))
    body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000

    async def scenario() -> int:
        async with reluctant.client(body * 64) as (sent, _):
            return sent

    assert asyncio.run(scenario()) < 32_000_000
    assert reluctant.answered < 32


@pytest.mark.parametrize("headers", [b"", CLOSE])
def test_ends_the_connection_of_a_client_that_never_reads(headers: bytes) -> None:
    """After the time limit it is aborted, also if the last answer was given before."""
    reluctant = Reluctant(SMALL)

    async def scenario() -> int:
        total = 0
        async with reluctant.client(get(b"/fast", headers) * 20) as (_, reader):
            await asyncio.sleep(2 * SMALL.seconds)
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(5):
                    while data := await reader.read(1 << 20):
                        total += len(data)
        return total

    assert asyncio.run(scenario()) < 20 * LARGE
    assert reluctant.answered < 20
