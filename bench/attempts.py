"""Attempts per second of one process: the client of load scenarios compared with Locust's FastHttpUser on one server.

Both run headless under Locust in a separate process (`locust_client`), with the same number of users at full speed,
kept connections, and each request reported to Locust's statistics.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench.registry import Measurement

__all__ = ["LOCUST", "RATE", "SURVEYOR", "measure"]

ROUNDS = 3
RATE = "attempts per second, one process"
CPU = "processor time of 1,000 attempts"
SURVEYOR, LOCUST = "embedded", "FastHttpUser"
"""Columns of the table; Surveyor's client is in the column of the embedded target."""


def measure(seconds: float, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Return medians of alternating rounds, so that other load on the machine affects both."""
    rounds: dict[str, list[tuple[float, float]]] = {"surveyor": [], "fast": []}
    server = subprocess.Popen(
        [sys.executable, "-m", "surveyor.load.faulty_server", "7"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        for turn in range(ROUNDS):
            for kind, figures in rounds.items():
                print_progress(f"{kind} client, {turn + 1} of {ROUNDS}")
                completed = subprocess.run(
                    [sys.executable, "-m", "bench.locust_client", kind, port, f"{seconds:g}"],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                counts = json.loads(completed.stdout.splitlines()[-1])
                attempts = counts["attempts"]
                figures.append((attempts / counts["seconds"], 1_000 * counts["cpu"] / attempts))
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait()
    for kind, name in (("surveyor", SURVEYOR), ("fast", LOCUST)):
        rates, costs = zip(*rounds[kind], strict=True)
        yield Measurement(RATE, name, sorted(rates)[ROUNDS // 2], "/s")
        yield Measurement(CPU, name, sorted(costs)[ROUNDS // 2], "s")
