"""Latencies in HDR histograms: exact to a hundredth up to ten minutes, merged without loss, sent as text."""

from __future__ import annotations

from collections.abc import Iterable

from hdrh.histogram import HdrHistogram

__all__ = ["Latencies"]

_LARGEST = 600_000_000
"""Microseconds."""

_DIGITS = 2
"""A third digit would make each of them eight times as large, and there is one for each second of each model."""


class Latencies:
    """Wall seconds of many attempts, each from the moment at which it was due."""

    def __init__(self, encoded: Iterable[str] = ()) -> None:
        self._histogram = HdrHistogram(1, _LARGEST, _DIGITS)
        for one in encoded:
            self._histogram.decode_and_add(one.encode("ascii"))

    def record(self, seconds: float) -> None:
        """Add one; what took longer than ten minutes counts as that."""
        self._histogram.record_value(min(max(1, round(seconds * 1e6)), _LARGEST))

    def add(self, other: Latencies) -> None:
        """Add all of another one."""
        self._histogram.add(other._histogram)  # of the same class

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._histogram.get_total_count())

    def percentile(self, share: float) -> float:
        """Wall seconds that `share` percent stayed within; 0 where there are none."""
        return float(self._histogram.get_value_at_percentile(share)) / 1e6 if self.count else 0.0

    def encoded(self) -> str:
        """As text, which is what crosses between processes."""
        text: bytes = self._histogram.encode()
        return text.decode("ascii")
