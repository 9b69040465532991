"""Whether this machine keeps up with an experiment: measured before it, to choose the scale, and during it.

A service on this machine shares its processors with its observers and callers, and with whatever else runs here. A task
that is replaced late because of that says nothing about the service.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = [
    "POLL_SHARE",
    "SPEED",
    "Polls",
    "RecentLag",
    "ScaleChoice",
    "Work",
    "choose_scale",
    "describe_calls",
    "describe_lag",
    "measure_round",
]

POLL_SHARE = 0.5
"""Share of a poll period that one round of polls, one view after another, may take."""

MIN_SCALE = 3.0
"""Service seconds per wall second: at a lower scale an experiment would take more than a minute."""

MAX_SKIPPED = 0.05
"""Share of polls that may be skipped, as of the callers' arrivals that may be late."""

ROUNDS = 3

SPEED = "speed"
"""The setting of a history's service that says why its scale is lower than requested, if it is."""


class Polls(Protocol):
    """An observer's polls: how many were made, and how many were skipped because the one before took too long."""

    @property
    def made(self) -> int:
        """Return the number of polls."""

    @property
    def skipped(self) -> int:
        """Return the number of polls that were skipped."""


@dataclass(frozen=True)
class ScaleChoice:
    """`scale`: service seconds per wall second. `note`: why it is lower than requested, "" if it is not."""

    scale: float
    note: str = ""


def measure_round(polls: Sequence[Callable[[], object]]) -> float:
    """Return the wall seconds that all polls take one after another: the median of some rounds after a first one."""
    rounds = []
    for _ in range(ROUNDS + 1):
        began = time.monotonic()
        for poll in polls:
            poll()
        rounds.append(time.monotonic() - began)
    return statistics.median(rounds[1:])


def choose_scale(requested: float, round_seconds: float, period: float) -> ScaleChoice:
    """Return the scale at which this machine can poll all views each `period` service seconds.

    `round_seconds`: wall seconds of one round of polls. The scale is not above `requested`, and not below MIN_SCALE
    unless `requested` is.
    """
    possible = POLL_SHARE * period / round_seconds if round_seconds > 0 else math.inf
    if requested <= possible or requested <= MIN_SCALE:
        return ScaleChoice(requested)
    scale = max(MIN_SCALE, math.floor(10 * possible) / 10)
    return ScaleChoice(
        scale,
        f"scale lowered from {requested:g} to {scale:g} service seconds per second, and the rate of calls with it: "
        f"this machine polls all views in {1_000 * round_seconds:.0f} ms now",
    )


def describe_lag(polls: Sequence[Polls]) -> str:
    """Return that the machine did not keep up with the observers, "" if it did."""
    return _describe_polls(sum(observer.made for observer in polls), sum(observer.skipped for observer in polls))


def _describe_polls(made: int, skipped: int) -> str:
    if skipped <= MAX_SKIPPED * (made + skipped):
        return ""
    return f"the machine did not keep up: {skipped:,} of {made + skipped:,} polls of the service were too late"


def describe_calls(made: int, dropped: int) -> str:
    """Return that the machine did not keep up with the callers, "" if it did."""
    if dropped <= MAX_SKIPPED * (made + dropped):
        return ""
    return f"the machine did not keep up: {dropped:,} of {made + dropped:,} calls were dropped"


class Work(NamedTuple):
    """What callers and observers did until some moment: calls made and dropped, polls made and skipped."""

    calls: int = 0
    dropped: int = 0
    polls: int = 0
    skipped: int = 0


@dataclass
class RecentLag:
    """Whether the machine kept up in the last `seconds`: a machine that was busy once may be trusted again.

    `spans`: beginning and end of each time in which it could not be trusted.
    """

    seconds: float
    spans: list[tuple[float, float]] = field(default_factory=list)
    _seen: deque[tuple[float, Work]] = field(default_factory=deque)

    def describe(self, now: float, work: Work) -> str:
        """Return that the machine did not keep up until `now`, "" if it did; `work`: all that was done until now.

        It is compared with what was done at the last look that is at least `seconds` ago, or at the first one. The
        time since the look before belongs to a span if the machine did not keep up.
        """
        last = self._seen[-1][0] if self._seen else -math.inf
        self._seen.append((now, work))
        while len(self._seen) > 1 and self._seen[1][0] <= now - self.seconds:
            self._seen.popleft()
        before = self._seen[0][1] if len(self._seen) > 1 else Work()
        calls, dropped, polls, skipped = (new - old for new, old in zip(work, before, strict=True))
        lag = describe_calls(calls, dropped) or _describe_polls(polls, skipped)
        if lag and self.spans and self.spans[-1][1] == last:
            self.spans[-1] = (self.spans[-1][0], now)
        elif lag:
            self.spans.append((last, now))
        return lag

    def covers(self, begin: float, end: float) -> bool:
        """Return whether the machine could not be trusted at some moment between two."""
        return any(first < end and begin < last for first, last in self.spans)
