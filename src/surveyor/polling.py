"""How often an account of AWS is asked while something is waited for: by kind of call, and less often with time.

Calls of an account are limited, and others make them too: polls follow what usually changes. A condition that calls no
API asks name servers or tasks, which costs nothing, and is polled each second.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

__all__ = ["Polling", "RecentCalls", "SeenDurations"]

_ECS = (2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 8.0, 10.0)
_STEPS: Mapping[str, tuple[float, ...]] = {
    # A sample in the API reference takes 4 s, and most operations seconds; those with a hosted zone 30 to 60 s.
    "servicediscovery": (2.0, 3.0, 5.0, 8.0, 12.0, 15.0),
    "ecs": _ECS,
    # All calls of an account share ten a second (Route 53 Developer Guide, "Throttling for Amazon Route 53 API
    # requests").
    "route53": (3.0,),
}
_FREE = (0.5, 1.0)
_JITTER = 0.15


class RecentCalls(threading.local):
    """The services that this thread has called since a condition began."""

    def __init__(self) -> None:
        self.services: set[str] = set()


@dataclass
class Polling:
    """The time between two polls, in service seconds, with a seeded random part.

    The workers of a run have different seeds, so that they do not ask at the same moments.
    """

    recent: RecentCalls
    random: Random = field(default_factory=lambda: Random(0))

    def begin(self) -> None:
        """Forget the calls until now: a condition is about to be asked."""
        self.recent.services.clear()

    def step(self, polls: int, *, coarse: bool = False) -> float:
        """Return how long to wait after `polls` polls, by the services that the last one called.

        `coarse`: the exact time of what is waited for does not matter, so an account is asked half as often.
        """
        steps = [_STEPS.get(service, _ECS) for service in self.recent.services] or [_FREE]
        step = max(kind[min(polls, len(kind)) - 1] for kind in steps)
        step *= 2 if coarse and self.recent.services else 1
        return step * self.random.uniform(1.0 - _JITTER, 1.0 + _JITTER)


_REMEMBERED = 20
_ENOUGH = 4
_SHORTER = 0.8


@dataclass
class SeenDurations:
    """How long what this process has waited for took, by kind: three of four waits need no poll before that."""

    _seconds: dict[str, deque[float]] = field(default_factory=dict)

    def shortest(self, kind: str) -> float:
        """Return the service seconds that three of four of a kind took at least; 0 as long as few were seen."""
        seen = sorted(self._seconds.get(kind, ()))
        return seen[len(seen) // 4] if len(seen) >= _ENOUGH else 0.0

    def note(self, kind: str, seconds: float, *, at_first: bool) -> None:
        """Record a wait. `at_first`: the first poll saw its end, which may have been earlier."""
        seen = self._seconds.setdefault(kind, deque(maxlen=_REMEMBERED))
        seen.append(seconds * _SHORTER if at_first else seconds)
