"""Bounds that stay valid however often they are looked at: confidence sequences of shares, and of two shares.

A fixed-sample interval that is computed again after each call excludes the true share sooner or later; a confidence
sequence contains it at all times together with the stated confidence. Against a share p, `hits` of `count` have the
evidence B(1 + hits, 1 + misses) / (p^hits (1 - p)^misses), the likelihood ratio of the beta-binomial mixture, which
exceeds 1 / alpha at any time with a probability of at most alpha (Robbins 1970, Statistical methods related to the law
of the iterated logarithm; Howard, Ramdas, McAuliffe and Sekhon 2021, Time-uniform, nonparametric, nonasymptotic
confidence sequences, proposition 7). The evidence of two independent streams is their product, and the pairs of shares
that it does not exclude bound the difference and the ratio (Turner and Grünwald 2023, Exact anytime-valid confidence
intervals for contingency tables and beyond).

The library confseq has the same bounds for one share, but is compiled with Boost and needs numpy and scipy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from surveyor.load.error_counts import Counts

__all__ = ["difference_bounds", "percents_always", "ratio_bounds", "share_bounds"]

_HALVINGS = 26
"""Of an interval of length 1: to a fifty-millionth, far below what is shown."""

_SECTIONS = 20
"""Golden sections in the search for the smallest evidence, which is flat there: to a ten-thousandth of the interval."""

_LARGEST_RATIO = 1e6
"""Ratios above it are shown as infinite."""


def share_bounds(counts: Counts, alpha: float) -> tuple[float, float]:
    """Return between which shares the true one lies, at all times together with the probability 1 - alpha."""
    limit, evidence = -math.log(alpha), _evidence_of(counts)

    def excluded(share: float) -> bool:
        return evidence(share) >= limit

    return _bisect(excluded, 0.0, counts.share), _bisect(excluded, 1.0, counts.share)


def difference_bounds(new: Counts, old: Counts, alpha: float) -> tuple[float, float]:
    """Return between which bounds the share of `new` exceeds that of `old`, from -1 to 1."""
    limit, middle = -math.log(alpha), new.share - old.share
    of_new, of_old = _evidence_of(new), _evidence_of(old)

    def excluded(excess: float) -> bool:
        # The sum is smallest between the shares at which its two parts are.
        ends = [min(max(share, -excess, 0.0), 1.0, 1.0 - excess) for share in (old.share, new.share - excess)]
        return _is_above(limit, lambda share: of_new(share + excess) + of_old(share), min(ends), max(ends))

    return _bisect(excluded, -1.0, middle), _bisect(excluded, 1.0, middle)


def ratio_bounds(new: Counts, old: Counts, alpha: float) -> tuple[float, float]:
    """Return between which bounds the share of `old` is contained in that of `new`; infinite if it may be zero."""
    limit = -math.log(alpha)
    of_new, of_old = _evidence_of(new), _evidence_of(old)

    def excluded(factor: float) -> bool:
        highest = min(1.0, 1.0 / factor) if factor else 1.0
        ends = [min(share, highest) for share in (old.share, new.share / factor if factor else 1.0)]
        return _is_above(limit, lambda share: of_new(min(1.0, factor * share)) + of_old(share), min(ends), max(ends))

    middle = new.share / old.share if old.hits else _LARGEST_RATIO
    # In logarithms, since a ratio has no upper bound.
    start = min(max(middle, 1.0 / _LARGEST_RATIO), _LARGEST_RATIO)
    low = 0.0
    if excluded(1.0 / _LARGEST_RATIO):
        low = math.exp(_bisect(lambda power: excluded(math.exp(power)), -math.log(_LARGEST_RATIO), math.log(start)))
    if middle >= _LARGEST_RATIO or not excluded(_LARGEST_RATIO):
        return low, math.inf
    return low, math.exp(_bisect(lambda power: excluded(math.exp(power)), math.log(_LARGEST_RATIO), math.log(start)))


def percents_always(percent: float, count: int, alpha: float) -> tuple[float, float]:
    """Return the percents of a sample between which the true percentile lies, at all times together.

    Of the values below the true percentile there are as many as hits of that share; beyond 0 or 100 the sample says
    nothing (the same test as Howard and Ramdas 2022, Sequential estimation of quantiles, for one percentile).
    """
    if count <= 0:
        return -math.inf, math.inf
    share, limit = percent / 100, -math.log(alpha)

    def excluded(hits: float) -> bool:
        return _evidence_of(Counts(round(hits), count))(share) >= limit

    low, high = _bisect(excluded, 0.0, share * count), _bisect(excluded, float(count), share * count)
    below, above = (0 if low == 0.0 else math.floor(low)), (count + 1 if high == count else math.ceil(high) + 1)
    return 100 * below / count, 100 * above / count


def _evidence_of(counts: Counts) -> Callable[[float], float]:
    """Return the logarithm of the evidence against a share as a function; infinite if the counts are impossible."""
    hits, misses = counts.hits, counts.count - counts.hits
    mixed = math.lgamma(1 + hits) + math.lgamma(1 + misses) - math.lgamma(2 + counts.count)

    def evidence(share: float) -> float:
        if (hits and share <= 0.0) or (misses and share >= 1.0):
            return math.inf
        return mixed - (hits * math.log(share) if hits else 0.0) - (misses * math.log1p(-share) if misses else 0.0)

    return evidence


def _bisect(excluded: Callable[[float], bool], outer: float, inner: float) -> float:
    """Return the bound between `outer` and `inner`, on the side of `outer`; `outer` if that is not excluded."""
    if not excluded(outer):
        return outer
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2
        if excluded(middle):
            outer = middle
        else:
            inner = middle
    return outer


def _is_above(limit: float, function: Callable[[float], float], low: float, high: float) -> bool:
    """Return whether a convex function, which may be infinite at both ends, reaches a limit everywhere between them."""
    golden = (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_SECTIONS):
        if min(at_left, at_right) < limit:
            return False
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return min(at_left, at_right, function(low), function(high)) >= limit
