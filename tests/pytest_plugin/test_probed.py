"""Servers that suites have probed: they do as told, and are offered only where probes can reach them."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.errors import FeatureLacking
from surveyor.fixtures.health_endpoints import ProbedServer, wall_seconds


@pytest.fixture
def server() -> Iterator[ProbedServer]:
    """A server without TLS, in a loop of its own; a service second of a probe is no time at all."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = ProbedServer(loop, "127.0.0.1", 0.0, None, lambda _: None)
    yield made
    made.refuse()
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def ask(server: ProbedServer, path: str = "/", timeout: float = 10.0) -> tuple[int, bytes]:
    """Status and body of one answer."""
    connection = http.client.HTTPConnection(server.address, server.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_answers_as_told_and_remembers_who_asked(server: ProbedServer) -> None:
    """200 at first, then what it was told; each request is kept until forgotten."""
    assert ask(server, "/alive") == (200, b"")
    server.answer(404, body=b"gone", after=5)
    assert ask(server) == (404, b"gone")
    assert (server.sources, server.paths) == (["127.0.0.1"] * 2, ["/alive", "/"])
    server.forget()
    assert not server.sources
    assert not server.paths


def test_it_can_be_well_for_some_only(server: ProbedServer) -> None:
    """Others get 503."""
    server.answer(healthy_for=["127.0.0.1"])
    assert ask(server)[0] == 200
    server.answer(healthy_for=["127.0.0.2"])
    assert ask(server)[0] == 503


def test_it_refuses_and_comes_back_at_the_same_port(server: ProbedServer) -> None:
    """A refused connection is the system's own answer."""
    port = server.port
    server.refuse()
    with pytest.raises(ConnectionRefusedError):
        ask(server)
    server.answer(204)
    assert server.port == port
    assert ask(server)[0] == 204


def test_it_hangs(server: ProbedServer) -> None:
    """The connection is there, and nothing comes."""
    server.hang()
    with pytest.raises(TimeoutError):
        ask(server, timeout=0.1)


def running(*, local: bool = True, scale: float | None = None, **settings: object) -> Any:
    """Of a running target what the fixture looks at; no settings: no control endpoint."""
    control = SimpleNamespace(settings=lambda: settings, scale=lambda: scale) if settings else None
    return SimpleNamespace(target=SimpleNamespace(name="some", is_local=local), control=control)


@pytest.mark.parametrize(("scale", "expected"), [(None, 0.1), (1.0, 1.0), (4.0, 0.25), (100.0, 0.1)])
def test_a_delay_is_told_in_the_targets_time(scale: float | None, expected: float) -> None:
    """As the target declares for a clock that stands still, by its scale where it flows, and never quicker."""
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
def test_where_no_probe_comes_the_feature_lacks(target: Any) -> None:
    """Such a test is `unsupported`, not wrong."""
    with pytest.raises(FeatureLacking, match="some cannot reach"):
        wall_seconds(target)
