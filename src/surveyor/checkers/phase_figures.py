"""Figures of each phase that an experiment names: calls that failed, stayed in the zone, or reached new tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.confidence import share_of
from surveyor.history import History, joined_attempts
from surveyor.observations import Interval

__all__ = ["CALLERS_ZONE", "phase_figures"]

CALLERS_ZONE = "zone of the callers"
"""The setting of a service under test that names the zone from which it is called."""

LOST_ZONE = "az.lose"
ACTOR = "experiment"
"""Of phases that the steps of an experiment name; those of load scenarios and watches have figures elsewhere."""


def phase_figures(history: History) -> Iterator[tuple[str, Interval]]:
    """Yield each figure of each phase: a share in percent, with its confidence interval (Wilson, 95 percent)."""
    phases = [phase for phase in history.phases if phase.actor == ACTOR]
    attempts = joined_attempts(history) if phases else []
    revisions = list(dict.fromkeys(attempt.revision for attempt in attempts if attempt.revision))
    loses_zone = any(fault.fault == LOST_ZONE for fault in history.faults)
    zone = history.header.service.get(CALLERS_ZONE, "") if loses_zone else ""
    for phase in phases:
        inside = [attempt for attempt in attempts if phase.begin <= attempt.time < phase.end]
        answered = [attempt for attempt in inside if attempt.outcome == "ok"]
        yield from _share(f"calls that failed, {phase.name}", [attempt.outcome == "fail" for attempt in inside])
        if zone:
            in_zone = [attempt.zone == zone for attempt in answered if attempt.zone]
            yield from _share(f"calls answered in the zone of the callers, {phase.name}", in_zone)
        if len(revisions) > 1:
            new = [attempt.revision != revisions[0] for attempt in answered if attempt.revision]
            yield from _share(f"answered calls that new tasks answered, {phase.name}", new)


def _share(name: str, hits: Sequence[bool]) -> Iterator[tuple[str, Interval]]:
    if hits:
        share = share_of(sum(hits), len(hits))
        yield name, Interval(100 * share.low, 100 * share.high)
