"""Load in short rounds, for comparisons of servers by processor time per call.

Other work on the machine slows down both sides of most rounds, and hardly changes processor time.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Server

__all__ = ["CONNECTIONS", "Load", "exchange_once", "send_load"]

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one load: calls per wall second, and processor microseconds per call of the server and here."""

    rate: float
    server_cost: float
    load_cost: float


def exchange_once(server: Server, request: bytes) -> bytes:
    """Return the whole response to one request."""
    with socket.create_connection((server.account.host, server.account.port)) as connection:
        connection.sendall(request)
        response = b""
        while not _is_complete(response):
            data = connection.recv(65_536)
            if not data:
                raise SystemExit("the server closed the connection before its response was complete")
            response += data
        return response


def send_load(port: int, pid: int, requests: Iterator[bytes], seconds: float) -> Load:
    """Send requests over several connections, each the next one when the previous response is complete.

    Plain sockets and epoll, since a parser in the client would cost more than the canned answer.
    """
    poll = select.epoll()
    connections: dict[int, socket.socket] = {}
    partial: dict[int, bytes] = {}
    answered = 0
    server_before, before, began = _processor_seconds(pid), time.process_time(), time.perf_counter()
    try:
        for _ in range(CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections[connection.fileno()] = connection
            poll.register(connection.fileno(), select.EPOLLIN)
            connection.sendall(next(requests))
        while time.perf_counter() < began + seconds:
            for number, _ in poll.poll(1.0):
                connection = connections[number]
                data = connection.recv(65_536)
                if not data:
                    raise SystemExit("a server closed a connection under load")
                response = partial.pop(number, b"") + data
                if _is_complete(response):
                    answered += 1
                    connection.sendall(next(requests))
                else:
                    partial[number] = response
    finally:
        poll.close()
        for connection in connections.values():
            connection.close()
    took = time.perf_counter() - began
    if not answered:
        raise SystemExit("a server answered no call under load")
    server_cost, load_cost = _processor_seconds(pid) - server_before, time.process_time() - before
    return Load(answered / took, 1e6 * server_cost / answered, 1e6 * load_cost / answered)


def _processor_seconds(pid: int) -> float:
    """Return the processor time of the main thread of a process; clock ticks would be too coarse for a round."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _is_complete(response: bytes) -> bool:
    """Return whether a response is complete. Ends the run if its status is not 200."""
    end = response.find(b"\r\n\r\n")
    if end < 0:
        return False
    if response[9:12] != b"200":
        raise SystemExit(f"expected status 200, got {response[:300]!r}")
    start = response.find(b"Content-Length: ") + len(b"Content-Length: ")
    return len(response) >= end + 4 + int(response[start : response.find(b"\r", start)])
