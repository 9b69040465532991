"""Arrivals on a schedule: an open loop, in which calls start whether or not earlier calls have ended.

An arrival that cannot start because too many are in progress is dropped and counted; latency counts from the due time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Arrivals"]

Spawn = Callable[[Callable[[], None]], object]
"""Starts a greenlet, so that counting needs no lock."""

_TICK = 0.001
"""Wall seconds: arrivals that are due within it start together."""


class Arrivals:
    """`rate` arrivals per wall second, until `stop`; at most `max_in_progress` at once.

    Due times are counted from the start, so that a late arrival delays no later one.
    """

    def __init__(self, rate: float, max_in_progress: int, spawn: Spawn, wait: Callable[[float], object]) -> None:
        if not rate > 0:
            raise ValueError(f"expected a rate above 0, got {rate}")
        self.rate, self.max_in_progress = rate, max_in_progress
        self.started, self.dropped = 0, 0
        self._spawn, self._wait = spawn, wait
        self._in_progress = 0
        self._stopped = False

    def run(
        self,
        call: Callable[[float], None],
        seconds: float = float("inf"),
        on_drop: Callable[[float], None] = lambda due: None,
    ) -> None:
        """Call `call` with each due time (time.monotonic), for `seconds` or until stopped.

        `on_drop` is called with the due time of an arrival that could not start.
        """
        start, number = time.monotonic(), 0
        total = seconds * self.rate
        while not self._stopped and number < total:
            now = time.monotonic()
            due = start + number / self.rate
            if due > now + _TICK:
                self._wait(min(due - now, 0.2))
                continue
            number += 1
            if self._in_progress >= self.max_in_progress:
                self.dropped += 1
                on_drop(due)
                continue
            self.started += 1
            self._in_progress += 1
            self._spawn(lambda due=due: self._run_one(call, due))  # type: ignore[misc]  # bound at once

    def _run_one(self, call: Callable[[float], None], due: float) -> None:
        try:
            call(due)
        finally:
            self._in_progress -= 1

    def drain(self, timeout: float) -> bool:
        """Wait until no call is in progress; return whether that happened within `timeout` wall seconds."""
        end = time.monotonic() + timeout
        while self._in_progress and time.monotonic() < end:
            self._wait(0.01)
        return not self._in_progress

    def stop(self) -> None:
        """Start no more arrivals."""
        self._stopped = True
