"""The comparison table, computed from attempts by pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.architectures.attempts import ScheduledAttempt
from surveyor.callers import ARCHITECTURES

__all__ = ["MeasuredArchitecture", "rows_of"]

_HOPS = {architecture.name: architecture.hops for architecture in ARCHITECTURES}


@dataclass(frozen=True)
class MeasuredArchitecture:
    """One architecture. Latency in wall milliseconds, before the kill; `longest`: service seconds from the kill to the
    last failed call.

    `median_added` is relative to calls at an address from DNS, which have no hop in between.
    """

    kind: str
    hops: str
    median: float
    slowest: float
    median_added: float
    attempts: int
    failed: int
    longest: float

    @property
    def share(self) -> float:
        """Return the percentage of attempts after the kill that failed."""
        return 100 * self.failed / self.attempts if self.attempts else 0.0


def rows_of(
    measured: Mapping[str, Sequence[ScheduledAttempt]], killed_at: float, scale: float
) -> list[MeasuredArchitecture]:
    """Return a row for each architecture. `killed_at`: wall seconds from the start of its calls."""
    before = {
        kind: sorted(attempt.seconds * 1_000 for attempt in attempts if attempt.due < killed_at and not attempt.error)
        for kind, attempts in measured.items()
    }
    medians = {kind: statistics.median(latencies) if latencies else float("nan") for kind, latencies in before.items()}
    rows = []
    for kind, attempts in measured.items():
        after = [attempt for attempt in attempts if attempt.due >= killed_at]
        failed = [attempt for attempt in after if attempt.error]
        rows.append(
            MeasuredArchitecture(
                kind,
                _HOPS[kind],
                medians[kind],
                before[kind][int(len(before[kind]) * 0.99)] if before[kind] else float("nan"),
                medians[kind] - medians.get("DNS", float("nan")),
                len(after),
                len(failed),
                max(((attempt.due - killed_at) * scale for attempt in failed), default=0.0),
            )
        )
    return rows
