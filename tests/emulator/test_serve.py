"""The embedded target as a process: it starts, stops, and prints at most one line for an error."""

from __future__ import annotations

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

import dns.message
import dns.query
import pytest

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


def start(processes: list[Process], *options: str) -> tuple[Process, dict[str, Any]]:
    """Start a target; return its process and the line that it prints when it is ready."""
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
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


@pytest.mark.usefixtures("children_take_ctrl_c")
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
