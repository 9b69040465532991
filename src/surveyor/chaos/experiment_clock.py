"""Service time for many threads: read once from the target, then counted by this machine's own clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from surveyor.clock import ControlledClock, WallClock
from surveyor.targets.running import RunningTarget

__all__ = ["Flow", "flowing"]


@dataclass(frozen=True)
class Flow:
    """Service time that flows: `scale` service seconds a wall second."""

    scale: float
    clock: WallClock

    def now(self) -> float:
        """Service seconds since the epoch."""
        return self.clock.now()

    def wall(self, seconds: float) -> float:
        """Wall seconds that so many service seconds take."""
        return seconds / self.scale

    def wait(self, until: float, stop: threading.Event) -> bool:
        """Wait for a moment, unless `stop` is set first; whether it was."""
        return stop.wait(max(0.0, self.wall(until - self.now())))


@contextmanager
def flowing(running: RunningTarget, scale: float) -> Iterator[Flow]:
    """Have the target's time flow: at `scale` where it stands still until it is advanced, else as it does anyway.

    Its clock stands still again afterwards if it did before.
    """
    control = running.control
    if control is None:
        yield Flow(1.0, WallClock(1.0))
        return
    own = control.scale()
    start = control.now() if own is not None else control.flow(scale)
    speed, began = own or scale, time.monotonic()
    try:
        yield Flow(speed, WallClock(speed, lambda: start + (time.monotonic() - began) * speed))
    finally:
        if own is None:
            control.flow(0)
        if isinstance(running.clock, ControlledClock):
            running.clock.forget()
