"""Latencies in HDR histograms: exact to one percent up to ten minutes, merged without loss, sent as text."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable

from hdrh.codec import HdrCookieException, HdrHistogramSettingsException, HdrLengthException
from hdrh.histogram import HdrHistogram

from surveyor.confidence import percents_around

__all__ = ["Latencies"]

_MAX_LATENCY = 600_000_000
"""Microseconds."""

_BROKEN = (HdrCookieException, HdrHistogramSettingsException, HdrLengthException)

_DIGITS = 2
"""A third digit would make each histogram eight times as large; there is one for each second of each model."""


class Latencies:
    """Wall seconds of many attempts, each counted from its due time."""

    def __init__(self, encoded: Iterable[str] = ()) -> None:
        """Start with what these texts of `encoded` hold. Raise ValueError for any other text."""
        self._histogram = HdrHistogram(1, _MAX_LATENCY, _DIGITS)
        for text in encoded:
            try:
                self._histogram.decode_and_add(text.encode("ascii"))
            except (*_BROKEN, IndexError, RuntimeError, zlib.error) as error:
                raise ValueError(f"not an encoded histogram: {text[:40]!r} ({error})") from None

    def record(self, seconds: float) -> None:
        """Add one latency; anything above ten minutes counts as ten minutes."""
        self._histogram.record_value(min(max(1, round(seconds * 1e6)), _MAX_LATENCY))

    def add(self, other: Latencies) -> None:
        """Add all latencies of another histogram."""
        self._histogram.add(other._histogram)  # of the same class

    @property
    def count(self) -> int:
        """Return the number of latencies."""
        return int(self._histogram.get_total_count())

    def percentile(self, share: float) -> float:
        """Return the wall seconds within which `share` percent stayed; 0 if there are none."""
        return float(self._histogram.get_value_at_percentile(share)) / 1e6 if self.count else 0.0

    def interval(self, percent: float, confidence: float) -> tuple[float, float, float]:
        """Return a percentile with its confidence interval, in wall seconds; infinite where there are too few."""
        low, high = percents_around(percent, self.count, confidence)
        return (
            self.percentile(percent),
            self.percentile(low) if low > 0 else 0.0,
            self.percentile(high) if high <= 100 else math.inf,
        )

    def encoded(self) -> str:
        """Return text, which is what processes exchange."""
        text: bytes = self._histogram.encode()
        return text.decode("ascii")
