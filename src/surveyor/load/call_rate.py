"""The rate of callers: what this machine can do now, as the self-check measured it, bounds it before a run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from surveyor.errors import UsageError

__all__ = ["MAX_SHARE", "MIN_RATE", "CallRate", "adapt_rate", "check_rate"]

MAX_SHARE = 1 / 8
"""Share of the measured attempts per second that callers may use: an attempt of a client costs three times as much as
one of the self-check, and the service, its proxies, its registry and the observers need the same processors."""

MIN_RATE = 2.0
"""Arrivals of each client per wall second: with fewer, a phase of two wall seconds shows too little."""


@dataclass(frozen=True)
class CallRate:
    """`rate`: arrivals of each client per wall second. `note`: why it is lower than requested, "" if it is not."""

    rate: float
    note: str = ""


def adapt_rate(requested: float, max_rate: float, clients: float) -> CallRate:
    """Return the rate at which `clients` models can call on a machine that makes `max_rate` attempts per second.

    It is not above `requested`, and not below MIN_RATE unless `requested` is. A machine that cannot keep even that
    makes the run inconclusive, since its callers are late.
    """
    possible = MAX_SHARE * max_rate / clients
    if requested <= possible:
        return CallRate(requested)
    rate = min(requested, max(MIN_RATE, _round_down(possible)))
    if rate == requested:
        return CallRate(requested)
    return CallRate(
        rate,
        f"rate lowered from {requested:g} to {rate:g} calls per second of each client: this machine makes at most "
        f"{max_rate:,.0f} attempts per second now",
    )


def check_rate(max_rate: float, rate: float, clients: float) -> None:
    """Raise UsageError if `clients` models at `rate` arrivals per wall second each are more than `max_rate` attempts.

    The error names a possible rate.
    """
    if rate * clients > max_rate:
        possible = max(1, int(max_rate / clients / 2))
        raise UsageError(
            f"{rate:g} arrivals per second of each client are {rate * clients:,.0f} in total, and this machine makes "
            f"{max_rate:,.0f} attempts at most: use --rate {possible}, or Locust's "
            "workers on other machines"
        )


def _round_down(rate: float) -> float:
    """Return the rate as a whole number, or with one decimal if it is below ten."""
    return math.floor(rate) if rate >= 10 else math.floor(10 * rate) / 10
