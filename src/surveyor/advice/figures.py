"""The figures of one task's life, read from the report of the test that measured it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from surveyor.evidence import EvidenceEntry
from surveyor.fixtures.figure_names import CHECKED, DANGER, DRAIN, GAP, LAG, LISTENED, STOP_TIMEOUT, TTL
from surveyor.observations import Interval
from surveyor.pytest_plugin.task_settings import DEFAULT, TaskSettings, parse_task_settings

__all__ = [
    "CHECKED",
    "CLAIM",
    "DANGER",
    "DEFAULT",
    "GAP",
    "GAP_CLAIM",
    "LAG",
    "TaskFigures",
    "TaskSettings",
    "figures_of",
    "parse_task_settings",
]

CLAIM = "ecs.window.one-task-measured"
GAP_CLAIM = "ecs.deployment.healthy-gap"


@dataclass(frozen=True)
class TaskFigures:
    """What was measured, in service seconds.

    `lag`: from SIGTERM until the last answer that named the task; `listened`: from SIGTERM until nothing listened;
    `danger`: how long after that a client that honours the TTL may call the stopped task; `gap`: how long no instance
    was healthy during a deployment, None if no deployment was measured; `measured`: every figure by its name.
    """

    task_settings: TaskSettings
    lag: Interval
    listened: Interval
    danger: Interval
    gap: Interval | None
    measured: Mapping[str, Interval]


def figures_of(entries: Iterable[EvidenceEntry]) -> TaskFigures:
    """Return the figures among the evidence of the tests. Raises KeyError with the name of a missing figure."""
    measured = {
        entry["figure"]: Interval(entry["low"], entry["high"]) for entry in entries if entry.get("kind") == "figure"
    }
    ttl, stop, drain = (round(measured[name].low) for name in (TTL, STOP_TIMEOUT, DRAIN))
    settings = TaskSettings(ttl, stop, drain, check=CHECKED not in measured or measured[CHECKED].low > 0)
    return TaskFigures(settings, measured[LAG], measured[LISTENED], measured[DANGER], measured.get(GAP), measured)
