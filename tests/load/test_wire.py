"""One attempt is one attempt: each way in which no answer comes is told apart, and nothing is tried again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.load.connection import Answer, Limits, attempt, request_of

LIMITS = Limits(0.5, 0.4)
REQUEST = request_of("GET", "127.0.0.1", keep=True)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n" + b'{"task": "arn:x:task/s/t1"}'[:26]


@contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """A server that does this with each connection; its port, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    one, _ = listening.accept()
                except OSError:
                    return
                with one:
                    heard.append(one.recv(65_536))
                    answer(one)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1], heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def said(data: bytes) -> Callable[[socket.socket], None]:
    """Sends this and closes."""
    return lambda one: one.sendall(data)


def reset(one: socket.socket) -> None:
    """Closes with RST."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (said(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), Answer("ok", 200)),
        (said(b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"task": "arn:task/c/t"}'[:-1]), Answer("ok", 200)),
        (said(b'HTTP/1.1 200 OK\r\n\r\n{"task": "arn:task/c/t"}'), Answer("ok", 200, "t")),
        (
            said(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n{"task": "arn:task/c/t"}\r\n0\r\n\r\n'),
            Answer("ok", 200, "t"),
        ),
        (
            said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf"),
            Answer("fail", error="closed in the middle of an answer"),
        ),
        (said(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(5 << 20)), Answer("fail", error="an answer without end")),
        (said(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), Answer("ok", 404)),
        (said(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), Answer("fail", 503, "", "status 503")),
        (said(b""), Answer("fail", error="closed without an answer")),
        (
            said(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
            Answer("fail", error="closed in the middle of an answer"),
        ),
        (
            said(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
            Answer("fail", error="an answer that is no http"),
        ),
        (said(b"SSH-2.0-OpenSSH\r\n\r\n"), Answer("fail", error="an answer that is no http")),
        (reset, Answer("fail", error="reset")),
    ],
)
def test_what_came_is_told(server: Callable[[socket.socket], None], expected: Answer) -> None:
    """By one connection and one request."""
    with serving(server) as (port, heard):
        found, wire = attempt("127.0.0.1", port, REQUEST, LIMITS)
        if wire is not None:
            wire.close()
        assert found == expected
    assert heard == [REQUEST]


def test_nobody_listening_is_refused_and_silence_is_unknown() -> None:
    """The one surely failed; of the other nobody knows."""
    assert attempt("127.0.0.1", 9, REQUEST, LIMITS)[0] == Answer("fail", error="refused")
    over = threading.Event()

    def silent(one: socket.socket) -> None:
        over.wait(5)

    with serving(silent) as (port, heard):
        assert attempt("127.0.0.1", port, REQUEST, LIMITS)[0] == Answer("info", error="no answer in time")
        over.set()
    assert heard == [REQUEST]


def test_an_answer_that_drips_in_ends_in_time() -> None:
    """The limit is for the whole answer."""
    over = threading.Event()

    def drip(one: socket.socket) -> None:
        for letter in OK:
            if over.wait(0.1):
                return
            try:
                one.sendall(bytes([letter]))
            except OSError:
                return

    with serving(drip) as (port, _):
        assert attempt("127.0.0.1", port, REQUEST, LIMITS)[0] == Answer("info", error="no answer in time")
        over.set()


def test_a_connection_is_kept_and_its_end_is_a_failure() -> None:
    """Two requests by one connection; the server closes it; the third attempt says so and nothing is tried again."""

    def twice(one: socket.socket) -> None:
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        one.recv(65_536)
        one.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(twice) as (port, heard):
        first, wire = attempt("127.0.0.1", port, REQUEST, LIMITS)
        second, wire = attempt("127.0.0.1", port, REQUEST, LIMITS, wire)
        assert (first.outcome, second.outcome) == ("ok", "ok")
        assert wire is not None
        third, gone = attempt("127.0.0.1", port, REQUEST, LIMITS, wire)
    assert third.outcome == "fail"
    assert third.error.startswith("kept, and ")
    assert gone is None
    assert len(heard) == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.sampled_from([OK, OK[:40], b"HTTP/1.1 200"]), st.binary(max_size=20))
def test_any_bytes_are_an_answer_or_a_failure(start: bytes, end: bytes) -> None:
    """Never an exception."""
    with serving(said(start + end)) as (port, _):
        found, wire = attempt("127.0.0.1", port, REQUEST, LIMITS)
        if wire is not None:
            wire.close()
    assert found.outcome in ("ok", "fail", "info")
