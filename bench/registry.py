"""API servers: start-up, memory, and the rates of RegisterInstance and DiscoverInstances."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import calls, load
from bench.servers import Server, ServerSpec, find_python, memory, run_server

__all__ = ["Measurement", "create_namespace", "measure", "measure_start", "register_instances", "until"]

SIZES = (10, 100, 1000)
CONNECTIONS = (1, 8, 32)
START_UPS = 5
REGISTRATIONS = 1500


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of one server: ``value`` in ``unit``; a rate also has latencies in wall milliseconds."""

    figure: str
    server: str
    value: float
    unit: str
    p50: float | None = None
    p99: float | None = None


def measure_start(specs: Sequence[ServerSpec], print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure the start of the servers, in turn, so that other work on the machine slows all of them down."""
    for spec in specs:
        find_python(spec)
    starts: dict[str, list[float]] = {spec.name: [] for spec in specs}
    memories: dict[str, list[float]] = {spec.name: [] for spec in specs}
    for number in range(1, START_UPS + 1):
        print_progress(f"start-up, {number} of {START_UPS}")
        for spec in specs:
            with run_server(spec) as server:
                starts[spec.name].append(server.ready)
                memories[spec.name].append(memory(server.pid))
    for name, seconds in starts.items():
        yield Measurement("start to first answered call", name, statistics.median(seconds), "s")
        yield Measurement("memory after the first call", name, statistics.median(memories[name]), "MB")


def measure(spec: ServerSpec, seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Measure the rates of one server; each load takes ``seconds`` of wall time."""
    with run_server(spec) as server:
        client: Any = calls.client(server.account)
        namespace = create_namespace(client)
        for size in SIZES:
            service_id = client.create_service(Name=f"size{size}", NamespaceId=namespace)["Service"]["Id"]
            register_instances(server, client, service_id, f"size{size}", size)
            for connections in CONNECTIONS:
                print_progress(f"{spec.name}: DiscoverInstances, {size} instances, {connections} connections")
                requests = calls.discover(server.account, "bench", f"size{size}")
                yield _measure_rate("DiscoverInstances", spec, server, requests, size, connections, seconds)
            if spec.name == "embedded" and size == SIZES[0]:
                yield from _measure_policies(spec, server, seconds, print_progress)
            for connections in CONNECTIONS:
                print_progress(f"{spec.name}: RegisterInstance, {size} instances, {connections} connections")
                requests = calls.register(server.account, service_id, f"more{connections}", REGISTRATIONS)
                yield _measure_rate("RegisterInstance", spec, server, requests, size, connections, seconds)
        yield Measurement("memory at the end", spec.name, memory(server.pid), "MB")


def _measure_policies(
    spec: ServerSpec, server: Server, seconds: float, print_progress: Callable[[str], None]
) -> Iterator[Measurement]:
    """Compare calls of a user, whose policies are evaluated, with calls of the owner directly before and after."""
    account = server.account
    user = calls.create_user(account)
    for label, caller in (("owner", account), ("user with policies", user), ("owner again", account)):
        print_progress(f"{spec.name}: DiscoverInstances by the {label}")
        requests = calls.discover(caller, "bench", f"size{SIZES[0]}")
        figures = load.run(account.host, account.port, requests, connections=8, seconds=seconds)
        if figures.errors:
            raise SystemExit(f"{spec.name} refused {figures.errors} calls: {figures.first_error}")
        yield Measurement(
            f"DiscoverInstances by the {label}", spec.name, figures.rate, "/s",
            figures.quantile(0.5) * 1000, figures.quantile(0.99) * 1000,
        )  # fmt: skip


def _measure_rate(
    call: str,
    spec: ServerSpec,
    server: Server,
    requests: Iterator[bytes],
    size: int,
    connections: int,
    seconds: float,
) -> Measurement:
    account = server.account
    figures = load.run(account.host, account.port, requests, connections=connections, seconds=seconds)
    if figures.errors:
        raise SystemExit(f"{spec.name} refused {figures.errors} of the {call} calls: {figures.first_error}")
    return Measurement(
        f"{call}, {size} instances, {connections} connections",
        spec.name,
        figures.rate,
        "/s",
        figures.quantile(0.5) * 1000,
        figures.quantile(0.99) * 1000,
    )


def create_namespace(client: Any) -> str:
    """Create the namespace of the measurements and return its id."""
    operation = client.create_http_namespace(Name="bench")["OperationId"]
    state = until(
        lambda: client.get_operation(OperationId=operation)["Operation"], lambda state: state["Status"] == "SUCCESS"
    )
    return str(state["Targets"]["NAMESPACE"])


def register_instances(server: Server, client: Any, service_id: str, name: str, size: int) -> None:
    """Register ``size`` instances, and wait until DiscoverInstances returns them."""
    account = server.account
    figures = load.run(
        account.host, account.port, calls.register(account, service_id, "first", size), connections=4, seconds=60
    )
    if len(figures.latencies) != size:
        raise SystemExit(f"expected {size} registrations, got {len(figures.latencies)}: {figures.first_error}")
    until(
        lambda: client.discover_instances(NamespaceName="bench", ServiceName=name, MaxResults=1000)["Instances"],
        lambda instances: len(instances) >= size,
    )


def until(poll: Callable[[], Any], is_complete: Callable[[Any], bool]) -> Any:
    """Poll ten times per second for 30 s and return the first complete answer; end the run if there is none."""
    pause = threading.Event()
    answer: Any = None
    for _ in range(300):
        answer = poll()
        if is_complete(answer):
            return answer
        pause.wait(0.1)
    raise SystemExit(f"a server did not reach the expected state within 30 s; last answer: {str(answer)[:200]}")
