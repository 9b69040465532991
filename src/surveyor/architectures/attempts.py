"""Calls on a schedule: each is one attempt by a new connection, started when it is due.

An open loop: a slow call does not delay later calls, and nothing is retried.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from surveyor.architectures.single_call import attempt

__all__ = ["ScheduledAttempt", "drive"]

MAX_ATTEMPTS = 200_000


@dataclass(frozen=True, slots=True)
class ScheduledAttempt:
    """One call: its due time and its duration from then (wall seconds from the start), and the called address.

    `error` is "" for a response with status 200.
    """

    due: float
    seconds: float
    address: str
    error: str


NextAddress = Callable[[], tuple[str, int]]
"""Returns the address and port of the next call."""


async def drive(
    next_address: NextAddress,
    rate: float,
    seconds: float,
    within: float,
    kill_at: float,
    kill: Callable[[], object],
) -> list[ScheduledAttempt]:
    """Call `rate` times per wall second for `seconds`, each call limited to `within`, and call `kill` at `kill_at`.

    Times are wall seconds. Only loopback addresses are called. Raises ValueError for too many calls.
    """
    count = int(rate * seconds)
    if not 0 < count <= MAX_ATTEMPTS:
        raise ValueError(f"expected 1 to {MAX_ATTEMPTS} calls, got {count}")
    start = time.monotonic()
    calls: list[asyncio.Task[ScheduledAttempt]] = []
    killing: asyncio.Task[object] | None = None
    for number in range(count):
        due = number / rate
        if killing is None and due >= kill_at:
            killing = asyncio.create_task(asyncio.to_thread(kill))
        wait = start + due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        calls.append(asyncio.create_task(_attempt(next_address, start, due, within)))
    if killing is not None:
        await killing
    return list(await asyncio.gather(*calls))


async def _attempt(next_address: NextAddress, start: float, due: float, within: float) -> ScheduledAttempt:
    address, error = "", ""
    try:
        address, port = next_address()
        result = await attempt(address, port, within)
        if result.status != 200:
            error = result.error or f"status {result.status}"
    except (OSError, LookupError) as raised:
        error = type(raised).__name__
    return ScheduledAttempt(due, time.monotonic() - start - due, address, error)
