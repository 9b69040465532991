"""From attempts to the table: pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.architectures.attempts import Attempt
from surveyor.callers import ARCHITECTURES

__all__ = ["Row", "rows_of"]

_HOPS = {one.name: one.hops for one in ARCHITECTURES}


@dataclass(frozen=True)
class Row:
    """One architecture. Latency in wall milliseconds, before the kill; outage in service seconds after it.

    ``median_added`` is against calls by the address that DNS gave, which pass nothing on the way.
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
        """Failed attempts of those after the kill, in percent."""
        return 100 * self.failed / self.attempts if self.attempts else 0.0


def rows_of(measured: Mapping[str, Sequence[Attempt]], killed_at: float, scale: float) -> list[Row]:
    """A row for each architecture. ``killed_at`` in wall seconds from the start of its calls."""
    before = {
        kind: sorted(one.seconds * 1_000 for one in attempts if one.due < killed_at and not one.error)
        for kind, attempts in measured.items()
    }
    medians = {kind: statistics.median(found) if found else float("nan") for kind, found in before.items()}
    rows = []
    for kind, attempts in measured.items():
        after = [one for one in attempts if one.due >= killed_at]
        failed = [one for one in after if one.error]
        rows.append(
            Row(
                kind,
                _HOPS[kind],
                medians[kind],
                before[kind][int(len(before[kind]) * 0.99)] if before[kind] else float("nan"),
                medians[kind] - medians.get("DNS", float("nan")),
                len(after),
                len(failed),
                max(((one.due - killed_at) * scale for one in failed), default=0.0),
            )
        )
    return rows
