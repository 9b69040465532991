"""Servers for health checks to probe: they answer as configured, and exist only where probes can reach them."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.errors import FeatureLacking, Inconclusive
from surveyor.fixtures.health_endpoints import ProbedServer, count_requests_of, start_local_server, wall_seconds


@pytest.fixture
def server() -> Iterator[ProbedServer]:
    """Start a server without TLS, in a separate event loop; a service second of a probe takes no time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = start_local_server(loop, "127.0.0.1", 0.0, "", lambda _: None)
    yield server
    server.refuse()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def get(server: ProbedServer, path: str = "/", timeout: float = 10.0) -> tuple[int, bytes]:
    """Return status and body of the answer to one request."""
    connection = http.client.HTTPConnection(server.address, server.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_answers_as_configured_and_records_requests(server: ProbedServer) -> None:
    """It answers 200 at first, then the configured status; requests are recorded until `forget`."""
    assert get(server, "/alive") == (200, b"")
    server.answer(404, body=b"gone", after=5)
    assert get(server) == (404, b"gone")
    assert (server.sources, server.paths) == (["127.0.0.1"] * 2, ["/alive", "/"])
    server.forget()
    assert not server.sources
    assert not server.paths


def test_it_can_be_healthy_for_some_sources_only(server: ProbedServer) -> None:
    """Requests from other addresses get 503."""
    server.answer(healthy_for=["127.0.0.1"])
    assert get(server)[0] == 200
    server.answer(healthy_for=["127.0.0.2"])
    assert get(server)[0] == 503


def test_it_refuses_and_returns_at_the_same_port(server: ProbedServer) -> None:
    """After `refuse` the system refuses connections; a new answer listens on the same port."""
    port = server.port
    server.refuse()
    with pytest.raises(ConnectionRefusedError):
        get(server)
    server.answer(204)
    assert server.port == port
    assert get(server)[0] == 204


def test_it_does_not_answer(server: ProbedServer) -> None:
    """The connection is accepted, and no answer is sent."""
    server.hang()
    with pytest.raises(TimeoutError):
        get(server, timeout=0.1)


def running(*, local: bool = True, scale: float | None = None, **settings: object) -> Any:
    """Return the parts of a running target that the fixture uses; without settings there is no control endpoint."""
    control = SimpleNamespace(settings=lambda: settings, scale=lambda: scale) if settings else None
    return SimpleNamespace(target=SimpleNamespace(name="some", is_local=local), control=control)


@pytest.mark.parametrize(("scale", "expected"), [(None, 0.1), (1.0, 1.0), (4.0, 0.25), (100.0, 0.1)])
def test_a_delay_is_in_the_time_of_the_target(scale: float | None, expected: float) -> None:
    """A service second takes what the target declares on a clock that stands still, and its scale on a flowing one."""
    assert wall_seconds(running(scale=scale, probe_loopback=True, probe_wall=0.1)) == expected


@pytest.mark.parametrize(
    "target",
    [
        running(),
        running(probe_loopback=False, probe_wall=0.1),
        running(local=False, probe_loopback=True, probe_wall=0.1),
    ],
    ids=["no control endpoint", "probes nothing", "elsewhere"],
)
def test_without_probes_the_feature_is_missing(target: Any) -> None:
    """Such a test is `unsupported`, not a failure."""
    with pytest.raises(FeatureLacking, match="some cannot reach"):
        wall_seconds(target)


class LateServer:
    """A clock, and a server in a task that is asked every `every` seconds from one address; words take `late`."""

    def __init__(self, late: float, every: float, *, is_exact: bool = True) -> None:
        self.time, self.late, self.every = 0.0, late, every
        self.is_exact, self.wall = is_exact, 1.0
        self.forgot = 0.0

    def now(self) -> float:
        """Return the time."""
        return self.time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def forget(self) -> None:
        """Forget what was before the word arrived."""
        self.forgot = self.time + self.late  # the word arrives late, and so does its answer
        self.time += 2 * self.late

    @property
    def seen(self) -> dict[str, list[str]]:
        """The requests since then."""
        self.time += self.late
        count = int((self.time - self.forgot) // self.every)
        self.time += self.late
        return {"sources": ["192.0.2.1"] * count, "paths": ["/"] * count, "hosts": []}


@pytest.mark.parametrize("late", [0.0, 1.0, 7.0])
@pytest.mark.parametrize(("every", "fits"), [(10.0, True), (11.5, False), (8.5, False)])
def test_requests_are_counted_however_late_a_server_hears_of_it(late: float, every: float, fits: bool) -> None:
    """The time is known within what the words take: a wrong interval is seen, and a right one fits."""
    server: Any = LateServer(late, every)
    counted = count_requests_of(server, server, 300)
    assert counted.paths == ["/"] * counted.sources["192.0.2.1"]
    assert counted.fits(counted.sources["192.0.2.1"], 10) is fits


@pytest.mark.parametrize(("every", "fits"), [(10.0, True), (10.9, True), (12.0, False), (9.0, False)])
def test_an_interval_begins_with_an_answer(every: float, fits: bool) -> None:
    """Where answers take time, up to a second more is between two requests, and no less."""
    server: Any = LateServer(1.0, every, is_exact=False)
    counted = count_requests_of(server, server, 300)
    assert counted.fits(counted.sources["192.0.2.1"], 10) is fits


def test_a_time_that_is_not_known_is_not_judged() -> None:
    """Where words take so long that a tenth of the time is unknown, nothing is asserted."""
    server: Any = LateServer(8.0, 10)
    with pytest.raises(
        Inconclusive, match="requests of 300 to 332 s were counted: too inexact; run it again with fewer"
    ):
        count_requests_of(server, server, 300)
