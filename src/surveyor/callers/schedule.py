"""Arrivals on a schedule: an open loop, in which calls start whether or not earlier calls have ended.

An arrival that cannot start because too many are in progress is dropped and counted; latency counts from the due time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["MAX_IN_PROGRESS", "Arrivals", "Spawn", "spawn_thread"]

Spawn = Callable[[Callable[[], None]], object]
"""Starts a function beside this one: in a thread, or in a greenlet."""

MAX_IN_PROGRESS = 500
"""Calls of one schedule in progress; further arrivals are dropped and counted."""

_TICK = 0.001
"""Wall seconds: arrivals that are due within it start together."""


def spawn_thread(function: Callable[[], None]) -> None:
    """Run a function in a thread, with which the process does not wait to end."""
    threading.Thread(target=function, name="call", daemon=True).start()


class Arrivals:
    """`rate` arrivals per wall second, until `stop`; at most `max_in_progress` at once.

    Due times are counted from the start, so that a late arrival delays no later one. `wait` waits for wall seconds;
    by default until `stop` at most.
    """

    def __init__(
        self,
        rate: float,
        max_in_progress: int = MAX_IN_PROGRESS,
        spawn: Spawn = spawn_thread,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        if not rate > 0:
            raise ValueError(f"expected a rate above 0, got {rate}")
        self.rate, self.max_in_progress = rate, max_in_progress
        self.started, self.dropped = 0, 0
        self.error: Exception | None = None
        """The first exception that a call raised, after which no more calls start."""
        self._stopped = threading.Event()
        self._spawn, self._wait = spawn, wait or self._stopped.wait
        self._in_progress = 0
        self._changed = threading.Condition()

    def run(
        self,
        call: Callable[[float], None],
        seconds: float = float("inf"),
        on_drop: Callable[[float], None] = lambda due: None,
    ) -> None:
        """Call `call` with each due time (time.monotonic), for `seconds` or until stopped. Raises what a call raised.

        `on_drop` is called with the due time of an arrival that could not start.
        """
        start, number = time.monotonic(), 0
        total = seconds * self.rate
        while not self._stopped.is_set() and number < total:
            now = time.monotonic()
            due = start + number / self.rate
            if due > now + _TICK:
                self._wait(min(due - now, 0.2))
                continue
            number += 1
            with self._changed:
                full = self._in_progress >= self.max_in_progress
                self._in_progress += not full
            if full:
                self.dropped += 1
                on_drop(due)
                continue
            self.started += 1
            self._spawn(lambda due=due: self._run_one(call, due))  # type: ignore[misc]  # bound at once
        if self.error is not None:
            raise self.error

    def _run_one(self, call: Callable[[float], None], due: float) -> None:
        try:
            call(due)
        except Exception as error:  # noqa: BLE001  # raised again by `run`
            self.error = self.error or error
            self._stopped.set()
        finally:
            with self._changed:
                self._in_progress -= 1
                self._changed.notify_all()

    def drain(self, timeout: float) -> bool:
        """Wait until no call is in progress; return whether that happened within `timeout` wall seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_progress, timeout)

    def stop(self) -> None:
        """Start no more arrivals."""
        self._stopped.set()
