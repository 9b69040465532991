"""The arithmetic between a TTL, a stopTimeout and the time that a task leaves the registry late. All in seconds."""

from __future__ import annotations

__all__ = ["IN_FLIGHT", "MARGIN", "drain_for", "longest_ttl"]

IN_FLIGHT = 5
"""Seconds for the last requests, between the end of the drain and SIGKILL."""

MARGIN = 5
"""Seconds added to a measured value, since it was measured once, and the next answer may take longer."""


def drain_for(ttl: int, lag: int) -> int:
    """Return how long a task must answer after SIGTERM, if the last answer that names it arrives after `lag`."""
    return lag + ttl + MARGIN


def longest_ttl(stop_timeout: int, lag: int, ttl: int) -> int | None:
    """Return the longest TTL up to `ttl` with which a task can drain within its stopTimeout, or None if there is none.

    It is rounded down to a multiple of five, since round figures are easier to remember.
    """
    longest = min(stop_timeout - IN_FLIGHT - MARGIN - lag, ttl)
    return None if longest < 1 else longest // 5 * 5 or longest
