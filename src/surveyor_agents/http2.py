"""Answers to HTTP/2 with prior knowledge, which is how gRPC clients connect: a task's part of judging such clients.

Every request has status 200, and the address of the task in the header surveyor-address. One with a body is answered as
a gRPC call, with an empty message, which is a message of every type; another one with the address as JSON. Standard
library only, as all programs of tasks.
"""

import asyncio
import json
import struct
from collections.abc import Callable

__all__ = ["answer"]

_REST = b"SM\r\n\r\n"
"""What follows the first part of the preface, which looks like a request of HTTP/1.1 (RFC 9113, section 3.4)."""

_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_STATUS_200 = b"\x88"  # an entry of the static table (RFC 7541, appendix A)
_MAX_FRAME = 16_384
"""Bytes of a frame that a client may send without being allowed more."""


async def answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    address: str,
    is_stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Answer the requests of one HTTP/2 connection until it ends; headers of requests are not decoded.

    Once the task is stopping, a request is answered and the connection ended by GOAWAY (RFC 9113, section 6.8).
    """
    await reader.readexactly(len(_REST))
    writer.write(_frame(_SETTINGS, 0, 0))
    while True:
        head = await reader.readexactly(9)
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big") & 0x7FFF_FFFF
        if length > _MAX_FRAME:
            return
        payload = await reader.readexactly(length)
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            writer.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _DATA and length:
            for number in (0, stream):
                writer.write(_frame(_WINDOW_UPDATE, 0, number, struct.pack("!I", length)))
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            writer.write(_answer(stream, address, is_grpc=kind == _DATA))
            if is_stopping():
                writer.write(_frame(_GOAWAY, 0, 0, struct.pack("!II", stream, 0)))
                await writer.drain()
                return
        await writer.drain()


def _answer(stream: int, address: str, *, is_grpc: bool) -> bytes:
    kind = "application/grpc" if is_grpc else "application/json"
    headers = _STATUS_200 + _header("content-type", kind) + _header("surveyor-address", address)
    frames = _frame(_HEADERS, _END_HEADERS, stream, headers)
    if not is_grpc:
        body = json.dumps({"address": address}).encode()
        return frames + _frame(_DATA, _END_STREAM, stream, body)
    trailer = _header("grpc-status", "0")
    frames += _frame(_DATA, 0, stream, bytes(5))  # one message, not compressed, of no byte
    return frames + _frame(_HEADERS, _END_STREAM | _END_HEADERS, stream, trailer)


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack("!BBI", kind, flags, stream) + payload


def _header(name: str, value: str) -> bytes:
    """Return a header as HPACK writes one that is in no table (RFC 7541, section 6.2.2)."""
    return b"\0" + b"".join(bytes([len(text)]) + text.encode() for text in (name, value))
