"""The API servers: start-up, memory, and the two calls that services live on."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import calls, load
from bench.servers import Contestant, Server, memory, started

__all__ = ["Row", "measure", "until"]

SIZES = (10, 100, 1000)
CONNECTIONS = (1, 8, 32)
START_UPS = 5
REGISTRATIONS = 1500


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one server: ``value`` in ``unit``, with latencies (wall milliseconds) where it is a rate."""

    figure: str
    server: str
    value: float
    unit: str
    p50: float | None = None
    p99: float | None = None


def measure(contestant: Contestant, seconds: float, tell: Callable[[str], None]) -> Iterator[Row]:
    """All figures of one server; ``seconds`` of wall time for each load."""
    tell(f"{contestant.name}: start-up, {START_UPS} times")
    readies, memories = [], []
    for _ in range(START_UPS):
        with started(contestant) as server:
            readies.append(server.ready)
            memories.append(memory(server.pid))
    yield Row("start to first answered call", contestant.name, statistics.median(readies), "s")
    yield Row("memory after the first call", contestant.name, statistics.median(memories), "MB")
    with started(contestant) as server:
        client: Any = calls.client(server.account)
        namespace = _namespace(client)
        for size in SIZES:
            service_id = client.create_service(Name=f"size{size}", NamespaceId=namespace)["Service"]["Id"]
            _fill(server, client, service_id, f"size{size}", size)
            for connections in CONNECTIONS:
                tell(f"{contestant.name}: DiscoverInstances, {size} instances, {connections} connections")
                requests = calls.discover(server.account, "bench", f"size{size}")
                yield _rate("DiscoverInstances", contestant, server, requests, size, connections, seconds)
            if contestant.name == "embedded" and size == SIZES[0]:
                yield from _enforced(contestant, server, seconds, tell)
            for connections in CONNECTIONS:
                tell(f"{contestant.name}: RegisterInstance, {size} instances, {connections} connections")
                requests = calls.register(server.account, service_id, f"more{connections}", REGISTRATIONS)
                yield _rate("RegisterInstance", contestant, server, requests, size, connections, seconds)
        yield Row("memory at the end", contestant.name, memory(server.pid), "MB")


def _enforced(contestant: Contestant, server: Server, seconds: float, tell: Callable[[str], None]) -> Iterator[Row]:
    """The same call by a user whose policies are asked, directly before and after it by the owner, whose are not."""
    account = server.account
    user = calls.user(account)
    for label, who in (("owner", account), ("user with policies", user), ("owner again", account)):
        tell(f"{contestant.name}: DiscoverInstances by the {label}")
        requests = calls.discover(who, "bench", f"size{SIZES[0]}")
        figures = load.run(account.host, account.port, requests, connections=8, seconds=seconds)
        if figures.errors:
            raise SystemExit(f"{contestant.name} refused {figures.errors} calls: {figures.first_error}")
        yield Row(
            f"DiscoverInstances by the {label}", contestant.name, figures.rate, "/s",
            figures.quantile(0.5) * 1000, figures.quantile(0.99) * 1000,
        )  # fmt: skip


def _rate(
    call: str,
    contestant: Contestant,
    server: Server,
    requests: Iterator[bytes],
    size: int,
    connections: int,
    seconds: float,
) -> Row:
    account = server.account
    figures = load.run(account.host, account.port, requests, connections=connections, seconds=seconds)
    if figures.errors:
        raise SystemExit(f"{contestant.name} refused {figures.errors} of the {call} calls: {figures.first_error}")
    return Row(
        f"{call}, {size} instances, {connections} connections",
        contestant.name,
        figures.rate,
        "/s",
        figures.quantile(0.5) * 1000,
        figures.quantile(0.99) * 1000,
    )


def _namespace(client: Any) -> str:
    operation = client.create_http_namespace(Name="bench")["OperationId"]
    found = until(
        lambda: client.get_operation(OperationId=operation)["Operation"], lambda one: one["Status"] == "SUCCESS"
    )
    return str(found["Targets"]["NAMESPACE"])


def _fill(server: Server, client: Any, service_id: str, name: str, size: int) -> None:
    """Register ``size`` instances, and wait until DiscoverInstances shows them."""
    account = server.account
    figures = load.run(
        account.host, account.port, calls.register(account, service_id, "first", size), connections=4, seconds=60
    )
    if len(figures.latencies) != size:
        raise SystemExit(f"only {len(figures.latencies)} of {size} registrations came through: {figures.first_error}")
    until(
        lambda: client.discover_instances(NamespaceName="bench", ServiceName=name, MaxResults=1000)["Instances"],
        lambda found: len(found) >= size,
    )


def until(ask: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    """The first answer that is enough, asked for ten times a second for half a minute; ends the run without one."""
    pause = threading.Event()
    answer: Any = None
    for _ in range(300):
        answer = ask()
        if enough(answer):
            return answer
        pause.wait(0.1)
    raise SystemExit(f"a server did not come to the expected state within 30 s; last came {str(answer)[:200]}")
