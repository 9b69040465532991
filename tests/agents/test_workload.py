"""The program that tasks run, as a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor_agents import workload

LARGEST_DEFINITION = 64 * 1024
PATIENCE = 10.0  # wall seconds


class Served:
    """One process of the workload."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, port: int) -> None:
        self.process, self.address, self.port = process, address, port

    def ask(self, path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
        """Status and answer of one request with a connection of its own."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """What comes to bytes, until the other side has closed or nothing more comes."""
        with socket.create_connection((self.address, self.port), PATIENCE) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            actual = b""
            while part := connection.recv(65_536):
                actual += part
            return actual


Serve = Callable[..., Served]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts workloads in a bare interpreter, by their text, as a public image would."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> Served:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, "-I", *workload.command("serve", "--port", str(port), *arguments)[1:]]
        process = subprocess.Popen(
            command, env={"SURVEYOR_ADDRESS": "127.0.0.1", "PATH": os.defpath, **environment}, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert b'"listening"' in process.stdout.readline()
        return Served(process, "127.0.0.1", port)

    yield start
    for one in started:
        one.kill()
        one.wait()
        assert one.stdout is not None
        one.stdout.close()


def test_it_fits_into_a_task_definition() -> None:
    """Its text, twice (for the command and a health check), leaves a quarter of a task definition's 64 KiB."""
    assert 2 * len(json.dumps(workload.source())) < LARGEST_DEFINITION * 3 / 4


def test_it_says_who_answered(serve: Serve) -> None:
    """Address, process, and how many requests it has served; status and size as they are asked for."""
    served = serve()
    told = [served.ask("/")[1] for _ in range(3)]
    assert [one["served"] for one in told] == [1, 2, 3]
    assert {(one["address"], one["pid"], one["stopping"]) for one in told} == {("127.0.0.1", served.process.pid, False)}
    assert served.ask("/?status=503")[0] == 503
    assert len(served.ask("/?bytes=1000")[1]["padding"]) == 1000
    assert served.ask("/nothing")[0] == 404


def test_one_connection_takes_many_requests(serve: Serve) -> None:
    """Keep-alive, as a client that is pinned to a task uses it."""
    served = serve()
    connection = http.client.HTTPConnection(served.address, served.port, timeout=PATIENCE)
    for number in range(1, 4):
        connection.request("GET", "/")
        assert json.loads(connection.getresponse().read())["served"] == number
    connection.close()


@pytest.mark.parametrize(("do", "code", "status"), [("pass", 0, 200), ("fail", 1, 503)])
def test_health_is_as_told(serve: Serve, do: str, code: int, status: int) -> None:
    """What a health check of the same file finds."""
    served = serve()
    assert served.ask(f"/health?do={do}", "PUT")[0] == 200
    assert served.ask("/health")[0] == status
    check = [sys.executable, *workload.command("check", "--port", str(served.port))[1:]]
    assert subprocess.run(check, env={"SURVEYOR_ADDRESS": "127.0.0.1"}, check=False).returncode == code


def test_health_that_hangs_and_health_that_is_slow(serve: Serve) -> None:
    """Told to hang it does not answer, told to be slow it takes its service seconds."""
    served = serve(SURVEYOR_SECOND="0.05")
    served.ask("/health?do=slow&seconds=2", "PUT")
    began = time.monotonic()
    assert served.ask("/health")[0] == 200
    assert time.monotonic() - began >= 0.1
    served.ask("/health?do=hang", "PUT")
    connection = http.client.HTTPConnection(served.address, served.port, timeout=0.3)
    connection.request("GET", "/health")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert served.ask("/")[0] == 200


def test_sigterm_ends_it_at_once(serve: Serve) -> None:
    """By default it closes and ends with 0, and has told so."""
    served = serve()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(PATIENCE) == 0
    assert served.process.stdout is not None
    told = [json.loads(line)["event"] for line in served.process.stdout.read().splitlines()]
    assert told == ["sigterm", "closed"]


def test_it_drains(serve: Serve) -> None:
    """Told to drain it goes on answering, says that it is stopping, and finishes what it has begun."""
    served = serve("--on-term", "drain", "--drain", "10", SURVEYOR_SECOND="0.05")
    slow = http.client.HTTPConnection(served.address, served.port, timeout=PATIENCE)
    slow.request("GET", "/?after=15")
    while served.ask("/")[1]["served"] < 2:
        pass
    served.process.send_signal(signal.SIGTERM)
    while not served.ask("/")[1]["stopping"]:
        pass
    assert [what for what, _ in served.ask("/lifetime")[1]["events"]] == ["listening", "sigterm"]
    assert slow.getresponse().status == 200
    slow.close()
    assert served.process.wait(PATIENCE) == 0


def test_it_ignores_sigterm(serve: Serve) -> None:
    """Told to ignore it, it goes on until it is killed."""
    served = serve("--on-term", "ignore")
    served.process.send_signal(signal.SIGTERM)
    while not served.ask("/")[1]["stopping"]:
        pass
    assert served.process.poll() is None


def test_it_exits_when_told(serve: Serve) -> None:
    """At once, with the code, and no answer."""
    served = serve()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        served.ask("/exit?code=3", "PUT")
    assert served.process.wait(PATIENCE) == 3


@pytest.mark.parametrize(
    "path",
    ["/?status=99", "/?status=x", "/?after=-1", "/?after=1e9", "/resolve?type=MX&name=a.test", "/resolve?name=a..b"],
)
def test_what_cannot_be_is_refused(serve: Serve, path: str) -> None:
    """400 with what is wrong, and it goes on."""
    served = serve(SURVEYOR_DNS="127.0.0.1:9")
    status, told = served.ask(path)
    assert (status, set(told)) == (400, {"error"})
    assert served.ask("/")[0] == 200


def test_whatever_comes_it_goes_on(serve: Serve) -> None:
    """Any bytes have an answer or a closed connection; nothing ends it."""
    served = serve()
    line = st.binary(max_size=60)
    heads = st.builds(lambda lines: b"\r\n".join(lines) + b"\r\n\r\n", st.lists(line, max_size=5))
    begun = st.builds(lambda rest: b"GET / HTTP/1.1\r\nContent-Length: " + rest + b"\r\n\r\n", line)

    @settings(max_examples=150, deadline=None)
    @given(st.one_of(st.binary(max_size=400), heads, begun))
    def send(data: bytes) -> None:
        served.raw(data)
        assert served.process.poll() is None

    send()
    assert served.ask("/")[0] == 200
