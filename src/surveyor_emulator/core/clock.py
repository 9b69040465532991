"""Service time: the only way in which time enters the embedded target.

The clock either flows (service seconds are wall seconds times a scale) or stands still until it is advanced. Advancing
runs everything that falls due, in order, each thing at its own instant, and waits for the work that an instant set in
motion (a probe over a socket, say) before the next instant begins. asyncio's own timers cannot do this: moving
``loop.time()`` would time out work that is doing well.
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

# Work in flight that hangs may not hold an instant for ever; wall seconds.
IN_FLIGHT_LIMIT = 15.0


@dataclass(order=True, slots=True)
class Timer:
    """One thing that will happen at ``due`` (service seconds since the epoch)."""

    due: float
    number: int
    action: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        """Make it not happen; harmless when it already has."""
        self.action = None


class Clock:
    """Service seconds since the epoch, and what is due at which of them."""

    def __init__(self, *, start: float | None = None, scale: float | None = 1.0) -> None:
        """``scale`` is service seconds per wall second; ``None`` means that time moves only when advanced."""
        self._scale = scale
        self._origin = time.time() if start is None else start
        self._wall_origin = time.monotonic()
        self._held: float | None = self._origin if scale is None else None
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._in_flight: set[asyncio.Future[Any]] = set()
        self._advancing = asyncio.Lock()
        # How often it was advanced: between two advances anything may have happened outside, within one nothing.
        self.advances = 0
        self._wake: asyncio.TimerHandle | None = None

    @property
    def scale(self) -> float | None:
        """Service seconds per wall second, or ``None`` for a clock that is only advanced."""
        return self._scale

    def now(self) -> float:
        """Service seconds since the epoch."""
        if self._held is not None:
            return self._held
        assert self._scale is not None
        return self._origin + (time.monotonic() - self._wall_origin) * self._scale

    def call_later(self, delay: float, action: Callable[..., object], *args: object) -> Timer:
        """Have ``action(*args)`` called ``delay`` service seconds from now."""
        return self.call_at(self.now() + max(0.0, delay), action, *args)

    def call_at(self, due: float, action: Callable[..., object], *args: object) -> Timer:
        """Have ``action(*args)`` called at ``due``."""
        timer = Timer(due, next(self._numbers), (lambda: action(*args)) if args else action)
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._plan_wake()
        return timer

    def flow(self, scale: float | None) -> None:
        """From now on let time flow, ``scale`` service seconds a wall second, or with ``None`` stand still."""
        now = self.now()
        self._scale, self._held = scale, now if scale is None else None
        self._origin, self._wall_origin = now, time.monotonic()
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        self._plan_wake()

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Start asynchronous work that belongs to this instant: no advance passes it before it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._in_flight.add(task)
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[object]) -> None:
        self._in_flight.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work of an instant failed", exc_info=task.exception())

    async def advance(self, seconds: float) -> float:
        """Move time forward by ``seconds``, doing all that falls due on the way; returns the new now."""
        async with self._advancing:
            self.advances += 1
            target = self.now() + seconds
            await self._drain()
            while self._timers and self._timers[0].due <= target:
                due = self._timers[0].due
                self._held = max(self.now(), due)
                while self._timers and self._timers[0].due <= due:
                    self._fire(heapq.heappop(self._timers))
                await self._drain()
            self._held = target
            if self._scale is not None:
                self._origin, self._wall_origin, self._held = target, time.monotonic(), None
            self._plan_wake()
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

    def _plan_wake(self) -> None:
        """On a flowing clock, have the loop call us when the next timer is due."""
        if self._held is not None or self._scale is None or not self._timers:
            return
        if self._wake is not None:
            self._wake.cancel()
        wall = max(0.0, (self._timers[0].due - self.now()) / self._scale)
        self._wake = asyncio.get_running_loop().call_later(wall, self._run_due)

    def _run_due(self) -> None:
        self._wake = None
        while self._timers and self._timers[0].due <= self.now():
            self._fire(heapq.heappop(self._timers))
        self._plan_wake()

    @staticmethod
    def _fire(timer: Timer) -> None:
        action, timer.action = timer.action, None
        if action is not None:
            action()
