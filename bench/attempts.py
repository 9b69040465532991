"""Attempts that one process makes: the honest client of load scenarios beside Locust's FastHttpUser, on one server.

Both run under Locust, headless, with as many users as fast as they can, connections kept, each request told to Locust's
statistics (`attempting`, a process of its own).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from bench.registry import Row

__all__ = ["HONEST", "LOCUST", "RATE", "measure"]

ROUNDS = 3
RATE = "attempts a second, one process"
CPU = "processor time for 1,000 attempts"
HONEST, LOCUST = "embedded", "FastHttpUser"
"""Columns of the table: ours stands under the name that all our figures have."""


def measure(seconds: float, tell: Callable[[str], None]) -> Iterator[Row]:
    """Medians of rounds that take turns, so that a busy machine is busy for both."""
    found: dict[str, list[tuple[float, float]]] = {"honest": [], "fast": []}
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
            for kind, figures in found.items():
                tell(f"{kind} client, {turn + 1} of {ROUNDS}")
                done = subprocess.run(
                    [sys.executable, "-m", "bench.attempting", kind, port, f"{seconds:g}"],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                told = json.loads(done.stdout.splitlines()[-1])
                figures.append((told["attempts"] / told["seconds"], 1_000 * told["cpu"] / told["attempts"]))
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait()
    for kind, name in (("honest", HONEST), ("fast", LOCUST)):
        rates, costs = zip(*found[kind], strict=True)
        yield Row(RATE, name, sorted(rates)[ROUNDS // 2], "/s")
        yield Row(CPU, name, sorted(costs)[ROUNDS // 2], "s")
