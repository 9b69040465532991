"""The embedded target as a process: it starts, stops, and prints at most one line for an error."""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.error import HTTPError

import dns.message
import dns.query
import dns.rcode
import pytest

pytestmark = pytest.mark.soak  # each test starts an emulator

Process: TypeAlias = "subprocess.Popen[str]"
COMMAND = [sys.executable, "-m", "surveyor_emulator"]
LIMIT = 20.0  # wall seconds; no step here takes one second


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Return a list of processes that are killed at the end of the test."""
    started: list[Process] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(processes: list[Process], *options: str, token: str | None = None) -> tuple[Process, dict[str, Any]]:
    """Start a target; return its process and the line that it prints when it is ready."""
    environment = {name: value for name, value in os.environ.items() if name != "SURVEYOR_TOKEN"}
    if token is not None:
        environment["SURVEYOR_TOKEN"] = token
    process = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    processes.append(process)
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(process.stdout.readline())
    return process, ready


def get(ready: dict[str, Any], path: str) -> Any:
    """Return the control endpoint's answer."""
    request = urllib.request.Request(ready["endpoint"] + path, headers={"Authorization": f"Bearer {ready['token']}"})
    with urllib.request.urlopen(request, timeout=LIMIT) as answer:
        return json.load(answer)


def test_prints_its_addresses_when_it_is_ready(processes: list[Process]) -> None:
    """HTTP and DNS answer from then on; the DNS address is the default VPC's resolver."""
    process, ready = start(processes, "--clock", "advance", "--account", "111111111111", "--region", "eu-west-1")
    assert get(ready, "/_surveyor/health") == {"status": "ok"}
    assert ready["pid"] == process.pid
    assert get(ready, "/_surveyor/clock")["mode"] == "advance"
    address, _, port = ready["dns"].rpartition(":")
    assert get(ready, "/_surveyor/resolvers") == {"address": address, "port": int(port)}
    assert (ready["account"], ready["region"], ready["secret"]) == ("111111111111", "eu-west-1", "surveyor")
    question = dns.message.make_query("surveyor.example.", "A")
    assert dns.query.udp(question, address, LIMIT, int(port)).id == question.id


def test_starts_without_a_default_vpc(processes: list[Process]) -> None:
    """The printed resolver is that of no VPC then: it refuses every question."""
    _, ready = start(processes, "--set", "default_vpc=none")
    address, _, port = ready["dns"].rpartition(":")
    question = dns.message.make_query("surveyor.example.", "A")
    assert dns.query.udp(question, address, LIMIT, int(port)).rcode() == dns.rcode.REFUSED
    with pytest.raises(HTTPError, match="400"):
        get(ready, "/_surveyor/resolvers")


def test_the_token_is_new_for_each_start_or_that_of_the_environment(processes: list[Process]) -> None:
    """An empty variable is none."""
    tokens = [start(processes, token=token)[1]["token"] for token in (None, "", "chosen")]
    assert tokens[2] == "chosen"
    assert len(set(tokens)) == 3
    assert min(map(len, tokens[:2])) >= 40


@pytest.mark.parametrize("token", ["two words", "l\u00fc", "a\nb"])
def test_a_token_that_no_header_can_have_is_refused(token: str) -> None:
    """One line and status 2."""
    environment = {**os.environ, "SURVEYOR_TOKEN": token}
    ended = subprocess.run(COMMAND, capture_output=True, text=True, timeout=LIMIT, check=False, env=environment)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert "SURVEYOR_TOKEN" in ended.stderr


@pytest.mark.parametrize(
    ("options", "secret", "named"),
    [
        ((), None, "a client that has the secret"),
        (("--secret", "mine"), "mine", "a client that has the secret"),
        (("--secret", "surveyor"), "surveyor", "this --secret is public"),
        (("--no-signatures",), None, "accepts every request"),
    ],
)
def test_a_target_that_others_reach_warns_and_has_a_secret(
    processes: list[Process], options: tuple[str, ...], secret: str | None, named: str
) -> None:
    """The addresses that it prints can be used on this machine; the secret is random unless it is chosen."""
    process, ready = start(processes, "--host", "0.0.0.0", *options)
    assert ready["endpoint"].startswith("http://127.0.0.1:")
    assert ready["dns"].startswith("127.0.0.1:")
    assert get(ready, "/_surveyor/clock")["mode"] == "flow"
    assert ready["secret"] == secret if secret else len(ready["secret"]) >= 30
    process.terminate()
    _, log = process.communicate(timeout=LIMIT)
    assert log.count("\n") == 1
    assert "--host 0.0.0.0 is open to other machines" in log
    assert named in log


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.9"])
def test_a_target_on_loopback_has_the_documented_secret(processes: list[Process], host: str) -> None:
    """It warns of nothing."""
    process, ready = start(processes, "--host", host)
    assert ready["secret"] == "surveyor"
    process.terminate()
    assert process.communicate(timeout=LIMIT)[1] == ""


def status(ready: dict[str, Any], host: str, path: str = "/_surveyor/clock") -> int:
    """Return the status of a request with this Host header."""
    connection = http.client.HTTPConnection(ready["endpoint"].removeprefix("http://"), timeout=LIMIT)
    try:
        connection.request("GET", path, headers={"Host": host, "Authorization": f"Bearer {ready['token']}"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_name_that_was_rebound_to_the_target_is_refused(processes: list[Process]) -> None:
    """The control endpoint and the services of AWS answer for loopback and for names that were given."""
    _, ready = start(processes, "--allow-host", "emulator.test", "--allow-host", "other")
    for path in ("/_surveyor/clock", "/_surveyor/health", "/", "/2013-04-01/hostedzone"):
        for host in ("evil.example", "evil.example:80", "10.0.0.1", "127.0.0.1.evil.example", ""):
            assert status(ready, host, path) == (421 if host else 400)
    for host in ("127.0.0.1", "localhost:1", "[::1]", "emulator.test:5000", "OTHER"):
        assert status(ready, host) == 200


def test_a_target_on_every_address_answers_for_addresses(processes: list[Process]) -> None:
    """And for no other name."""
    _, ready = start(processes, "--host", "0.0.0.0")
    hosts = ("192.0.2.1:80", "0.0.0.0", "localhost", "evil.example")
    assert [status(ready, host) for host in hosts] == [200, 200, 200, 421]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_on_a_signal(processes: list[Process], number: signal.Signals) -> None:
    """It exits with 0 and prints nothing, even with connections open."""
    process, ready = start(processes)
    port = int(ready["endpoint"].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), LIMIT) as idle:
        idle.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
        process.send_signal(number)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("option", ["--port", "--dns-port"])
def test_a_port_in_use_gets_one_line_and_status_3(option: str) -> None:
    """The line names the address and port."""
    with socket.socket() as blocker:
        blocker.bind(("127.0.0.1", 0))
        blocker.listen()
        port = str(blocker.getsockname()[1])
        ended = subprocess.run([*COMMAND, option, port], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def test_an_invalid_option_gets_one_line_and_status_2() -> None:
    """The error is printed before any socket is opened."""
    ended = subprocess.run([*COMMAND, "--moon"], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)


def test_a_closed_standard_output_is_no_crash() -> None:
    """If the reader of its output is gone, it exits without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(COMMAND, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
def test_dies_with_its_parent() -> None:
    """It stops when the process that started it is killed without stopping it."""
    starter = (
        "import subprocess, sys\n"
        "target = subprocess.Popen([sys.executable, '-m', 'surveyor_emulator', '--die-with-parent'])\n"
        "target.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    target = os.pidfd_open(json.loads(parent.stdout.readline())["pid"])
    try:
        parent.kill()
        ended, _, _ = select.select([target], [], [], LIMIT)
        if not ended:
            signal.pidfd_send_signal(target, signal.SIGKILL)
    finally:
        os.close(target)
        parent.communicate()
    assert ended


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no parent-death signal")
def test_outlives_the_thread_that_started_it() -> None:
    """The kernel's signal is sent when a thread ends; as long as the parent lives, the target keeps running."""
    starter = (
        "import subprocess, sys, threading\n"
        "def start():\n"
        "    global target, line\n"
        "    target = subprocess.Popen([sys.executable, '-m', 'surveyor_emulator', '--die-with-parent'],\n"
        "                              stdout=subprocess.PIPE)\n"
        "    line = target.stdout.readline()\n"
        "thread = threading.Thread(target=start)\n"
        "thread.start()\n"
        "thread.join()\n"
        "import json, urllib.request\n"
        "print(urllib.request.urlopen(json.loads(line)['endpoint'] + '/_surveyor/health').status)\n"
        "target.terminate()\n"
        "print(target.wait())\n"
    )
    ended = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (ended.stdout.split(), ended.stderr) == (["200", "0"], "")
