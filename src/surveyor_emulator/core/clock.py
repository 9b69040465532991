"""Service time: the only source of time in the embedded target.

The clock either flows (service seconds are wall seconds times a scale) or is advanced explicitly. Advancing runs all
timers that fall due, in order, each at its due time, and waits for the work that an instant starts (for example a probe
over a socket) before the next instant begins. asyncio's own timers cannot do this: moving ``loop.time()`` would time
out work that is in progress.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Clock", "Timer"]

log = logging.getLogger(__name__)

# Wall seconds after which unfinished work no longer delays the clock.
IN_FLIGHT_LIMIT = 15.0


@dataclass(order=True, slots=True)
class Timer:
    """An action to run at ``due`` (service seconds since the epoch)."""

    due: float
    number: int
    action: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        """Cancel the action; harmless after it has run."""
        self.action = None


class Clock:
    """A clock of service seconds since the epoch, with its timers."""

    def __init__(self, *, start: float | None = None, scale: float | None = 1.0) -> None:
        """``scale`` is service seconds per wall second; ``None`` means that time moves only by ``advance``."""
        self._scale = scale
        self._origin = time.time() if start is None else start
        self._wall_origin = time.monotonic()
        self._fixed: float | None = self._origin if scale is None else None
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._advancing = asyncio.Lock()
        # Number of advances: state outside may change between two advances, but not within one.
        self.advances = 0
        # Awaited before each advance, so that what has happened outside by then is known within.
        self.before_advance: list[Callable[[], Awaitable[None]]] = []
        self._wake: asyncio.TimerHandle | None = None

    @property
    def scale(self) -> float | None:
        """Return service seconds per wall second, or ``None`` for a clock that is only advanced."""
        return self._scale

    def now(self) -> float:
        """Return service seconds since the epoch."""
        if self._fixed is not None:
            return self._fixed
        assert self._scale is not None
        return self._origin + (time.monotonic() - self._wall_origin) * self._scale

    def call_later(self, delay: float, action: Callable[..., object], *args: object) -> Timer:
        """Call ``action(*args)`` in ``delay`` service seconds."""
        return self.call_at(self.now() + max(0.0, delay), action, *args)

    def call_at(self, due: float, action: Callable[..., object], *args: object) -> Timer:
        """Call ``action(*args)`` at ``due`` (service seconds since the epoch)."""
        timer = Timer(due, next(self._numbers), (lambda: action(*args)) if args else action)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._schedule_wake()
        return timer

    def flow(self, scale: float | None) -> None:
        """Let time flow at ``scale`` service seconds per wall second, or stop it with ``None``."""
        now = self.now()
        self._scale, self._fixed = scale, now if scale is None else None
        self._origin, self._wall_origin = now, time.monotonic()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        self._schedule_wake()

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Start asynchronous work that belongs to this instant: no advance passes the instant before it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[object]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("asynchronous work failed", exc_info=task.exception())

    async def advance(self, seconds: float) -> float:
        """Move time forward by ``seconds`` and run all timers that fall due; return the new time."""
        async with self._advancing:
            self.advances += 1
            for catch_up in self.before_advance:
                await catch_up()
            target = self.now() + seconds
            await self._drain()
            while self._timers and self._timers[0].due <= target:
                due = self._timers[0].due
                self._fixed = max(self.now(), due)
                while self._timers and self._timers[0].due <= due:
                    self._fire(heapq.heappop(self._timers))
                await self._drain()
            self._fixed = target
            if self._scale is not None:
                self._origin, self._wall_origin, self._fixed = target, time.monotonic(), None
            self._schedule_wake()
            return target

    async def _drain(self) -> None:
        # Work may start further work at the same instant, hence the loop.
        while self._in_flight:
            waiting: set[Awaitable[Any]] = set(self._in_flight)
            _, late = await asyncio.wait(self._in_flight, timeout=IN_FLIGHT_LIMIT)
            if late and waiting <= late:
                for task in late:
                    task.cancel()
                self._in_flight -= late

    def _schedule_wake(self) -> None:
        """Schedule a call of the event loop when the next timer is due, if the clock flows."""
        if self._fixed is not None or self._scale is None or not self._timers:
            return
        if self._wake is not None:
            self._wake.cancel()
        wall = max(0.0, (self._timers[0].due - self.now()) / self._scale)
        self._wake = asyncio.get_running_loop().call_later(wall, self._run_due)

    def _run_due(self) -> None:
        self._wake = None
        while self._timers and self._timers[0].due <= self.now():
            self._fire(heapq.heappop(self._timers))
        self._schedule_wake()

    @staticmethod
    def _fire(timer: Timer) -> None:
        action, timer.action = timer.action, None
        if action is not None:
            action()
