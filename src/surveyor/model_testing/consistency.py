"""A value that changes behind a delay which no document fixes: what a reader may see of it, as a set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Eventual", "Moment", "Write"]

T = TypeVar("T")


@dataclass(frozen=True)
class Moment:
    """When something happened: no earlier than `start` and no later than `end`, in service seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Write(Generic[T]):
    """`value` may be seen from `earliest` on, and nothing older from `latest` on; service seconds."""

    value: T
    earliest: float
    latest: float


@dataclass(frozen=True)
class Eventual(Generic[T]):
    """The writes of one value, oldest first; there is at least one."""

    writes: tuple[Write[T], ...]

    @classmethod
    def always(cls, value: T) -> Eventual[T]:
        """A value that has been so since the beginning of time."""
        return cls((Write(value, -math.inf, -math.inf),))

    @property
    def last(self) -> T:
        """What it comes to in the end."""
        return self.writes[-1].value

    @property
    def settles(self) -> float:
        """From when on only `last` may be seen; infinity where no document says that it comes to that."""
        return self.writes[-1].latest

    def write(self, value: T, earliest: float, latest: float) -> Eventual[T]:
        """The same with one more write."""
        return Eventual((*self.writes, Write(value, earliest, latest)))

    def without_last(self) -> Eventual[T]:
        """The same without its last write, which must not be the only one."""
        if len(self.writes) < 2:
            raise ValueError("the first write cannot be taken back")
        return Eventual(self.writes[:-1])

    def permitted(self, at: Moment) -> frozenset[T]:
        """What a reader may see who looks at some instant of `at`."""
        done = max((number for number, write in enumerate(self.writes) if write.latest <= at.start), default=0)
        return frozenset(write.value for write in self.writes[done:] if write.earliest <= at.end)
