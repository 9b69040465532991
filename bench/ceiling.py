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
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

from bench import calls
from bench.registry import Measurement, create_namespace, register_instances
from bench.rounds import CONNECTIONS, Load, exchange_once, send_load
from bench.servers import ServerSpec, run_server

__all__ = ["CANNED", "COST", "LOAD_COST", "RATE", "measure"]

ROUNDS = 9
INSTANCES = 10
RATE = f"DiscoverInstances beside a canned answer, {INSTANCES} instances, {CONNECTIONS} connections"
COST = "processor time per DiscoverInstances"
LOAD_COST = "processor time of the load per call"
CANNED = "canned answer"


def measure(spec: ServerSpec, seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure medians of rounds in which both are loaded; all rounds together take about ``6 * seconds`` of wall time.

    Rounds are short, so that other work on the machine slows down both sides of most of them.
    """
    with run_server(spec) as server:
        client: Any = calls.client(server.account)
        service = client.create_service(Name="ceiling", NamespaceId=create_namespace(client))["Service"]["Id"]
        register_instances(server, client, service, "ceiling", INSTANCES)
        requests = calls.discover(server.account, "bench", "ceiling")
        answer = exchange_once(server, next(requests))
        loads: dict[str, list[Load]] = {spec.name: [], CANNED: []}
        with _run_canned(answer) as (port, pid):
            for number in range(1, ROUNDS + 1):
                print_progress(f"{spec.name} and a canned answer, {number} of {ROUNDS}")
                loads[spec.name].append(send_load(server.account.port, server.pid, requests, seconds / 3))
                loads[CANNED].append(send_load(port, pid, requests, seconds / 3))
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
