"""Counts of attempts and of their errors, and how much errors in bursts say less than their number.

An outage of a second fails all calls of that second: twenty errors of one cause. Bounds for independent attempts then
are too narrow by the burst factor, the variance of the number of errors over that of independent ones: 1 + twice the
sum of the autocorrelations (Priestley 1981, Spectral Analysis and Time Series, 5.3.2). Attempts and errors are divided
by it, as quasi-likelihood does for overdispersed counts (McCullagh and Nelder 1989, Generalized Linear Models, 4.5).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

__all__ = ["CALM", "WINDOW", "Counts", "ErrorCounter", "burst_factor", "without_bursts"]

WINDOW = 20
"""Attempts after an error in which another one may be of the same burst. Longer bursts are noticed, too, since errors
are near each other all along."""

CALM = 2 * WINDOW
"""Attempts without errors that are assumed before the first: else a burst at the beginning looks like a high share."""


@dataclass(frozen=True)
class Counts:
    """`hits` of `count` attempts; `near`: pairs of hits that are at most WINDOW attempts apart."""

    hits: float
    count: float
    near: int = 0

    @property
    def share(self) -> float:
        """Return the share, from 0 to 1; 0 if nothing was counted."""
        return self.hits / self.count if self.count else 0.0


@dataclass
class ErrorCounter:
    """Counts the attempts of one stream in their order."""

    hits: int = 0
    count: int = 0
    near: int = 0
    _recent: deque[int] = field(default_factory=deque)

    def add(self, *, failed: bool) -> None:
        """Count one attempt."""
        self.count += 1
        if not failed:
            return
        self.hits += 1
        while self._recent and self.count - self._recent[0] > WINDOW:
            self._recent.popleft()
        self.near += len(self._recent)
        self._recent.append(self.count)

    @property
    def counts(self) -> Counts:
        """Return what has been counted."""
        return Counts(self.hits, self.count, self.near)


def burst_factor(*streams: Counts) -> float:
    """Return how many errors of these streams say as much as one independent error, at least 1.

    The streams, such as those of two revisions, are assumed to have bursts of the same kind: one that has had no error
    yet does not show how its errors come.
    """
    hits = sum(stream.hits for stream in streams)
    if not hits:
        return 1.0
    expected = sum(_expected_pairs(stream) for stream in streams)
    return max(1.0, 1.0 + 2.0 * (sum(stream.near for stream in streams) - expected) / hits)


def _expected_pairs(stream: Counts) -> float:
    """Return how many hits would be near each other by chance; the first attempts have few before them to be near."""
    return WINDOW * stream.hits**2 / (stream.count + CALM) * min(1.0, stream.count / CALM)


def without_bursts(counts: Counts, factor: float) -> Counts:
    """Return the counts of independent attempts that say as much."""
    return replace(counts, hits=counts.hits / factor, count=counts.count / factor)
