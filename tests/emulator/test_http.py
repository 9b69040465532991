"""The HTTP server reads complete requests, enforces limits, and rejects bad input over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from surveyor_emulator.core.http import Hosts, Limits, Request, Response, serve

SMALL = Limits(target=200, headers=500, body=1000, seconds=0.2)
HOSTS = Hosts(["x", "elsewhere"])


def talk(*pieces: bytes, limits: Limits = SMALL) -> tuple[bytes, list[Request]]:
    """Send ``pieces`` over one connection; return what the server sent until it closed, and the requests it read."""
    requests: list[Request] = []

    def handler(request: Request) -> Response | Awaitable[Response]:
        requests.append(request)
        if request.path == "/boom":
            raise RuntimeError("a defect")
        if request.path == "/slow":
            return asyncio.sleep(0.01, Response(200, b"slow"))
        return Response(200, request.path.encode(), {"Content-Type": "text/plain"})

    async def scenario() -> bytes:
        server = await serve(handler, "127.0.0.1", 0, limits, HOSTS)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.005)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
            server.close()

    return asyncio.run(scenario()), requests


def test_answers_pipelined_requests_in_order() -> None:
    """Pipelined requests are answered in order, slow ones included."""
    answer, _ = talk(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.index(b"slow") < answer.index(b"/two")


def test_reads_a_body_in_pieces() -> None:
    """A body may arrive in any number of pieces."""
    _, seen = talk(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Le", b"ngth: 5\r\n\r\nab", b"cde")
    assert [request.body for request in seen] == [b"abcde"]


def test_reads_chunked_bodies() -> None:
    """Chunked transfer encoding is supported."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    _, seen = talk(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert [request.body for request in seen] == [b"abcde"]


def test_joins_repeated_headers() -> None:
    """Several header lines with the same name, in any case, are one list."""
    _, seen = talk(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nConnection: close\r\nx-a: 2\r\n\r\n")
    assert seen[0].headers["x-a"] == "1,2"


def test_accepts_absolute_form_targets() -> None:
    """A target with scheme and host, as proxies send it, has the same path."""
    _, seen = talk(b"GET http://elsewhere:1/a?b=c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert [(request.path, request.query) for request in seen] == [("/a", "b=c")]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 600 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + b"a" * 2000, b"413"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"408"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", b"408"),
    ],
    ids=["target", "headers", "length", "chunked", "nonsense", "negative length", "half a head", "half a body"],
)
def test_rejects_oversized_malformed_and_incomplete_requests(sent: bytes, status: bytes) -> None:
    """The response has the right status, and the connection is closed."""
    answer, _ = talk(sent)
    assert answer.split(b" ", 2)[1] == status


def test_rejects_headers_that_are_too_large_together() -> None:
    """The limit holds for all header lines of a request together, in however many pieces they arrive."""
    line = b"A%d: " + b"a" * 100 + b"\r\n"
    head = [b"GET / HTTP/1.1\r\nHost: x\r\n", *(line % number for number in range(4)), line % 5 + b"\r\n"]
    assert b" 431 " in talk(*head)[0]
    assert b" 431 " in talk(b"".join(head))[0]
    smaller = [*head[:-1], b"Connection: close\r\n\r\n"]
    assert b" 200 " in talk(*smaller)[0]


def test_measures_the_head_of_each_request() -> None:
    """A head within the limit is accepted after a body that is larger than the limit for heads."""
    body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + b"a" * 900
    answer, seen = talk(body + b"GET /two HTTP/1.1\r\nHo", b"st: x\r\nConnection: close\r\n\r\n")
    assert [request.path for request in seen] == ["/", "/two"]
    assert answer.count(b"HTTP/1.1 200") == 2


def test_closes_an_idle_connection() -> None:
    """A connection on which no further request arrives is closed without a further response."""
    answer = talk(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\n")[0]
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"/one")


def test_closes_a_silent_connection() -> None:
    """A connection on which no bytes arrive is closed without a response."""
    assert talk()[0] == b""


def test_a_defect_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """An exception in the handler is a 500 for the client and a traceback in the log."""
    answer, _ = talk(b"GET /boom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert "a defect" in caplog.text


def test_answers_a_client_that_sends_no_more() -> None:
    """A client may close its sending side and wait for the answer, slow ones included."""

    async def scenario() -> bytes:
        server = await serve(lambda request: asyncio.sleep(0.01, Response(200, b"slow")), "127.0.0.1", 0, SMALL, HOSTS)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 20)
        finally:
            writer.close()
            server.close()

    assert asyncio.run(scenario()).endswith(b"slow")
