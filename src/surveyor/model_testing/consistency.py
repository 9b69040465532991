"""A value that changes after a delay that no document fixes: the set of values that a reader may observe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Eventual", "Moment", "Write"]

T = TypeVar("T")


@dataclass(frozen=True)
class Moment:
    """When something happened: not before `start` and not after `end`, in service seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Write(Generic[T]):
    """`value` may be observed from `earliest` on, and nothing older from `latest` on; service seconds."""

    value: T
    earliest: float
    latest: float


@dataclass(frozen=True)
class Eventual(Generic[T]):
    """The writes of one value, oldest first; there is at least one."""

    writes: tuple[Write[T], ...]

    @classmethod
    def constant(cls, value: T) -> Eventual[T]:
        """Return a value that has never been different."""
        return cls((Write(value, -math.inf, -math.inf),))

    @property
    def last(self) -> T:
        """The final value."""
        return self.writes[-1].value

    @property
    def settles_at(self) -> float:
        """The time from which only `last` may be observed; infinity if no document limits it."""
        return self.writes[-1].latest

    def write(self, value: T, earliest: float, latest: float) -> Eventual[T]:
        """Return this value with one more write."""
        return Eventual((*self.writes, Write(value, earliest, latest)))

    def without_last(self) -> Eventual[T]:
        """Return this value without its last write, which must not be the only one."""
        if len(self.writes) < 2:
            raise ValueError("the first write cannot be undone")
        return Eventual(self.writes[:-1])

    def permitted(self, at: Moment) -> frozenset[T]:
        """Return the values that a reader may observe at some instant of `at`."""
        done = max((number for number, write in enumerate(self.writes) if write.latest <= at.start), default=0)
        return frozenset(write.value for write in self.writes[done:] if write.earliest <= at.end)
