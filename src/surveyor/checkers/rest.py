"""Check what must hold at rest: no task is lost, all views agree. Rest means that nothing happens to the service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.checkers.check_result import CheckResult, combine, failed, passed
from surveyor.checkers.sightings import name_in_view, proves_absence, snapshots_by_observer, view_of
from surveyor.history import History, Outcome, TaskLifetime, View, ViewSnapshot, task_lifetimes
from surveyor.observations import Interval

__all__ = ["no_loss_at_rest", "rest_periods", "views_agree_at_rest"]


def rest_periods(history: History, settle: float) -> list[Interval]:
    """Return the periods in which nothing was done to the service and no task started, stopped or changed its health.

    Each period begins `settle` seconds after the last disturbance.
    """
    spans = [change.span for change in history.changes if change.outcome is not Outcome.FAIL]
    spans += [history.fault_span(fault) for fault in history.faults]
    for lifetime in task_lifetimes(history):
        changes = (lifetime.running, lifetime.leaving, lifetime.ended)
        spans += [span for span in changes if span is not None and span.high > 0]
        spans += [lifetime.first_seen] if lifetime.first_seen.low > 0 else []
    spans += list(_health_changes(history))
    periods, free = [], 0.0
    for span in sorted(spans, key=lambda span: (span.low, span.high)):
        if span.low > free:
            periods.append(Interval(free, span.low))
        free = max(free, span.high + settle)
    if history.end > free:
        periods.append(Interval(free, history.end))
    return periods


def _health_changes(history: History) -> Iterator[Interval]:
    last: dict[str, tuple[str, float]] = {}
    for snapshot in history.task_snapshots:
        for task, state in snapshot.tasks.items():
            before = last.get(task)
            if before is not None and before[0] != state.health:
                yield Interval(before[1], snapshot.end)
            last[task] = (state.health, snapshot.begin)


def no_loss_at_rest(history: History, *, settle: float) -> CheckResult:
    """Check that every running task stays in every view while nothing happens."""
    lifetimes = task_lifetimes(history)
    cases = [
        _check_complete(snapshot, period, lifetimes, view_of(history, snapshot))
        for period in rest_periods(history, settle)
        for _, snapshots in snapshots_by_observer(history)
        for snapshot in _within(snapshots, period)
    ]
    return combine(
        cases, f"the service was never at rest for longer than {settle:g} s", "no task was lost: {} snapshots"
    )


def _check_complete(
    snapshot: ViewSnapshot, period: Interval, lifetimes: Sequence[TaskLifetime], view: View
) -> CheckResult:
    if not proves_absence(snapshot, view):
        return passed("")
    for lifetime in lifetimes:
        whole = Interval(period.low, snapshot.end)
        name = name_in_view(lifetime, view)
        if lifetime.was_running(whole) and name and name not in snapshot.members:
            return failed(
                f"{name} ran and was not in {snapshot.view} at {snapshot.begin:.1f} s, when nothing had happened "
                f"since {period.low:.1f} s",
                lifetime.running_event,
                snapshot.end_event,
            )
    return passed("")


def views_agree_at_rest(history: History, *, settle: float) -> CheckResult:
    """Check that all views show the same addresses while nothing happens."""
    cases: list[CheckResult] = []
    for period in rest_periods(history, settle):
        snapshots = [snapshot for _, seen in snapshots_by_observer(history) for snapshot in _within(seen, period)]
        first = next((snapshot for snapshot in snapshots if view_of(history, snapshot).max_members == 0), None)
        if first is not None and len({snapshot.view for snapshot in snapshots}) > 1:
            cases += [_compare(first, snapshot, view_of(history, snapshot)) for snapshot in snapshots]
    return combine(
        cases, f"no two views were observed at rest for more than {settle:g} s", "the same was shown: {} snapshots"
    )


def _compare(first: ViewSnapshot, second: ViewSnapshot, view: View) -> CheckResult:
    expected, actual = (
        {member.address or name for name, member in snapshot.members.items()} for snapshot in (first, second)
    )
    if view.max_members and len(expected) >= view.max_members:
        same = actual <= expected and len(actual) == view.max_members
    else:
        same = expected == actual
    if same:
        return passed("")
    return failed(
        f"{first.view} showed {_join(expected - actual)} and {second.view} {_join(actual - expected)} instead, at "
        f"{first.begin:.1f} and {second.begin:.1f} s, while the service was at rest",
        first.end_event,
        second.end_event,
    )


def _within(snapshots: Sequence[ViewSnapshot], period: Interval) -> Iterator[ViewSnapshot]:
    return (snapshot for snapshot in snapshots if period.low <= snapshot.begin and snapshot.end <= period.high)


def _join(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "") if shown else "nothing"
