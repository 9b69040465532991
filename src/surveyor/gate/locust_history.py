"""Cut what Locust measured to a deployment, by the rows of its history, which count requests since its start.

A row is written each second, for all requests together, and with `--csv-full-history` for each name (Locust
documentation, "Retrieve test statistics in CSV format").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from surveyor.confidence import share_of
from surveyor.errors import UsageError
from surveyor.gate.tool_figures import ALL, CountedUntil, ToolFigures

__all__ = ["cut_to_time"]


PERIOD = 1.0
"""Seconds between two rows (CSV_STATS_INTERVAL_SEC of Locust)."""


@dataclass(frozen=True)
class _Part:
    """Requests between two rows; `is_whole`: no request is outside of them."""

    requests: int
    failures: int
    is_whole: bool


def cut_to_time(
    tools: Sequence[ToolFigures], begin: float, end: float, *, is_growing: bool = False
) -> list[ToolFigures]:
    """Return the figures of the requests between two POSIX times; those of a file without a history as they are.

    Raises UsageError for a file whose history shows no request in that time, unless it `is_growing`.
    """
    return [_cut(figures, begin, end, is_growing=is_growing) for figures in tools]


def _cut(figures: ToolFigures, begin: float, end: float, *, is_growing: bool) -> ToolFigures:
    if not figures.is_timed:
        is_older = is_growing and figures.ended is not None and figures.ended < begin
        return replace(figures, unknown="it ended before the deployment began") if is_older else figures
    if not figures.history:
        why = "its requests during the deployment are not known: `locust --csv-full-history` writes them"
        return replace(figures, unknown=why)
    part = _part(figures.history, begin, end)
    if not part.requests and is_growing:
        return replace(figures, unknown="it has no requests of the time of the deployment until now")
    if not part.requests and figures.name == ALL:
        raise UsageError(
            f"{figures.file}: has no requests of the time of the deployment: measure while it is in progress, or use "
            "--watch"
        )
    if part.is_whole and not is_growing:
        return figures
    failed = share_of(min(part.failures, part.requests), part.requests)
    return replace(figures, failed=failed, percentiles={}, part=" during the deployment")


def _part(rows: Sequence[CountedUntil], begin: float, end: float) -> _Part:
    """Return what was counted from the first row after `begin` to the last before `end`.

    Counts that fall were reset: Locust does that with `--reset-stats`.
    """
    requests = failures = outside = 0
    for before, after in pairwise((CountedUntil(rows[0].time - PERIOD, 0, 0), *rows)):
        base = before if after.requests >= before.requests else CountedUntil(before.time, 0, 0)
        if begin <= before.time and after.time <= end:
            requests += after.requests - base.requests
            failures += max(0, after.failures - base.failures)
        else:
            outside += after.requests - base.requests
    return _Part(requests, failures, is_whole=not outside)
