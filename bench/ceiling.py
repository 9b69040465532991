"""The ceiling of DiscoverInstances: the same answer, canned, from a bare asyncio protocol.

What the embedded target adds to it is the work of a request: reading it, checking its signature, validation, and the
answer in random order. Both run under the same load in turn. Processor time per call is compared as well as rates:
the rate of the canned answer is also limited by what one process of load can send.

As a program it is the canned server: `python -m bench.ceiling` reads the response from standard input, prints its port,
and answers until it is terminated.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from bench import calls
from bench.registry import Measurement, create_namespace, register_instances
from bench.servers import Server, ServerSpec, run_server

__all__ = ["CANNED", "COST", "LOAD_COST", "RATE", "measure"]

ROUNDS = 9
INSTANCES = 10
CONNECTIONS = 8
RATE = f"DiscoverInstances beside a canned answer, {INSTANCES} instances, {CONNECTIONS} connections"
COST = "processor time per DiscoverInstances"
LOAD_COST = "processor time of the load per call"
CANNED = "canned answer"


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one load: calls per wall second, and processor microseconds per call of the server and here."""

    rate: float
    server_cost: float
    load_cost: float


def measure(spec: ServerSpec, seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure medians of rounds in which both are loaded; all rounds together take about ``6 * seconds`` of wall time.

    Rounds are short, so that other work on the machine slows down both sides of most of them.
    """
    with run_server(spec) as server:
        client: Any = calls.client(server.account)
        service = client.create_service(Name="ceiling", NamespaceId=create_namespace(client))["Service"]["Id"]
        register_instances(server, client, service, "ceiling", INSTANCES)
        requests = calls.discover(server.account, "bench", "ceiling")
        answer = _exchange_once(server, next(requests))
        loads: dict[str, list[Load]] = {spec.name: [], CANNED: []}
        with _run_canned(answer) as (port, pid):
            for number in range(1, ROUNDS + 1):
                print_progress(f"{spec.name} and a canned answer, {number} of {ROUNDS}")
                loads[spec.name].append(_load(server.account.port, server.pid, requests, seconds / 3))
                loads[CANNED].append(_load(port, pid, requests, seconds / 3))
    for name, rounds in loads.items():
        yield Measurement(RATE, name, statistics.median(load.rate for load in rounds), "/s")
        yield Measurement(COST, name, statistics.median(load.server_cost for load in rounds), "µs")
        yield Measurement(LOAD_COST, name, statistics.median(load.load_cost for load in rounds), "µs")


@contextlib.contextmanager
def _run_canned(answer: bytes) -> Iterator[tuple[int, int]]:
    """Run the canned server; yield its port and its process id."""
    command = [sys.executable, "-m", "bench.ceiling"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(answer)
            process.stdin.close()
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def _exchange_once(server: Server, request: bytes) -> bytes:
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


def _load(port: int, pid: int, requests: Iterator[bytes], seconds: float) -> Load:
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


class _Canned(asyncio.Protocol):
    """Send the response whenever a request arrives: each is small enough for one segment."""

    def __init__(self, response: bytes) -> None:
        self._response = response

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._response)


async def _serve(response: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Canned(response), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.stdin.buffer.read()))
