"""The figures of one task's life, read from the report of the test that measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from surveyor.evidence import Entry
from surveyor.history.observations import Interval

__all__ = [
    "CHECKED",
    "CLAIM",
    "DANGER",
    "DEFAULT",
    "GAP",
    "GAP_CLAIM",
    "LAG",
    "Figures",
    "TaskSettings",
    "figures_of",
    "parse_task_settings",
]

CLAIM = "ecs.window.one-task-measured"
GAP_CLAIM = "ecs.deployment.healthy-gap"

TTL, STOP_TIMEOUT, DRAIN = "TTL of its records", "its stopTimeout", "its drain after SIGTERM"
GAP = "without a healthy instance during a deployment"
CHECKED = "its container check, 1 if it has one"
EXPOSED = "named before it answered"
LAG = "from SIGTERM until the last answer that named it"
LISTENED = "from SIGTERM until nobody listened"
DANGER = "danger window"
CALLED = "a client that keeps the TTL called in vain"


@dataclass(frozen=True)
class TaskSettings:
    """Seconds: the TTL of the records, the container's stopTimeout, how long it answers after SIGTERM.

    `check`: whether the container has a health check, by which ECS judges a new task during a deployment.
    """

    ttl: int = 60
    stop_timeout: int = 30
    drain: int = 0
    check: bool = True

    def argument(self) -> str:
        """As an option tells it."""
        return f"ttl={self.ttl},stop={self.stop_timeout},drain={self.drain},check={int(self.check)}"

    def __str__(self) -> str:
        checked = "a container check" if self.check else "no container check"
        return f"TTL {self.ttl} s, stopTimeout {self.stop_timeout} s, drain {self.drain} s, {checked}"


DEFAULT = TaskSettings()
"""What everybody begins with: a TTL of 60 s, 30 s to stop, a process that SIGTERM ends, a container check."""


@dataclass(frozen=True)
class Figures:
    """What was measured, in service seconds.

    `lag`: from SIGTERM until the last answer that named the task; `listened`: until nobody listened any more; `danger`:
    for how long after that a client that keeps the TTL may call in vain; `gap`: for how long of a deployment nobody
    was healthy, None where no deployment was measured; `seen`: every figure by its name.
    """

    tuning: TaskSettings
    lag: Interval
    listened: Interval
    danger: Interval
    gap: Interval | None
    seen: Mapping[str, Interval]


def parse_task_settings(text: str) -> TaskSettings:
    """A tuning as an option tells it: `ttl=60,stop=30,drain=0`. Raises ValueError with what is wrong."""
    names = {"ttl": "ttl", "stop": "stop_timeout", "drain": "drain", "check": "check"}
    found: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name not in names or not value.isdecimal():
            raise ValueError(f"expected ttl=N,stop=N,drain=N,check=0|1 with whole seconds, not {part!r}")
        found[names[name]] = int(value)
    tuning = replace(TaskSettings(**found), check=bool(found.get("check", True)))
    if not 0 <= tuning.ttl <= 3_600:
        raise ValueError("a TTL to measure is from 0 to 3600 s")
    if not 2 <= tuning.stop_timeout <= 120:
        raise ValueError("stopTimeout is from 2 to 120 s (ecs/ContainerDefinition.stopTimeout)")
    if tuning.drain > 120:
        raise ValueError("a drain beyond 120 s is cut off by SIGKILL")
    return tuning


def figures_of(entries: Iterable[Entry]) -> Figures:
    """The figures among the evidence of the tests. Raises KeyError with the name of one that lacks."""
    seen = {one["figure"]: Interval(one["low"], one["high"]) for one in entries if one.get("kind") == "figure"}
    ttl, stop, drain = (round(seen[name].low) for name in (TTL, STOP_TIMEOUT, DRAIN))
    tuning = TaskSettings(ttl, stop, drain, check=CHECKED not in seen or seen[CHECKED].low > 0)
    return Figures(tuning, seen[LAG], seen[LISTENED], seen[DANGER], seen.get(GAP), seen)
