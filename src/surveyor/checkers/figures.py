"""Measure an experiment: how long callers were affected, and by what. All times are service seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surveyor.checkers.phase_figures import phase_figures
from surveyor.checkers.sightings import snapshots_by_observer
from surveyor.history import CallRecord, History, Operation, Outcome, ViewSnapshot, task_lifetimes
from surveyor.observations import Interval

__all__ = ["CHECKED_BY", "DANGER", "GAP", "OUTAGE", "UNSERVED", "Measurement", "figures_of"]

DANGER = "danger window: how long a task was called after its end"
GAP = "zero-healthy gap: how long the registry listed no healthy instance"
OUTAGE = "outage: how long no call was answered"
UNSERVED = "calls that failed"
UNKNOWN = "calls without an answer in time"

CHECKED_BY = {DANGER: "no-traffic-to-the-dead", UNSERVED: "answered", UNKNOWN: "answered"}
"""The check that judges a figure, if an experiment has it; other figures are only measured."""


@dataclass(frozen=True)
class Measurement:
    """One figure; `span` is 0 if the condition never occurred. `unit` is `s` or `%`."""

    name: str
    span: Interval
    unit: str = "s"

    def __str__(self) -> str:
        low, high = self.span.low, self.span.high
        text = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
        return f"{self.name}: {text} {self.unit}"


def figures_of(history: History) -> tuple[Measurement, ...]:
    """Return all figures for which the history holds data."""
    figures = []
    if history.calls:
        figures.append(Measurement(DANGER, _danger_window(history)))
    for _, snapshots in snapshots_by_observer(history, "healthy"):
        if snapshots[0].actor == "healthy":
            figures.append(Measurement(GAP, _longest_stretch(snapshots, lambda snapshot: not snapshot.members)))
    if history.calls:
        calls = sorted(history.calls, key=lambda call: call.begin)
        figures.append(Measurement(OUTAGE, _longest_stretch(calls, lambda call: call.outcome is not Outcome.OK)))
        figures += [_share(history, UNSERVED, Outcome.FAIL), _share(history, UNKNOWN, Outcome.INFO)]
    return (*figures, *(Measurement(*figure, "%") for figure in phase_figures(history)))


def _danger_window(history: History) -> Interval:
    lifetimes = task_lifetimes(history)
    longest = Interval(0.0, 0.0)
    for lifetime in lifetimes:
        if lifetime.ended is None or not lifetime.address:
            continue
        for call in history.calls:
            is_other = call.address != lifetime.address or call.task not in ("", lifetime.task)
            if is_other or call.begin <= lifetime.ended.high:
                continue
            if lifetime.may_share_address(lifetimes, call.span):
                continue
            since = Interval(call.begin, call.begin).since(lifetime.ended).positive()
            longest = max(longest, since, key=lambda interval: interval.high)
    return longest


def _longest_stretch(
    operations: Sequence[ViewSnapshot] | Sequence[CallRecord], is_bad: Callable[..., bool]
) -> Interval:
    """Return the longest stretch of bad operations between two good ones: its certain and its maximum length."""
    longest = Interval(0.0, 0.0)
    before: Operation | None = None
    bad: list[Operation] = []
    for operation in operations:
        if is_bad(operation):
            bad.append(operation)
            continue
        if bad and before is not None:
            certain = max(0.0, bad[-1].begin - bad[0].end)
            longest = max(longest, Interval(certain, operation.end - before.begin), key=lambda span: span.low)
        before, bad = operation, []
    return longest


def _share(history: History, name: str, outcome: Outcome) -> Measurement:
    share = 100 * sum(call.outcome is outcome for call in history.calls) / len(history.calls)
    return Measurement(name, Interval(share, share), "%")
