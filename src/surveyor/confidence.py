"""Confidence intervals of shares and of percentiles, which depend on the counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Share", "percents_around", "share_of", "wilson_bounds"]

_Z = {0.95: 1.959964, 0.99: 2.575829, 0.999: 3.290527}


@dataclass(frozen=True)
class Share:
    """`hits` of `count`, and the confidence interval of the true share; 0 to 1 if nothing was counted."""

    hits: int
    count: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return the share, from 0 to 1; 0 if nothing was counted."""
        return self.hits / self.count if self.count else 0.0

    def __str__(self) -> str:
        return (
            f"{100 * self.share:.2f} % ({self.hits} of {self.count}; {100 * self.low:.2f} to {100 * self.high:.2f} %)"
        )


def share_of(hits: int, count: int, confidence: float = 0.95) -> Share:
    """Return a share with Wilson's interval. Raises ValueError for invalid counts."""
    return Share(hits, count, *wilson_bounds(hits, count, confidence))


def wilson_bounds(hits: float, count: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share, which is valid for few counts and for shares near 0 and 1.

    Wilson 1927, Probable inference; `confidence` is 0.95, 0.99 or 0.999. Raises ValueError for invalid counts.
    """
    if not 0 <= hits <= count:
        raise ValueError(f"{hits:g} of {count:g} is not a share")
    if not count:
        return 0.0, 1.0
    z, share = _Z[confidence], hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    spread = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, min(share, middle - spread)), min(1.0, max(share, middle + spread))


def percents_around(percent: float, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the percents of a sample between which the true percentile lies; beyond 0 or 100 the sample says nothing.

    Its rank in a sample of `count` is binomial (Conover 1999, Practical Nonparametric Statistics, 3.2).
    """
    if count <= 0:
        return -math.inf, math.inf
    share = percent / 100
    spread = _Z[confidence] * math.sqrt(count * share * (1 - share))
    low, high = math.floor(count * share - spread), math.ceil(count * share + spread) + 1
    return 100 * low / count, 100 * high / count
