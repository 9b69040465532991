"""The pace of an advanced clock: while it waits for a process, it advances no faster than the process can follow.

Processes live in wall time. A task that got SIGTERM may take its stopTimeout, and a command that has just started needs
a moment to become ready. While anything is waited for, each service second of an advanced clock takes up to
``Settings.probe_wall`` wall seconds, for all of them together; a flowing clock needs none of this.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Hashable

from surveyor_emulator.core.world import World

__all__ = ["Pace", "wall_per_second"]


def wall_per_second(world: World) -> float:
    """Return the wall seconds per service second, for processes."""
    return world.settings.probe_wall if world.clock.scale is None else 1 / world.clock.scale


class Pace:
    """The reasons to hold the clock of one target back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[Hashable, float] = {}
        self._ticking = False
        self._free = asyncio.Event()

    def hold(self, reason: Hashable, seconds: float) -> None:
        """Hold the clock back for this many service seconds, or until ``reason`` is released."""
        if self._world.clock.scale is not None:
            return
        self._held[reason] = self._world.clock.now() + seconds
        self._free.clear()
        if not self._ticking:
            self._ticking = True
            self._tick()

    def release(self, reason: Hashable) -> None:
        """Stop holding the clock back for this reason."""
        if self._held.pop(reason, None) is not None and not self._held:
            self._free.set()

    def _tick(self) -> None:
        now = self._world.clock.now()
        for reason in [reason for reason, until in self._held.items() if until <= now]:
            self.release(reason)
        if not self._held:
            self._ticking = False
            return
        self._world.clock.run(self._wait_one_second())
        self._world.clock.call_later(1.0, self._tick)

    async def _wait_one_second(self) -> None:
        """Wait for the wall time of one service second, or until nothing holds the clock back."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._free.wait(), wall_per_second(self._world))
