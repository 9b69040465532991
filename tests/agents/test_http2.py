"""The answers of tasks to clients that know HTTP/2."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from surveyor_agents import http2


async def _exchange(sent: bytes, *, stopping: bool = False) -> bytes:
    """Return what is answered to a connection, after the first part of its preface, until it ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await http2.answer(reader, writer, "127.0.0.1", lambda: stopping)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(sent)
    writer.write_eof()
    answered = await reader.read()
    writer.close()
    server.close()
    return answered


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _frames(data: bytes) -> list[tuple[int, int, int, bytes]]:
    found = []
    while data:
        length = int.from_bytes(data[:3], "big")
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), data[9 : 9 + length]))
        data = data[9 + length :]
    return found


def test_a_task_that_is_stopping_ends_the_connection() -> None:
    """It answers the request, and names it in a GOAWAY frame; the next one is not answered."""
    requests = _frame(1, 5, 1, b"\x82") + _frame(1, 5, 3, b"\x82")
    answered = _frames(asyncio.run(_exchange(b"SM\r\n\r\n" + requests, stopping=True)))
    assert answered[-1] == (7, 0, 0, bytes([0, 0, 0, 1, 0, 0, 0, 0]))
    assert {stream for _, _, stream, _ in answered} == {0, 1}


@pytest.mark.parametrize("has_body", [True, False], ids=["a call of gRPC", "a GET"])
def test_requests_are_answered(*, has_body: bool) -> None:
    """A client that knows HTTP/2 gets status 200 and the address of the task; its pings are answered."""
    request = _frame(1, 4, 1, b"\x82") + _frame(0, 1, 1, bytes(5)) if has_body else _frame(1, 5, 1, b"\x82")
    sent = b"SM\r\n\r\n" + _frame(4, 0, 0) + _frame(6, 0, 0, b"12345678") + request
    answered = _frames(asyncio.run(_exchange(sent)))
    assert (4, 0, 0, b"") in answered
    assert (4, 1, 0, b"") in answered
    assert (6, 1, 0, b"12345678") in answered
    headers = next(payload for kind, _, stream, payload in answered if (kind, stream) == (1, 1))
    assert headers.startswith(b"\x88")
    assert b"\x10surveyor-address\x09127.0.0.1" in headers
    last = answered[-1]
    assert last[1] & 1
    assert (b"grpc-status" in last[3]) is has_body
