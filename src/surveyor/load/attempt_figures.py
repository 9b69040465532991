"""Figures of attempts that are recorded one by one: of a watch or an experiment, by client, phase and revision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from surveyor.history.joined import JoinedAttempt
from surveyor.load.error_counts import ErrorCounter
from surveyor.load.figures import ClientFigures, figures_between
from surveyor.load.tally import Tally
from surveyor.report.experiments import WHOLE

__all__ = ["NEW", "OLD", "AttemptFigures", "is_of_side"]

NEW, OLD = "new", "old"
"""The sides of a deployment: tasks that it starts, and tasks that it replaces."""

CALLER = "caller"
"""The client of an experiment, which has no client models."""

_COMPARABLE = ("starting", "running")


def is_of_side(attempt: JoinedAttempt, side: str) -> bool:
    """Return whether an attempt counts for the old or the new tasks of a deployment.

    Once a task is stopped, errors are due to clients that still have its address, whichever revision it ran. A new task
    that ended by itself, or failed its health checks, is a fault of its revision, though.
    """
    return attempt.side == side and (attempt.life in _COMPARABLE or (side == NEW and not attempt.scaled_in))


@dataclass
class AttemptFigures:
    """Counts of attempts, which are added as they happen, by side ("" for all of them) and phase."""

    _tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    _errors: dict[tuple[str, str, str], ErrorCounter] = field(default_factory=dict)
    """By side, phase and client."""

    _spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    """First and last moment of each phase, by its attempts."""

    def add(self, attempts: Iterable[JoinedAttempt]) -> None:
        """Count further attempts."""
        for attempt in attempts:
            sides = ["", *(side for side in (OLD, NEW) if is_of_side(attempt, side))]
            for phase in (WHOLE, attempt.phase) if attempt.phase else (WHOLE,):
                first, last = self._spans.get(phase, (attempt.time, attempt.time))
                self._spans[phase] = (min(first, attempt.time), max(last, attempt.time))
                for side in sides:
                    _count(self._tallies.setdefault((side, phase), Tally()), attempt)
                    errors = self._errors.setdefault((side, phase, attempt.client or CALLER), ErrorCounter())
                    errors.add(failed=attempt.outcome != "ok")

    def rows(self, side: str = "", fault_times: Iterable[float] = ()) -> tuple[ClientFigures, ...]:
        """Return the figures of each client in each phase; `fault_times`: from which a recovery is measured."""
        faults = list(fault_times)
        rows = []
        for (of_side, phase), tally in self._tallies.items():
            if of_side == side:
                start, end = self._spans[phase]
                since = (faults if phase == WHOLE else []) or [start]
                found = [figures_between(tally, client, phase, 0.0, end + 1.0, since) for client in tally.models]
                rows += [replace(row, near=self._errors[side, phase, row.model].near) for row in found]
        return tuple(rows)

    @property
    def phases(self) -> tuple[str, ...]:
        """Return the phases in which something was called, and that of the whole."""
        return tuple(self._spans)

    def sides(self) -> Mapping[str, tuple[ClientFigures, ...]]:
        """Return the figures of the new and of the old side."""
        return {side: self.rows(side) for side in (NEW, OLD)}


def _count(tally: Tally, attempt: JoinedAttempt) -> None:
    client, second = attempt.client or CALLER, int(attempt.time)
    tally.count_attempt(client, second, "", attempt.outcome, attempt.error)
    if attempt.outcome == "ok" and attempt.seconds > 0:
        tally.record_latency(client, 0, attempt.seconds)  # one histogram: no part of a phase is asked for
