"""Say when a state was first and last observed, as intervals: between two samples the state is unknown."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

__all__ = ["Interval", "Observations"]


@dataclass(frozen=True)
class Interval:
    """An interval in service seconds: not before `low`, not after `high`; raises ValueError if `low` exceeds `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"expected an interval with low <= high, got {self.low} to {self.high}")

    def since(self, other: Interval) -> Interval:
        """Return how long after `other` this happened."""
        return Interval(self.low - other.high, self.high - other.low)

    def later(self, seconds: float) -> Interval:
        """Return the interval shifted by this number of seconds."""
        return Interval(self.low + seconds, self.high + seconds)

    def positive(self) -> Interval:
        """Return the interval with values below zero replaced by zero."""
        return Interval(max(0.0, self.low), max(0.0, self.high))


@dataclass
class Observations:
    """Samples of several named states, in order of time."""

    samples: list[tuple[float, Mapping[str, Hashable]]] = field(default_factory=list)

    def add(self, at: float, **states: Hashable) -> None:
        """Add a sample. Raises ValueError if it is earlier than the one before."""
        if self.samples and at < self.samples[-1][0]:
            raise ValueError(f"samples must be in order of time: got {at:g} after {self.samples[-1][0]:g}")
        self.samples.append((at, dict(states)))

    def first(self, what: str, state: Hashable = True) -> Interval | None:
        """Return when `what` first had this state: from the sample before to the one that shows it; None if never."""
        before = None
        for at, states in self.samples:
            if states.get(what) == state:
                return Interval(at if before is None else before, at)
            if what in states:
                before = at
        return None

    def last(self, what: str, state: Hashable = True) -> Interval | None:
        """Return when `what` last had this state: from the last sample that shows it to the next; None if never."""
        found = None
        for at, states in self.samples:
            if what not in states:
                continue
            if states[what] == state:
                found = Interval(at, at)
            elif found is not None and found.low == found.high:
                found = Interval(found.low, at)
        return found
