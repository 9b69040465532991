"""Sends random and damaged HTTP requests at a running embedded target, and checks that it takes no harm.

    python -m tests.fuzz.http 500000 --seed 1
    python -m tests.fuzz.http 500000 --seed 1 --endpoint http://127.0.0.1:4566 --pid 4711

It starts a target of its own unless it is given one, sends that many requests over raw sockets, and fails unless every
request to which an answer is owed gets one in time, none has the status 500, the target has nothing to complain of and
still answers right at the end, and its memory has stopped growing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
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

# Registered things fill up to their quotas, operations to what is kept of them; after that nothing may be added.
WARM_UP = 0.5
ALLOWED_GROWTH_KB = 6_144
SHORT_RUN_GROWTH_KB = 49_152
PATIENCE = 5.0  # wall seconds for one answer
BATCH = 8
HARM = ("500", "hang", "no answer", "refused connection")

_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n(?:[^\r]*\r\n)*?\r\n")
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
Address = tuple[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz a target; 0 if it took no harm, 1 with the reason if it did."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.http", description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, help="requests to send")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (%(default)s)")
    parser.add_argument("--endpoint", help="a target that runs already; its state is spoilt")
    parser.add_argument("--pid", type=int, help="its process, to watch its memory")
    given = parser.parse_args(arguments)
    sys.stdout.write(f"seed {given.seed}\n")
    if given.endpoint is not None:
        return _fuzz(given.endpoint, given.pid, given.count, Random(given.seed))
    return _fuzz_own_target(given.count, Random(given.seed))


def _fuzz_own_target(count: int, chance: Random) -> int:
    """A target without signatures and rates, so that most requests reach its handlers; it is to have nothing to say."""
    argv = [sys.executable, "-m", "surveyor_emulator", "--clock", "advance", "--no-signatures", "--no-throttle"]
    target = subprocess.Popen([*argv, "--die-with-parent"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert target.stdout is not None
    try:
        outcome = _fuzz(json.loads(target.stdout.readline())["endpoint"], target.pid, count, chance)
    finally:
        target.terminate()
        _, said = target.communicate(timeout=10)
    if said:
        # A status of 500 may get lost when the connection it came over is reset; its traceback is not.
        sys.stdout.write(f"the target said:\n{said[-4000:]}\n")
    return 1 if said else outcome


def _fuzz(endpoint: str, pid: int | None, count: int, chance: Random) -> int:
    parts = urlsplit(endpoint)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    requests = Requests(chance, f"{address[0]}:{address[1]}")
    statuses: Counter[str] = Counter()
    sent, began, first, warm = 0, time.monotonic(), _resident(pid), 0
    while sent < count:
        batch = [requests.next() for _ in range(chance.randrange(1, BATCH))]
        sent += len(batch)
        talk = _in_turn if chance.random() < 0.6 else _at_once
        statuses.update(talk(address, batch, requests))
        if any(statuses[harm] for harm in HARM):
            sys.stdout.write(f"harm within the first {sent} requests: {dict(statuses)}\nlast sent: {batch!r:.4000}\n")
            return 1
        if not warm and sent >= count * WARM_UP:
            warm = _resident(pid)
    end = _resident(pid)
    sys.stdout.write(f"{sent} requests in {time.monotonic() - began:.0f} s, answers by status: {dict(statuses)}\n")
    sys.stdout.write(f"resident set {first} kB at first, {warm} kB half-way, {end} kB at the end\n")
    if _in_turn(address, [requests.health()], requests) != ["200"]:
        sys.stdout.write("the target does not answer any more\n")
        return 1
    allowed = ALLOWED_GROWTH_KB if count >= 200_000 else SHORT_RUN_GROWTH_KB
    return 0 if end - warm <= allowed else 1


def _in_turn(address: Address, batch: list[Sent], requests: Requests) -> list[str]:
    """One connection kept alive, each answer awaited before the next request; a new one where the server ends it."""
    outcomes: list[str] = []
    connection: socket.socket | None = None
    try:
        for sent in batch:
            if connection is None:
                connection = socket.create_connection(address, timeout=PATIENCE)
            if not sent.owed:
                # The server may wait for the rest, so nothing more is said on this connection.
                outcomes += _at_once(address, [sent], requests)
                continue
            outcome, answer = _exchange(connection, sent)
            outcomes.append(outcome)
            requests.learn(answer)
            if outcome in HARM:
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
    """Status and bytes of the one answer that is owed."""
    received = b""
    bodiless = sent.data.startswith(b"HEAD ")
    try:
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # refused while it was sent: the answer says so
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
        # An answer that was sent may be lost when the rest of an oversized request comes after it.
        return ("reset", received) if len(sent.data) > 1 << 14 else ("no answer", received)


def _at_once(address: Address, batch: list[Sent], requests: Requests) -> list[str]:
    """All in one go over one connection, whose sending side is closed at the end; statuses of what came back.

    After a piece of a request everything else is part of it, so how many answers are owed cannot be said.
    """
    received = b""
    try:
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            connection.sendall(b"".join(sent.data for sent in batch))
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(1 << 16):
                received += data
    except TimeoutError:
        return ["hang"]
    except ConnectionRefusedError:
        return ["refused connection"]
    except OSError:  # closed by the server in the middle of what was sent: a refusal
        pass
    requests.learn(received)
    return [
        part[:3].decode("latin-1")
        for part in received.split(b"HTTP/1.1 ")[1:]
        if part[:3].isdigit() and part[:3] != b"100"
    ]


def _resident(pid: int | None) -> int:
    """Resident memory, kB; 0 where it cannot be read."""
    if pid is None:
        return 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
