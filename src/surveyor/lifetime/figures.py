"""The figures of one task's life, read from the report of the test that measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveyor.evidence import Entry
from surveyor.lifetime.course import Interval

__all__ = ["CLAIM", "DANGER", "DEFAULT", "LAG", "Figures", "Tuning", "figures_of", "tuning_of"]

CLAIM = "ecs.window.one-task-measured"

TTL, STOP_TIMEOUT, DRAIN = "TTL of its records", "its stopTimeout", "its drain after SIGTERM"
EXPOSED = "named before it answered"
LAG = "from SIGTERM until the last answer that named it"
LISTENED = "from SIGTERM until nobody listened"
DANGER = "danger window"
CALLED = "a client that keeps the TTL called in vain"


@dataclass(frozen=True)
class Tuning:
    """Seconds: the TTL of the records, the container's stopTimeout, how long it answers after SIGTERM."""

    ttl: int = 60
    stop_timeout: int = 30
    drain: int = 0

    def argument(self) -> str:
        """As an option tells it."""
        return f"ttl={self.ttl},stop={self.stop_timeout},drain={self.drain}"

    def __str__(self) -> str:
        return f"TTL {self.ttl} s, stopTimeout {self.stop_timeout} s, drain {self.drain} s"


DEFAULT = Tuning()
"""What ECS and its console start with: a TTL of 60 s, 30 s to stop, and a process that SIGTERM ends."""


@dataclass(frozen=True)
class Figures:
    """What was measured, in service seconds.

    `lag`: from SIGTERM until the last answer that named the task; `listened`: until nobody listened any more; `danger`:
    for how long after that a client that keeps the TTL may call in vain; `seen`: every figure by its name.
    """

    tuning: Tuning
    lag: Interval
    listened: Interval
    danger: Interval
    seen: Mapping[str, Interval]


def tuning_of(text: str) -> Tuning:
    """A tuning as an option tells it: `ttl=60,stop=30,drain=0`. Raises ValueError with what is wrong."""
    names = {"ttl": "ttl", "stop": "stop_timeout", "drain": "drain"}
    found: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in names or not value.isdecimal():
            raise ValueError(f"expected ttl=N,stop=N,drain=N with whole seconds, not {part!r}")
        found[names[name]] = int(value)
    tuning = Tuning(**found)
    if not 0 <= tuning.ttl <= 3_600:
        raise ValueError("a TTL to measure is from 0 to 3600 s")
    if not 2 <= tuning.stop_timeout <= 120:
        raise ValueError("stopTimeout is from 2 to 120 s (ecs/ContainerDefinition.stopTimeout)")
    if tuning.drain > 120:
        raise ValueError("a drain beyond 120 s is cut off by SIGKILL")
    return tuning


def figures_of(entries: Iterable[Entry]) -> Figures:
    """The figures among a test's evidence. Raises KeyError with the name of one that lacks."""
    seen = {one["figure"]: Interval(one["low"], one["high"]) for one in entries if one.get("kind") == "figure"}
    tuning = Tuning(*(round(seen[name].low) for name in (TTL, STOP_TIMEOUT, DRAIN)))
    return Figures(tuning, seen[LAG], seen[LISTENED], seen[DANGER], seen)
