"""Limit how long a probe waits for its endpoint, and not how long this machine stood still meanwhile."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

__all__ = ["TimeLimit"]

_PARTS = 5


class TimeLimit:
    """Wall seconds that something may take: `asyncio.timeout`, for which a pause counts as a fifth at most.

    A process that was not run for a while finds its limit exceeded and the answer there. If the whole machine was
    paused, the endpoint was, too, and needs some time to answer. So the limit is made of parts, each of which begins
    when this process notices the end of the one before.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._part: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self.restart(self._seconds)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._part is not None:
            self._part.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def restart(self, seconds: float) -> None:
        """Let the limit be that many seconds from now."""
        if self._part is not None:
            self._part.cancel()
        self._begin(seconds / _PARTS, _PARTS)

    def _begin(self, seconds: float, parts: int) -> None:
        loop = asyncio.get_running_loop()
        if parts:
            self._part = loop.call_later(seconds, self._begin, seconds, parts - 1)
        else:
            self._timeout.reschedule(loop.time())
