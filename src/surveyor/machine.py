"""How busy this machine is: how much longer work takes here because other programs use the processors as well.

Linux counts for each process how long it ran, and how long it waited for a processor although it could have run (kernel
documentation, "Scheduler Statistics", /proc/PID/schedstat). Elsewhere a short piece of work is timed.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "BUSY",
    "BUSY_LABEL",
    "MachineWatch",
    "ProcessTimes",
    "default_workers",
    "describe_busy",
    "measure_slowdown",
    "read_times",
    "slowdown_between",
]

BUSY = 3.0
"""Slowdown from which the machine counts as busy. Two workers on two idle processors stay below."""

BUSY_LABEL = "the machine was busy"
"""The symptom of a test that could not be judged for that reason."""

_MIN_RUN = 0.02
"""Seconds that a process must have run for its times to mean something."""

_BURST, _BURSTS = 0.01, 5
"""Processor seconds of a timed piece of work, and how many are timed."""


@dataclass(frozen=True)
class ProcessTimes:
    """Seconds for which a process ran, and for which it waited for a processor, since its start."""

    ran: float
    waited: float


def default_workers() -> int:
    """Return how many workers run tests of a target that is started for each: one more than processors, at most 4.

    A third of a worker's time is spent waiting, for example for the timeouts of a proxy.
    """
    return min(4, (os.cpu_count() or 1) + 1)


def read_times(pid: int | str, proc: Path = Path("/proc")) -> ProcessTimes | None:
    """Return the times of a process (its main thread); None if it has ended, or if the system does not count them."""
    try:
        ran, waited = (proc / str(pid) / "schedstat").read_text("ascii").split()[:2]
        return ProcessTimes(int(ran) / 1e9, int(waited) / 1e9)
    except (OSError, ValueError):
        return None


def slowdown_between(before: ProcessTimes, after: ProcessTimes) -> float | None:
    """Return how many times longer a process took than on an idle machine; None if it hardly ran."""
    ran, waited = after.ran - before.ran, after.waited - before.waited
    return 1 + waited / ran if ran >= _MIN_RUN else None


def measure_slowdown() -> float:
    """Return wall seconds per processor second of a short piece of work, the median of some: 1 on an idle machine."""
    return statistics.median(_time_burst() for _ in range(_BURSTS))


def _time_burst() -> float:
    wall, processor = time.monotonic(), time.thread_time()
    while (used := time.thread_time() - processor) < _BURST:
        pass
    return (time.monotonic() - wall) / used


class MachineWatch:
    """The slowdown since a moment: that of the process among some that waited longest, or if none ran, of now."""

    def __init__(self, pids: Iterable[int | str]) -> None:
        self._before = {pid: times for pid in pids if (times := read_times(pid)) is not None}

    def slowdown(self) -> float:
        """Return the slowdown since the watch was created."""
        found = [
            slowdown
            for pid, before in self._before.items()
            if (after := read_times(pid)) is not None and (slowdown := slowdown_between(before, after)) is not None
        ]
        return max(found) if found else measure_slowdown()


def describe_busy(slowdown: float) -> str:
    """Return that the machine was busy, "" if it was not."""
    return f"{BUSY_LABEL}: work took {slowdown:.1f} times as long as on an idle one" if slowdown >= BUSY else ""
