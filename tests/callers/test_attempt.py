"""One attempt is one request: each kind of failure is reported as such, and nothing is retried."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.callers import AttemptResult, Connection, Request, Timeouts
from surveyor.callers import attempt as attempt_once

TIMEOUTS = Timeouts(0.5, 0.4)
REQUEST = Request(host="127.0.0.1")
SENT = REQUEST.encode("127.0.0.1", 80, keep=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n" + b'{"task": "arn:x:task/s/t1"}'[:26]


def attempt(
    port: int, request: Request = REQUEST, idle: Connection | None = None
) -> tuple[AttemptResult, Connection | None]:
    """Make an attempt at this machine, and return its result without its duration, and the connection."""
    result, connection = attempt_once("127.0.0.1", port, request, TIMEOUTS, idle, keep=True)
    assert 0 <= result.seconds < 5
    return replace(result, seconds=0.0), connection


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the port of a server that calls `answer` with each connection, and the requests that it received."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(65_536))
                    # The client may stop reading and close before the whole answer is sent.
                    with suppress(ConnectionError):
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], received
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def sending(data: bytes) -> Callable[[socket.socket], None]:
    """Return a function that sends these bytes."""
    return lambda connection: connection.sendall(data)


def reset(connection: socket.socket) -> None:
    """Make the connection close with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (sending(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), AttemptResult("ok", 200)),
        (
            sending(b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"task": "arn:task/c/t"}'[:-1]),
            AttemptResult("ok", 200),
        ),
        (sending(b'HTTP/1.1 200 OK\r\n\r\n{"task": "arn:task/c/t"}'), AttemptResult("ok", 200, "t")),
        (
            sending(
                b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n{"task": "arn:task/c/t"}\r\n0\r\n\r\n'
            ),
            AttemptResult("ok", 200, "t"),
        ),
        (
            sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"),
            AttemptResult("fail", error="closed in the middle of an answer"),
        ),
        (sending(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5 << 20)), AttemptResult("fail", error="an answer without end")),
        (sending(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), AttemptResult("ok", 404)),
        (sending(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), AttemptResult("fail", 503, "", "status 503")),
        (sending(b""), AttemptResult("fail", error="closed without an answer")),
        (
            sending(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            AttemptResult("fail", error="closed in the middle of an answer"),
        ),
        (
            sending(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
            AttemptResult("fail", error="an answer that is no http"),
        ),
        (sending(b"SSH-2.0-OpenSSH\r\n\r\n"), AttemptResult("fail", error="an answer that is no http")),
        (reset, AttemptResult("fail", error="reset")),
        (
            sending(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
            AttemptResult("ok", 201),
        ),
        (
            sending(b"HTTP/1.1 103 Early Hints\r\n\r\n"),
            AttemptResult("fail", error="closed in the middle of an answer"),
        ),
        (
            sending(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nnot HTTP"),
            AttemptResult("ok", 101),
        ),
        (sending(b"HTTP/1.1 204 No Content\r\n\r\n"), AttemptResult("ok", 204)),
        (
            sending(b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"task": "a/\\u001b[2J"}'),
            AttemptResult("ok", 200),
        ),
    ],
)
def test_each_response_has_its_result(server: Callable[[socket.socket], None], expected: AttemptResult) -> None:
    """Each kind of response has its result, with a single request."""
    with serving(server) as (port, received):
        result, connection = attempt(port)
        if connection is not None:
            connection.close()
        assert result == expected
    assert received == [SENT]


def test_a_refused_connection_fails_and_silence_is_unknown() -> None:
    """Without a listener an attempt fails; without an answer its outcome is unknown."""
    assert attempt(9)[0] == AttemptResult("fail", error="refused")
    stopped = threading.Event()

    def silent(connection: socket.socket) -> None:
        stopped.wait(5)

    with serving(silent) as (port, received):
        assert attempt(port)[0] == AttemptResult("info", error="no answer in time")
        stopped.set()
    assert received == [SENT]


def test_the_timeout_is_for_the_whole_answer() -> None:
    """An answer that arrives byte by byte times out."""
    stopped = threading.Event()

    def drip(connection: socket.socket) -> None:
        for letter in OK:
            if stopped.wait(0.1):
                return
            try:
                connection.sendall(bytes([letter]))
            except OSError:
                return

    with serving(drip) as (port, _):
        assert attempt(port)[0] == AttemptResult("info", error="no answer in time")
        stopped.set()


def test_a_connection_is_kept_and_its_end_is_a_failure() -> None:
    """A connection serves two requests and is closed by the server; the third attempt fails without a retry."""

    def twice(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(twice) as (port, received):
        first, idle = attempt(port)
        second, idle = attempt(port, idle=idle)
        assert (first.outcome, second.outcome) == ("ok", "ok")
        assert idle is not None
        third, gone = attempt(port, idle=idle)
    assert third.outcome == "fail"
    assert third.error.startswith("kept, and ")
    assert gone is None
    assert len(received) == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.sampled_from([OK, OK[:40], b"HTTP/1.1 200"]), st.binary(max_size=20))
def test_any_bytes_are_an_answer_or_a_failure(start: bytes, end: bytes) -> None:
    """Any bytes give a result, never an exception."""
    with serving(sending(start + end)) as (port, _):
        result, connection = attempt(port)
        if connection is not None:
            connection.close()
    assert result.outcome in ("ok", "fail", "info")
