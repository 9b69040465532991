"""Arrivals on a schedule: an open loop, whose calls come whether or not those before them have ended.

What cannot be begun because too many are under way is dropped and counted; latency is from when a call was due.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Arrivals"]

Spawn = Callable[[Callable[[], None]], object]
"""Starts a greenlet, so that counting needs no lock."""

_TICK = 0.001
"""Wall seconds: arrivals that are due within it begin together."""


class Arrivals:
    """`rate` arrivals a wall second, until `stop`; at most `most` under way at once.

    Due times are counted from the start, so a late one makes none after it later.
    """

    def __init__(self, rate: float, most: int, spawn: Spawn, wait: Callable[[float], object]) -> None:
        if not rate > 0:
            raise ValueError(f"a rate is above 0, not {rate}")
        self.rate, self.most = rate, most
        self.begun, self.dropped = 0, 0
        self._spawn, self._wait = spawn, wait
        self._under_way = 0
        self._over = False

    def run(
        self,
        call: Callable[[float], None],
        seconds: float = float("inf"),
        dropped: Callable[[float], None] = lambda due: None,
    ) -> None:
        """Call with the moment at which it was due (time.monotonic), for so long or until stopped.

        `dropped` hears of those that were not begun.
        """
        start, number = time.monotonic(), 0
        total = seconds * self.rate
        while not self._over and number < total:
            now = time.monotonic()
            due = start + number / self.rate
            if due > now + _TICK:
                self._wait(min(due - now, 0.2))
                continue
            number += 1
            if self._under_way >= self.most:
                self.dropped += 1
                dropped(due)
                continue
            self.begun += 1
            self._under_way += 1
            self._spawn(lambda due=due: self._one(call, due))  # type: ignore[misc]  # bound at once

    def _one(self, call: Callable[[float], None], due: float) -> None:
        try:
            call(due)
        finally:
            self._under_way -= 1

    def drain(self, within: float) -> bool:
        """Wait until nothing is under way; whether that came in time (wall seconds)."""
        end = time.monotonic() + within
        while self._under_way and time.monotonic() < end:
            self._wait(0.01)
        return not self._under_way

    def stop(self) -> None:
        """Begin no more."""
        self._over = True
