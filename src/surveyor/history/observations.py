"""When things were first and last seen, as intervals: looks have time between them, and nobody knows what was then."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

__all__ = ["Interval", "Observations"]


@dataclass(frozen=True)
class Interval:
    """Service seconds: not before `low`, not after `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"an interval goes from the lower to the higher, not from {self.low} to {self.high}")

    def since(self, other: Interval) -> Interval:
        """How long after `other` this was."""
        return Interval(self.low - other.high, self.high - other.low)

    def later(self, seconds: float) -> Interval:
        """So much later."""
        return Interval(self.low + seconds, self.high + seconds)

    def positive(self) -> Interval:
        """No part of it below zero."""
        return Interval(max(0.0, self.low), max(0.0, self.high))


@dataclass
class Observations:
    """Looks at several things, in order of time: at each, what is so."""

    looks: list[tuple[float, Mapping[str, Hashable]]] = field(default_factory=list)

    def look(self, at: float, **states: Hashable) -> None:
        """Add a look; it has to be later than those before."""
        if self.looks and at < self.looks[-1][0]:
            raise ValueError("looks go forward in time")
        self.looks.append((at, dict(states)))

    def first(self, what: str, state: Hashable = True) -> Interval | None:
        """When `what` was first so: between the last look before, and the one that saw it. None if never."""
        before = None
        for at, states in self.looks:
            if states.get(what) == state:
                return Interval(at if before is None else before, at)
            if what in states:
                before = at
        return None

    def last(self, what: str, state: Hashable = True) -> Interval | None:
        """When `what` was last so: between the last look that saw it, and the next one. None if never."""
        found = None
        for at, states in self.looks:
            if what not in states:
                continue
            if states[what] == state:
                found = Interval(at, at)
            elif found is not None and found.low == found.high:
                found = Interval(found.low, at)
        return found
