"""Estimates with their bounds, and the difference and the ratio of two of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from surveyor.confidence import wilson_bounds
from surveyor.gate.confidence_sequences import difference_bounds, percents_always, ratio_bounds, share_bounds
from surveyor.load.error_counts import Counts, burst_factor, without_bursts
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


SHOWN_FACTOR = 2.0
"""The burst factor from which on a text says it: below, chance or a high share explains it."""


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
    `counts`: of a share, without what bursts add, and the `confidence` of its bounds; `counted`: with it. None for any
    other.
    """

    value: float
    low: float
    high: float
    text: str
    sampled: bool = True
    counts: Counts | None = None
    counted: Counts | None = None
    confidence: ConfidenceLevel = ConfidenceLevel()


def share_estimate(counted: Counts, confidence: ConfidenceLevel, factor: float = 0.0) -> Estimate:
    """Return a share in percent; `factor`: of bursts, if other attempts show it as well."""
    factor = factor or burst_factor(counted)
    counts = without_bursts(counted, factor)
    if confidence.always:
        bounds = share_bounds(counts, confidence.alpha)
    else:
        bounds = wilson_bounds(counts.hits, counts.count, confidence.level)
    low, high = (100 * bound for bound in bounds)
    bursts = f", in bursts: {factor:.0f} count as one" if factor >= SHOWN_FACTOR and counted.hits else ""
    text = f"{100 * counts.share:.2f} % ({counted.hits:.0f} of {counted.count:.0f}{bursts}; {low:.2f} to {high:.2f} %)"
    return Estimate(100 * counts.share, low, high, text, counts=counts, counted=counted, confidence=confidence)


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
    new, old = _with_common_factor(new, old)
    if (pair := _counts_always(new, old)) is not None:
        low, high = (100 * bound for bound in difference_bounds(*pair, new.confidence.alpha))
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
    value = _divide(new.value, old.value)
    new, old = _with_common_factor(new, old)
    text = f"{new.text}, against {old.text}"
    if (pair := _counts_always(new, old)) is not None:
        return Estimate(value, *ratio_bounds(*pair, new.confidence.alpha), text)
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


def _with_common_factor(new: Estimate, old: Estimate) -> tuple[Estimate, Estimate]:
    """Return two shares with bounds for the bursts that both together show; any other estimates as they are."""
    if new.counted is None or old.counted is None:
        return new, old
    factor = burst_factor(new.counted, old.counted)
    return share_estimate(new.counted, new.confidence, factor), share_estimate(old.counted, old.confidence, factor)


def _counts_always(new: Estimate, old: Estimate) -> tuple[Counts, Counts] | None:
    """Return the counts of two shares whose bounds hold at all looks, None if they are something else."""
    if new.counts is None or old.counts is None or not (new.confidence.always and old.confidence.always):
        return None
    return new.counts, old.counts


def _divide(dividend: float, divisor: float) -> float:
    if divisor > 0:
        return dividend / divisor if math.isfinite(divisor) else 0.0
    return math.inf if dividend > 0 else 1.0
