"""Calls on a schedule: each an attempt of its own by a connection of its own, begun when it is due, come what may.

An open loop: what is slow does not slow down what comes after it, and nothing is tried again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from surveyor.callers import attempt

__all__ = ["Attempt", "drive"]

MOST_ATTEMPTS = 200_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: when it was due and how long it took from then (wall seconds from the start), whom it called.

    ``error`` is "" for an answer with status 200.
    """

    due: float
    seconds: float
    address: str
    error: str


Addresses = Callable[[], tuple[str, int]]
"""Where the next call goes."""


async def drive(
    where: Addresses, rate: float, seconds: float, within: float, at: float, kill: Callable[[], object]
) -> list[Attempt]:
    """Call ``rate`` times a wall second for so many wall seconds, each with a limit of ``within``; at ``at``, kill.

    Only loopback addresses are called. Raises ValueError for more calls than anybody needs.
    """
    count = int(rate * seconds)
    if not 0 < count <= MOST_ATTEMPTS:
        raise ValueError(f"{count} calls are none or too many; 1 to {MOST_ATTEMPTS}")
    start = time.monotonic()
    begun: list[asyncio.Task[Attempt]] = []
    killing: asyncio.Task[object] | None = None
    for number in range(count):
        due = number / rate
        if killing is None and due >= at:
            killing = asyncio.create_task(asyncio.to_thread(kill))
        wait = start + due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        begun.append(asyncio.create_task(_attempt(where, start, due, within)))
    if killing is not None:
        await killing
    return list(await asyncio.gather(*begun))


async def _attempt(where: Addresses, start: float, due: float, within: float) -> Attempt:
    address, error = "", ""
    try:
        address, port = where()
        found = await attempt(address, port, within)
        if found.status != 200:
            error = found.error or f"status {found.status}"
    except (OSError, LookupError) as problem:
        error = type(problem).__name__
    return Attempt(due, time.monotonic() - start - due, address, error)
