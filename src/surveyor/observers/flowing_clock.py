"""Let service time flow for many threads: read once from the target, then counted by this machine's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from surveyor.clock import ControlledClock, ServiceClock, WallClock
from surveyor.targets.running import RunningTarget

__all__ = ["flowing_clock"]


@contextmanager
def flowing_clock(running: RunningTarget, scale: float) -> Iterator[ServiceClock]:
    """Make the target's time flow while the block runs, and stop it again afterwards if it stood still before.

    It flows at `scale` if the clock only moves when it is advanced, otherwise at the speed that it has.
    """
    control = running.control
    if control is None:
        yield ServiceClock(1.0, WallClock(1.0))
        return
    present_scale = control.scale()
    start = control.now() if present_scale is not None else control.flow(scale)
    speed, began = present_scale or scale, time.monotonic()
    try:
        yield ServiceClock(speed, WallClock(speed, lambda: start + (time.monotonic() - began) * speed))
    finally:
        if present_scale is None:
            control.flow(0)
        if isinstance(running.clock, ControlledClock):
            running.clock.forget()
