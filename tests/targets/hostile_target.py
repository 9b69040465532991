"""A target that answers one operation properly and every other one as a broken or hostile program does.

`KINDS` has the ways by name: each writes to a connection what stands in the place of an answer.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader

__all__ = ["ANSWERS", "KINDS", "PROPER", "SANE", "WITHOUT_END", "HostileTarget", "serve"]

SANE = "ListNamespaces"
"""The operation by which a target is found to have Cloud Map: it is answered properly."""

PAUSE = 0.05
"""Wall seconds between two bytes of an answer that drips."""

Writer = Callable[[socket.socket, threading.Event], None]


def http_answer(body: bytes, status: str = "200 OK", kind: str = "application/x-amz-json-1.1", more: str = "") -> bytes:
    """Return a complete response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode("latin-1") + body


def json_answer(value: object) -> bytes:
    """Return a complete response with a value as JSON."""
    return http_answer(json.dumps(value).encode())


def _send(data: bytes) -> Writer:
    return lambda connection, ended: connection.sendall(data)


def _bomb(connection: socket.socket, ended: threading.Event) -> None:
    """Send a few kilobytes that are 50 MB unpacked. They are packed here, since that takes a third of a second."""
    connection.sendall(http_answer(gzip.compress(b" " * 50_000_000), more="Content-Encoding: gzip\r\n"))


def _repeat(head: bytes, piece: bytes) -> Writer:
    def write(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(head)
        while not ended.is_set():
            connection.sendall(piece)

    return write


def _drip(head: bytes, byte: bytes) -> Writer:
    def write(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(head)
        while not ended.wait(PAUSE):
            connection.sendall(byte)

    return write


def _reset(connection: socket.socket, ended: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _silent(connection: socket.socket, ended: threading.Event) -> None:
    ended.wait()


_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
_ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_SERVICE = {"Id": "srv-1", "InstanceCount": 2, "CreateDate": 1_790_000_000}


def _service(**members: object) -> bytes:
    return json_answer({"Services": [{**_SERVICE, **members}]})


WITHOUT_END: dict[str, Writer] = {
    "silent": _silent,
    "drip": _drip(_LENGTH, b" "),
    "drip of headers": _drip(b"HTTP/1.1 200 OK\r\n", b"X"),
    "drip before the status": _drip(b"", b"H"),
    "100 for ever": _repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "100 for ever, slowly": _drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body without end": _repeat(_ENDLESS, b" " * 65_536),
    "a body without end, with a length": _repeat(_LENGTH, b"[" * 65_536),
    "chunks without end": _repeat(_CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"),
    "a size of a chunk without end": _repeat(_CHUNKED, b"0" * 65_536),
    "small chunks without end": _drip(_CHUNKED, b"1\r\n{\r\n"),
    "a megabyte after the other": _send(http_answer(b"{" + b" " * (9 << 20) + b"}")),
}
"""Answers that do not end, or not within the limits of an answer."""

BROKEN: dict[str, Writer] = {
    "reset": _reset,
    "closed": _send(b""),
    "cut": _send(http_answer(b'{"Services": []}')[:-8]),
    "headers without end": _repeat(b"HTTP/1.1 200 OK\r\n", b"X-Header: value\r\n" * 1_000),
    "a header of 10 MB": _send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000_000),
    "100,000 headers": _send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"),
    "no HTTP": _send(b"\x00\x01 hello\r\n\r\n"),
    "status 000": _send(http_answer(b"{}", "000 Nothing")),
    "status abc": _send(http_answer(b"{}", "abc Nothing")),
    "a wrong chunk": _send(_CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"),
}
"""Answers that are no HTTP, or end too early."""

ANSWERS: dict[str, Writer] = {
    "status 999": _send(http_answer(b"{}", "999 Odd")),
    "status 204": _send(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "status 302": _send(http_answer(b"", "302 Found", more="Location: http://127.0.0.1:9/\r\n")),
    "status 500": _send(http_answer(b"oops", "500 Oops", "text/plain")),
    "status 103": _send(b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n"),
    "null": _send(http_answer(b"null")),
    "an error of null": _send(http_answer(b"null", "400 Bad")),
    "a list": _send(http_answer(b"[1, 2]")),
    "a text": _send(http_answer(b'"Services"')),
    "a number": _send(http_answer(b"17")),
    "wrong types": _send(json_answer({"Services": {"a": 1}, "NextToken": 7})),
    "wrong types inside": _send(_service(CreateDate=[], InstanceCount="many", Id={"a": 1})),
    "null members": _send(json_answer({"Services": None})),
    "null entries": _send(json_answer({"Services": [None, None]})),
    "NaN": _send(http_answer(b'{"Services": [{"Id": "srv-1", "InstanceCount": NaN, "CreateDate": 1}]}')),
    "a number without end": _send(http_answer(b'{"Services": [{"InstanceCount": ' + b"9" * 9_000 + b"}]}")),
    "a huge number": _send(_service(InstanceCount=10**40)),
    "infinity": _send(http_answer(b'{"Services": [{"Id": "srv-1", "InstanceCount": 1e999, "CreateDate": 1}]}')),
    "a negative number": _send(_service(InstanceCount=-5)),
    "a date out of range": _send(_service(CreateDate=10**18)),
    "a negative date": _send(_service(CreateDate=-(10**14))),
    "a date as text": _send(_service(CreateDate="tomorrow")),
    "no UTF-8": _send(http_answer(b'{"Services": [{"Id": "\xff\xfe"}]}')),
    "UTF-16": _send(http_answer('{"Services": []}'.encode("utf-16"))),
    "half of a surrogate pair": _send(http_answer(b'{"Services": [{"Id": "\\ud800"}]}')),
    "nested 100,000": _send(http_answer(b"[" * 100_000 + b"]" * 100_000)),
    "nested 900": _send(http_answer(b'{"Services": [{"Id": ' + b"[" * 900 + b"]" * 900 + b"}]}")),
    "an error nested 900": _send(http_answer(b'{"message": ' + b"[" * 900 + b"]" * 900 + b"}", "400 Bad")),
    "an error with a list as code": _send(http_answer(b'{"__type": [1], "message": {"a": 1}}', "400 Bad")),
    "members twice": _send(http_answer(b'{"Services": [], "Services": [{"Id": "srv-1"}]}')),
    "a web page": _send(http_answer(b"<!doctype html><title>hello</title>", kind="text/html")),
    "XML": _send(http_answer(b"<?xml version='1.0'?><a/>", kind="text/xml")),
    "a gzip bomb": _bomb,
    "millions of values": _send(http_answer(b'{"Services": [' + b"{}," * 2_000_000 + b"{}]}")),
    "no body": _send(http_answer(b"")),
    "a blank body": _send(http_answer(b"  ")),
    "the same page for ever": _send(json_answer({"Services": [], "NextToken": "again"})),
    "terminal escapes": _send(http_answer(b'{"__type": "\\u001b[2J", "message": "\\u202e\\u001b]0;x"}', "400 Bad")),
}
"""Complete answers of HTTP with odd content: each is a verdict on the test that asked."""


def _pages() -> Writer:
    numbers = iter(range(10**9))
    return lambda connection, ended: connection.sendall(json_answer({"Services": [], "NextToken": str(next(numbers))}))


ANSWERS["pages without end"] = _pages()

PROPER = "a proper answer"

KINDS = {PROPER: _send(_service())} | WITHOUT_END | BROKEN | ANSWERS


def by_name(body: bytes) -> Writer:
    """Return the way that the request of a list names as its first filter."""
    return KINDS[json.loads(body)["Filters"][0]["Name"]]


@dataclass
class HostileTarget:
    """A server that answers the operation `only`, or all, by what `choose` returns for a body.

    `SANE` is answered properly the first `sane` times; what is not hostile has no answer but 404.
    """

    choose: Callable[[bytes], Writer]
    only: str = ""
    sane: int = 10**9
    ended: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def handle(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with suppress(OSError), connection, connection.makefile("rb") as reader:
            while (request := _read_request(reader)) and not self.ended.is_set():
                operation, body = request
                self.asked.append(operation)
                if operation == SANE and self.asked.count(SANE) <= self.sane:
                    connection.sendall(json_answer({"Namespaces": []}))
                elif self.only not in ("", operation):
                    connection.sendall(http_answer(b"", "404 Not Found"))
                else:
                    write = self.choose(body)
                    write(connection, self.ended)
                    if write not in ANSWERS.values() and write is not KINDS[PROPER]:
                        return


def _read_request(reader: BufferedReader) -> tuple[str, bytes] | None:
    """Return operation, or path, and body of the next request; None at the end."""
    first = reader.readline().decode("latin-1")
    headers = {}
    for line in iter(reader.readline, b"\r\n"):
        if not line:
            return None
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", 0)))
    return (headers.get("x-amz-target", "").rpartition(".")[2] or first.split(" ")[1], body) if first else None


@contextmanager
def serve(kind: str = "", only: str = "", sane: int = 10**9) -> Iterator[HostileTarget]:
    """Run a hostile target of one kind, or of that which each request names, on a free port of this machine."""
    target = HostileTarget((lambda body: KINDS[kind]) if kind else by_name, only, sane)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        target.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while not target.ended.is_set():
                    connection, _ = listener.accept()
                    threading.Thread(target=target.handle, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield target
        finally:
            target.ended.set()
            listener.shutdown(socket.SHUT_RDWR)
