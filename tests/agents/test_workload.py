"""The program that tasks run, as a separate process."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor_agents import workload

pytestmark = pytest.mark.soak  # each test starts the program

MAX_DEFINITION = 64 * 1024
TIMEOUT = 10.0  # wall seconds


class RunningWorkload:
    """One process of the workload."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, port: int) -> None:
        self.process, self.address, self.port = process, address, port

    def ask(self, path: str, method: str = "GET") -> tuple[int, dict[str, Any]]:
        """Send one request by a new connection; return status and answer."""
        connection = http.client.HTTPConnection(self.address, self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """Send bytes; return what the workload answers until it closes the connection."""
        with socket.create_connection((self.address, self.port), TIMEOUT) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(65_536):
                answer += part
            return answer


Serve = Callable[..., RunningWorkload]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start workloads in a bare interpreter, by their text, as a public image would."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> RunningWorkload:
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
        return RunningWorkload(process, "127.0.0.1", port)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_it_fits_into_a_task_definition() -> None:
    """Three times (two containers and a health check), it leaves 6 KiB of a task definition's 64 KiB."""
    assert 3 * len(json.dumps(workload.source())) < MAX_DEFINITION - 6 * 1_024


def test_it_reports_its_identity(serve: Serve) -> None:
    """The answer has address, process and number of requests served; status and size are as requested."""
    running = serve()
    answers = [running.ask("/")[1] for _ in range(3)]
    assert [answer["served"] for answer in answers] == [1, 2, 3]
    assert {(answer["address"], answer["pid"], answer["stopping"]) for answer in answers} == {
        ("127.0.0.1", running.process.pid, False)
    }
    assert running.ask("/?status=503")[0] == 503
    assert len(running.ask("/?bytes=1000")[1]["padding"]) == 1000
    assert running.ask("/nothing")[0] == 404


def test_one_connection_takes_many_requests(serve: Serve) -> None:
    """A connection is kept alive, as a client that is pinned to a task needs it."""
    running = serve()
    connection = http.client.HTTPConnection(running.address, running.port, timeout=TIMEOUT)
    for number in range(1, 4):
        connection.request("GET", "/")
        assert json.loads(connection.getresponse().read())["served"] == number
    connection.close()


@pytest.mark.parametrize(("do", "code", "status"), [("pass", 0, 200), ("fail", 1, 503)])
def test_health_is_as_set(serve: Serve, do: str, code: int, status: int) -> None:
    """A health check by the same file passes or fails as set."""
    running = serve()
    assert running.ask(f"/health?do={do}", "PUT")[0] == 200
    assert running.ask("/health")[0] == status
    check = [sys.executable, *workload.command("check", "--port", str(running.port))[1:]]
    assert subprocess.run(check, env={"SURVEYOR_ADDRESS": "127.0.0.1"}, check=False).returncode == code


def test_health_can_hang_or_be_slow(serve: Serve) -> None:
    """Set to hang it does not answer; set to be slow it takes the given service seconds."""
    running = serve(SURVEYOR_SECOND="0.05")
    running.ask("/health?do=slow&seconds=2", "PUT")
    began = time.monotonic()
    assert running.ask("/health")[0] == 200
    assert time.monotonic() - began >= 0.1
    running.ask("/health?do=hang", "PUT")
    connection = http.client.HTTPConnection(running.address, running.port, timeout=0.3)
    connection.request("GET", "/health")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert running.ask("/")[0] == 200


def test_sigterm_ends_it_at_once(serve: Serve) -> None:
    """By default it closes, exits with 0, and logs both events."""
    running = serve()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(TIMEOUT) == 0
    assert running.process.stdout is not None
    events = [json.loads(line)["event"] for line in running.process.stdout.read().splitlines()]
    assert events == ["sigterm", "closed"]


def test_it_drains(serve: Serve) -> None:
    """While it drains it answers, reports that it is stopping, and finishes requests in progress."""
    running = serve("--on-term", "drain", "--drain", "10", SURVEYOR_SECOND="0.05")
    slow = http.client.HTTPConnection(running.address, running.port, timeout=TIMEOUT)
    slow.request("GET", "/?after=15")
    while running.ask("/")[1]["served"] < 2:
        pass
    running.process.send_signal(signal.SIGTERM)
    while not running.ask("/")[1]["stopping"]:
        pass
    assert [event for event, _ in running.ask("/lifetime")[1]["events"]] == ["listening", "sigterm"]
    assert slow.getresponse().status == 200
    slow.close()
    assert running.process.wait(TIMEOUT) == 0


def test_it_ignores_sigterm(serve: Serve) -> None:
    """With `--on-term ignore` it runs until it is killed."""
    running = serve("--on-term", "ignore")
    running.process.send_signal(signal.SIGTERM)
    while not running.ask("/")[1]["stopping"]:
        pass
    assert running.process.poll() is None


def test_it_exits_on_request(serve: Serve) -> None:
    """It exits at once with the given code, without an answer."""
    running = serve()
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        running.ask("/exit?code=3", "PUT")
    assert running.process.wait(TIMEOUT) == 3


@pytest.mark.parametrize(
    "path",
    [
        *("/?status=99", "/?status=x", "/?after=-1", "/?after=1e9"),
        *("/resolve?type=MX&name=a.test", "/resolve?name=a..b", "/metadata"),
    ],
)
def test_invalid_requests_are_refused(serve: Serve, path: str) -> None:
    """The answer is 400 with an error, and it keeps running."""
    running = serve(SURVEYOR_DNS="127.0.0.1:9")
    status, answer = running.ask(path)
    assert (status, set(answer)) == (400, {"error"})
    assert running.ask("/")[0] == 200


def test_any_bytes_leave_it_running(serve: Serve) -> None:
    """Any bytes get an answer or a closed connection; none end the process."""
    running = serve()
    line = st.binary(max_size=60)
    heads = st.builds(lambda lines: b"\r\n".join(lines) + b"\r\n\r\n", st.lists(line, max_size=5))
    with_length = st.builds(lambda rest: b"GET / HTTP/1.1\r\nContent-Length: " + rest + b"\r\n\r\n", line)

    @settings(max_examples=150, deadline=None)
    @given(st.one_of(st.binary(max_size=400), heads, with_length))
    def send(data: bytes) -> None:
        running.raw(data)
        assert running.process.poll() is None

    send()
    assert running.ask("/")[0] == 200


def test_a_call_falls_back_to_the_next_address(serve: Serve) -> None:
    """Of several addresses of a name, in the order of the resolver, the first that accepts gets the call."""
    callee = serve()
    hosts = f"backend=::ffff:127.0.0.2 backend={callee.address}"
    caller = serve(SURVEYOR_HOSTS=f"{hosts} nowhere=127.0.0.2")
    assert caller.ask("/names?name=backend")[1]["addresses"] == ["::ffff:127.0.0.2", callee.address]
    [call] = caller.ask(f"/call?url=http://backend:{callee.port}/")[1]["calls"]
    assert call["status"] == 200
    [refused] = caller.ask(f"/call?url=http://nowhere:{callee.port}/")[1]["calls"]
    assert "status" not in refused


TOKEN = "0123456789abcdef"


def ask_with(running: RunningWorkload, token: str | None, path: str, method: str) -> int:
    """Return the status of a request with a token, or with none."""
    connection = http.client.HTTPConnection(running.address, running.port, timeout=TIMEOUT)
    connection.request(method, path, headers={} if token is None else {workload.TOKEN_HEADER: token})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("token", [None, "", "0", TOKEN[:-1], TOKEN + "x", TOKEN.upper() + "\xe4"])
def test_without_the_token_a_task_only_says_who_it_is(serve: Serve, token: str | None) -> None:
    """Others who reach the port get the identity and the health, and nothing else; nothing changes."""
    running = serve("--token", TOKEN)
    assert [ask_with(running, token, path, "GET") for path in ("/", "/?key=k", "/health")] == [200] * 3
    changes = ("/exit", "/behave?do=reset", "/health?do=fail")
    called = ("/call?url=http://127.0.0.1/", "/hold?url=http://127.0.0.1/")
    asked = ("/metadata", "/resolve?name=a", "/names?name=a", "/executions", "/lifetime")
    for path in (*changes, *called, *asked):
        method = "PUT" if path in changes else "GET"
        assert ask_with(running, token, path, method) == 403, path
    assert [ask_with(running, token, path, "GET") for path in ("/nothing", "//", "/health/", "/exit/")] == [404] * 4
    assert ask_with(running, TOKEN, "/executions", "GET") == 200
    assert ask_with(running, TOKEN, "/health?do=fail", "PUT") == 200
    assert ask_with(running, None, "/health", "GET") == 503


def test_the_token_is_in_the_command() -> None:
    """A service that runs this program can be given commands by who may describe its task definition."""
    assert workload.token_of(workload.command("serve", "--drain", "3", token=TOKEN)) == TOKEN
    assert workload.token_of(workload.command("serve")) == ""
    assert workload.token_of(["serve", "--token"]) == ""


@pytest.mark.parametrize(
    "address", ["169.254.170.2", "::ffff:169.254.169.254", "fe80::1", "8.8.8.8", "2606:4700::1", "0.0.0.0"]
)
def test_link_local_and_public_addresses_are_not_called(serve: Serve, address: str) -> None:
    """Credentials of tasks and hosts are at link-local addresses; a call there is refused without a connection."""
    running = serve(SURVEYOR_HOSTS=f"backend={address}")
    [call] = running.ask("/call?url=http://backend:1/")[1]["calls"]
    assert "only private addresses are called" in call["error"]


def test_connections_are_closed_after_each_answer_on_command(serve: Serve) -> None:
    """The connection of the command itself is not."""
    running = serve()
    connection = http.client.HTTPConnection(running.address, running.port, timeout=TIMEOUT)

    def header(method: str, path: str) -> str | None:
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        return answer.getheader("Connection")

    assert [header("GET", "/"), header("PUT", "/behave?do=close"), header("GET", "/")] == ["keep-alive"] * 2 + ["close"]
    connection.request("PUT", "/behave?do=keep-open")
    connection.getresponse().read()
    assert header("GET", "/") == "keep-alive"
    connection.close()


def test_where_the_system_asks_another_resolver_names_are_asked_of_that_of_the_vpc(serve: Serve) -> None:
    """Names that it does not know, addresses and names of this machine are left to the system."""

    def answer(server: socket.socket) -> None:
        while (received := server.recvfrom(4_096))[0]:  # nothing: the test is over
            data, peer = received
            query = dns.message.from_wire(data)
            reply = dns.message.make_response(query)
            if query.question[0].name.to_text() == "lb.test.":
                reply.answer.append(dns.rrset.from_text("lb.test.", 60, "IN", "A", "192.0.2.7"))
            server.sendto(reply.to_wire(), peer)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        running = serve(SURVEYOR_DNS=f"127.0.0.1:{server.getsockname()[1]}", SURVEYOR_LOOKUP="dns")
        found = [running.ask(f"/names?name={name}")[1]["addresses"] for name in ("lb.test", "127.0.0.1", "localhost")]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", server.getsockname())
        thread.join()
    assert found[:2] == [["192.0.2.7"], ["127.0.0.1"]]
    assert "127.0.0.1" in found[2]
