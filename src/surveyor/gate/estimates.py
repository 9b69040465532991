"""Estimates with their bounds, and the difference and the ratio of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from surveyor.gate.confidence_sequences import (
    Counts,
    difference_bounds,
    percents_always,
    ratio_bounds,
    share_bounds,
)
from surveyor.load.confidence import share_of
from surveyor.load.histogram import Latencies

__all__ = [
    "ConfidenceLevel",
    "Estimate",
    "certain_estimate",
    "difference",
    "latency_estimate",
    "percentile_estimate",
    "ratio",
    "share_estimate",
]


@dataclass(frozen=True)
class ConfidenceLevel:
    """How sure bounds must be: `level` is 0.95, 0.99 or 0.999.

    `always`: they hold at all looks together, not only at one. `parts`: over how many estimates, such as those of each
    client, the probability of an error is divided then.
    """

    level: float = 0.95
    always: bool = False
    parts: int = 1

    @property
    def alpha(self) -> float:
        """Return the probability with which the bounds may be wrong at any look."""
        return (1 - self.level) / self.parts


@dataclass(frozen=True)
class Estimate:
    """A value between `low` and `high`, and how to write it.

    `sampled`: the bounds are confidence limits of independent samples; otherwise the value is within them for certain.
    `counts`: of a share whose bounds hold at all looks, with the probability `alpha` of an error; None for any other.
    """

    value: float
    low: float
    high: float
    text: str
    sampled: bool = True
    counts: Counts | None = None
    alpha: float = 0.0


def share_estimate(hits: int, count: int, confidence: ConfidenceLevel) -> Estimate:
    """Return a share in percent."""
    if not confidence.always:
        share = share_of(hits, count, confidence.level)
        return Estimate(100 * share.share, 100 * share.low, 100 * share.high, str(share))
    counts = Counts(hits, count)
    low, high = (100 * bound for bound in share_bounds(counts, confidence.alpha))
    text = f"{100 * counts.share:.2f} % ({hits} of {count}; {low:.2f} to {high:.2f} %)"
    return Estimate(100 * counts.share, low, high, text, counts=counts, alpha=confidence.alpha)


def latency_estimate(latencies: Latencies, percent: float, confidence: ConfidenceLevel, *, compared: bool) -> Estimate:
    """Return a percentile in wall milliseconds; `compared`: with that of other attempts, which may be wrong as well."""
    if confidence.always:
        alpha = confidence.alpha / 2 if compared else confidence.alpha
        below, above = percents_always(percent, latencies.count, alpha)
        value = latencies.percentile(percent)
        low = latencies.percentile(below) if below > 0 else 0.0
        found = (value, low, latencies.percentile(above) if above <= 100 else math.inf)
    else:
        found = latencies.interval(percent, confidence.level)
    return percentile_estimate(found, certain=confidence.always)


def percentile_estimate(found: tuple[float, float, float], *, certain: bool = False) -> Estimate:
    """Return the estimate of a percentile with its bounds, all in wall seconds.

    `certain`: the bounds of a difference are those of the extremes, for each of which the confidence was divided.
    """
    value, low, high = (1_000 * seconds for seconds in found)
    bounds = f"{low:.1f} to {high:.1f} ms" if math.isfinite(high) else f"{low:.1f} ms or more, of too few attempts"
    return Estimate(value, low, high, f"{value:.1f} ms ({bounds})", sampled=not certain)


def certain_estimate(low: float, high: float, text: str) -> Estimate:
    """Return a value that lies within these bounds for certain."""
    return Estimate(high, low, high, text, sampled=False)


def difference(new: Estimate, old: Estimate) -> Estimate:
    """Return by how much `new` exceeds `old`.

    Confidence limits of samples are combined by the method of variance estimates recovery, which is Newcombe's tenth
    method for shares (Newcombe 1998, Interval estimation for the difference between independent proportions). Shares
    whose bounds hold at all looks are compared by their counts.
    """
    value = new.value - old.value
    if new.counts is not None and old.counts is not None:
        low, high = (100 * bound for bound in difference_bounds(new.counts, old.counts, new.alpha))
    elif new.sampled and old.sampled:
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
    if new.counts is not None and old.counts is not None:
        return Estimate(value, *ratio_bounds(new.counts, old.counts, new.alpha), text)
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
