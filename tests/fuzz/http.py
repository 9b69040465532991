"""Send random and damaged HTTP requests to a running embedded target, and check that it stays healthy.

    python -m tests.fuzz.http 500000 --seed 1
    python -m tests.fuzz.http 500000 --seed 1 --endpoint http://127.0.0.1:4566 --pid 4711

Without `--endpoint` it starts a target; SURVEYOR_TOKEN is the token of one that runs already. It sends the requests
over raw sockets, and fails unless every complete request is answered in time, no answer has the status 500, the
target logs no error and still answers correctly at the end, and its memory has stopped growing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from .http_requests import Requests, Sent

__all__ = ["main"]

# Resources fill up to their quotas, operations up to the number that is kept; after that memory must not grow.
WARM_UP = 0.5
ALLOWED_GROWTH_KB = 6_144
SHORT_RUN_GROWTH_KB = 49_152
ANSWER_TIMEOUT = 5.0  # wall seconds
MAX_BATCH = 8
FAILURES = ("500", "hang", "no answer", "refused connection")

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r]*\r\n)*?\r\n")
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
Address = tuple[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz a target; return 0 if it stayed healthy, else 1 after printing the reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.http", description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, help="requests to send")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random generator (%(default)s)")
    parser.add_argument("--endpoint", help="a running target; its state is damaged")
    parser.add_argument("--pid", type=int, help="its process id, to measure its memory")
    options = parser.parse_args(arguments)
    sys.stdout.write(f"seed {options.seed}\n")
    if options.endpoint is not None:
        token = os.environ.get("SURVEYOR_TOKEN", "")
        return _fuzz(options.endpoint, token, options.pid, options.count, Random(options.seed))
    return _fuzz_own_target(options.count, Random(options.seed))


def _fuzz_own_target(count: int, generator: Random) -> int:
    """Fuzz a target without signatures and rate limits, so that most requests reach handlers; it must log nothing."""
    argv = [sys.executable, "-m", "surveyor_emulator", "--clock", "advance", "--no-signatures", "--no-throttle"]
    target = subprocess.Popen([*argv, "--die-with-parent"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert target.stdout is not None
    try:
        ready = json.loads(target.stdout.readline())
        outcome = _fuzz(ready["endpoint"], ready["token"], target.pid, count, generator)
    finally:
        target.terminate()
        _, log = target.communicate(timeout=10)
    if log:
        # An answer with status 500 may be lost when its connection is reset; its traceback is not.
        sys.stdout.write(f"log of the target:\n{log[-4000:]}\n")
    return 1 if log else outcome


def _fuzz(endpoint: str, token: str, pid: int | None, count: int, generator: Random) -> int:
    parts = urlsplit(endpoint)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    requests = Requests(generator, f"{address[0]}:{address[1]}", token)
    statuses: Counter[str] = Counter()
    sent, started, first, warm = 0, time.monotonic(), _resident(pid), 0
    while sent < count:
        batch = [requests.next() for _ in range(generator.randrange(1, MAX_BATCH))]
        sent += len(batch)
        send = _send_sequentially if generator.random() < 0.6 else _send_at_once
        statuses.update(send(address, batch, requests))
        if any(statuses[failure] for failure in FAILURES):
            sys.stdout.write(f"failed within {sent} requests: {dict(statuses)}\nlast sent: {batch!r:.4000}\n")
            return 1
        if not warm and sent >= count * WARM_UP:
            warm = _resident(pid)
    end = _resident(pid)
    sys.stdout.write(f"{sent} requests in {time.monotonic() - started:.0f} s, answers by status: {dict(statuses)}\n")
    sys.stdout.write(f"resident set {first} kB at first, {warm} kB half-way, {end} kB at the end\n")
    if _send_sequentially(address, [requests.health()], requests) != ["200"]:
        sys.stdout.write("the target no longer answers\n")
        return 1
    allowed = ALLOWED_GROWTH_KB if count >= 200_000 else SHORT_RUN_GROWTH_KB
    return 0 if end - warm <= allowed else 1


def _send_sequentially(address: Address, batch: list[Sent], requests: Requests) -> list[str]:
    """Send each request after the previous answer over one connection; reconnect if the server closes it."""
    outcomes: list[str] = []
    connection: socket.socket | None = None
    try:
        for sent in batch:
            if connection is None:
                connection = socket.create_connection(address, timeout=ANSWER_TIMEOUT)
            if not sent.complete:
                # The server may wait for the rest, so no further request is sent on this connection.
                outcomes += _send_at_once(address, [sent], requests)
                continue
            outcome, answer = _exchange(connection, sent)
            outcomes.append(outcome)
            requests.collect_ids(answer)
            if outcome in FAILURES:
                break
            if b"\r\nConnection: close\r\n" in answer:
                connection.close()
                connection = None
    except ConnectionRefusedError:
        outcomes.append("refused connection")
    finally:
        if connection is not None:
            connection.close()
    return outcomes


def _exchange(connection: socket.socket, sent: Sent) -> tuple[str, bytes]:
    """Send a request; return the status and the bytes of its answer."""
    received = b""
    bodiless = sent.data.startswith(b"HEAD ")
    try:
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # rejected while it was sent: the answer states it
            connection.sendall(sent.data)
        while True:
            received = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
            if head := _HEAD.match(received):
                length = _LENGTH.search(head.group())
                if bodiless or len(received) >= head.end() + int(length[1] if length else 0):
                    return head[1].decode(), received
            data = connection.recv(1 << 16)
            if not data:
                return "no answer", received
            received += data
    except TimeoutError:
        return "hang", received
    except ConnectionResetError:
        # A sent answer may be lost if the rest of an oversized request arrives after it.
        return ("reset", received) if len(sent.data) > 1 << 14 else ("no answer", received)


def _send_at_once(address: Address, batch: list[Sent], requests: Requests) -> list[str]:
    """Send all requests at once over one connection and close its sending side; return the statuses of the answers.

    After an incomplete request everything else is part of it, so the number of answers is unknown.
    """
    received = b""
    try:
        with socket.create_connection(address, timeout=ANSWER_TIMEOUT) as connection:
            connection.sendall(b"".join(sent.data for sent in batch))
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(1 << 16):
                received += data
    except TimeoutError:
        return ["hang"]
    except ConnectionRefusedError:
        return ["refused connection"]
    except OSError:  # closed by the server while data was sent: a rejection
        pass
    requests.collect_ids(received)
    return [
        part[:3].decode("latin-1")
        for part in received.split(b"HTTP/1.1 ")[1:]
        if part[:3].isdigit() and part[:3] != b"100"
    ]


def _resident(pid: int | None) -> int:
    """Return resident memory in kB, or 0 if it cannot be read."""
    if pid is None:
        return 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
