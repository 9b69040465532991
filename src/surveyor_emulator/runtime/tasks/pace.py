"""Processes live in wall time: while one is to be waited for, an advanced clock goes on no faster than it can.

A task that was told to stop may take its stopTimeout, and a command just started is not at once what it will be. On a
clock that is advanced each service second then takes up to ``Settings.probe_wall`` wall seconds, for all of them
together; on one that flows nothing needs to be done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable

from surveyor_emulator.core.world import World

__all__ = ["Pace", "wall_per_second"]


def wall_per_second(world: World) -> float:
    """Wall seconds that a service second takes for processes."""
    return world.settings.probe_wall if world.clock.scale is None else 1 / world.clock.scale


class Pace:
    """What holds the clock of one target back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[Hashable, float] = {}
        self._ticking = False
        self._free = asyncio.Event()

    def hold(self, what: Hashable, seconds: float) -> None:
        """Hold the clock back for so many service seconds, or until ``what`` is released."""
        if self._world.clock.scale is not None:
            return
        self._held[what] = self._world.clock.now() + seconds
        self._free.clear()
        if not self._ticking:
            self._ticking = True
            self._tick()

    def release(self, what: Hashable) -> None:
        """Nobody waits for it any more."""
        if self._held.pop(what, None) is not None and not self._held:
            self._free.set()

    def _tick(self) -> None:
        now = self._world.clock.now()
        for what in [what for what, until in self._held.items() if until <= now]:
            self.release(what)
        if not self._held:
            self._ticking = False
            return
        self._world.clock.run(self._breathe())
        self._world.clock.call_later(1.0, self._tick)

    async def _breathe(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._free.wait(), wall_per_second(self._world))
