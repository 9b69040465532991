"""Estimates with their bounds, and the difference and the ratio of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Estimate", "difference", "ratio"]


@dataclass(frozen=True)
class Estimate:
    """A value between `low` and `high`, and how to write it.

    `sampled`: the bounds are confidence limits of independent samples; otherwise the value is within them for certain.
    """

    value: float
    low: float
    high: float
    text: str
    sampled: bool = True


def difference(new: Estimate, old: Estimate) -> Estimate:
    """Return by how much `new` exceeds `old`.

    Confidence limits of samples are combined by the method of variance estimates recovery, which is Newcombe's tenth
    method for shares (Newcombe 1998, Interval estimation for the difference between independent proportions).
    """
    value = new.value - old.value
    if new.sampled and old.sampled:
        low = value - math.hypot(new.value - new.low, old.high - old.value)
        high = value + math.hypot(new.high - new.value, old.value - old.low)
    else:
        low, high = new.low - old.high, new.high - old.low
    return Estimate(value, low, high, f"{new.text}, against {old.text}", new.sampled and old.sampled)


def ratio(new: Estimate, old: Estimate) -> Estimate:
    """Return how many times `old` is contained in `new`, neither of which is negative; infinite if `old` may be zero.

    Confidence limits of samples are combined as in Donner and Zou 2012, Closed-form confidence intervals for functions
    of the normal mean and standard deviation.
    """
    text = f"{new.text}, against {old.text}"
    value = _divide(new.value, old.value)
    if not (new.sampled and old.sampled):
        return Estimate(value, _divide(new.low, old.high), _divide(new.high, old.low), text, sampled=False)
    both = new.value * old.value
    below = new.low * (2 * new.value - new.low)
    low = 0.0
    if below > 0 and math.isfinite(old.high):
        low = below / (both + math.sqrt(max(0.0, both**2 - below * old.high * (2 * old.value - old.high))))
    high, divisor = math.inf, old.low * (2 * old.value - old.low)
    if divisor > 0 and math.isfinite(new.high):
        above = new.high * (2 * new.value - new.high)
        high = (both + math.sqrt(max(0.0, both**2 - above * divisor))) / divisor
    return Estimate(value, low, high, text)


def _divide(dividend: float, divisor: float) -> float:
    if divisor > 0:
        return dividend / divisor if math.isfinite(divisor) else 0.0
    return math.inf if dividend > 0 else 1.0
