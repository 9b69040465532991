"""Check the members of the registry: visible in time, gone in time, no resurrection, no ghost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.checkers.check_result import CheckResult, combine, failed, inconclusive, passed
from surveyor.checkers.sightings import contains_task, name_in_view, proves_absence, snapshots_by_observer, view_of
from surveyor.history import History, Outcome, TaskLifetime, View, ViewSnapshot, task_lifetimes
from surveyor.observations import Interval

__all__ = ["gone", "no_ghost", "no_resurrection", "visible"]


def visible(history: History, *, within: float, view: str) -> CheckResult:
    """Check that each task is in the view within `within` seconds after it began to run."""
    lifetimes = [
        lifetime for lifetime in task_lifetimes(history) if lifetime.running is not None and lifetime.first_seen.low > 0
    ]
    cases = [
        _check_visible(lifetime, snapshots, view_of(history, snapshots[0]), within)
        for _, snapshots in snapshots_by_observer(history, view)
        for lifetime in lifetimes
        if view_of(history, snapshots[0]).of == "instances" or lifetime.address
    ]
    return combine(
        (case for case in cases if case is not None),
        f"no task began to run while {view} was observed",
        f"in {view} within {within:g} s of running: {{}} tasks",
    )


def _check_visible(
    lifetime: TaskLifetime, snapshots: Sequence[ViewSnapshot], view: View, within: float
) -> CheckResult | None:
    assert lifetime.running is not None
    before: ViewSnapshot | None = None
    for snapshot in snapshots:
        if contains_task(snapshot, lifetime, view):
            actual = Interval(before.begin if before else 0.0, snapshot.end).since(lifetime.running)
            detail = (
                f"expected task {lifetime.task} in {snapshot.view} within {within:g} s after it ran, "
                f"got {_format_span(actual)}"
            )
            if actual.low > within:
                return failed(detail, lifetime.running_event, snapshot.end_event)
            if actual.high > within:
                return inconclusive(
                    detail + ": snapshots are too far apart", lifetime.running_event, snapshot.end_event
                )
            return passed("")
        if not proves_absence(snapshot, view):
            return None  # the task may have been there all the time
        before = snapshot
    over = lifetime.leaving or lifetime.ended
    last = next((snapshot for snapshot in reversed(snapshots) if over is None or snapshot.end < over.low), None)
    if last is not None and last.begin - lifetime.running.high > within:
        waited = last.begin - lifetime.running.high
        return failed(
            f"task {lifetime.task} was not in {last.view} {waited:.1f} s after it ran",
            lifetime.running_event,
            last.end_event,
        )
    return None  # the task did not run long enough


def gone(history: History, *, within: float, view: str) -> CheckResult:
    """Check that no task is in the view later than `within` seconds after ECS began to stop it or noticed its end."""
    lifetimes = task_lifetimes(history)
    cases = [
        _check_gone(lifetime, lifetimes, snapshots, view_of(history, snapshots[0]), within)
        for _, snapshots in snapshots_by_observer(history, view)
        for lifetime in lifetimes
        if lifetime.leaving is not None
    ]
    return combine(
        (case for case in cases if case is not None),
        f"no task left while {view} was observed",
        f"out of {view} within {within:g} s of leaving: {{}} tasks",
    )


def _check_gone(
    lifetime: TaskLifetime,
    lifetimes: Sequence[TaskLifetime],
    snapshots: Sequence[ViewSnapshot],
    view: View,
    within: float,
) -> CheckResult | None:
    assert lifetime.leaving is not None
    present = [
        snapshot
        for snapshot in snapshots
        if contains_task(snapshot, lifetime, view) and not _may_be_other_task(snapshot, lifetime, lifetimes, view)
    ]
    if not present:
        return None
    last = present[-1]
    after = next((snapshot for snapshot in snapshots if snapshot.begin >= last.end and snapshot is not last), None)
    if last.begin - lifetime.leaving.high > within:
        return failed(
            f"task {lifetime.task} was in {last.view} at least {last.begin - lifetime.leaving.high:.1f} s after it "
            f"began to leave, expected within {within:g} s",
            lifetime.leaving_event,
            last.end_event,
        )
    if after is None or not proves_absence(after, view):
        deadline = lifetime.leaving.low + within
        if any(snapshot.begin >= deadline for snapshot in snapshots):
            return passed("")
        return inconclusive(f"{view.of} were not observed until task {lifetime.task} had to be gone")
    if after.end - lifetime.leaving.low > within:
        span = Interval(last.begin, after.end).since(lifetime.leaving)
        return inconclusive(
            f"task {lifetime.task} left {last.view} {_format_span(span)} after it began to leave: snapshots are too "
            f"far apart to decide whether within {within:g} s",
            lifetime.leaving_event,
            last.end_event,
            after.end_event,
        )
    return passed("")


def no_resurrection(history: History) -> CheckResult:
    """Check that a member that left a view never reappears in it, unless it was registered again.

    For views that leave out unhealthy members, and for addresses, this counts only once the task has ended.
    """
    lifetimes = task_lifetimes(history)
    cases = [
        _check_reappearance(name, observer, snapshots, history, lifetimes)
        for observer, snapshots in snapshots_by_observer(history)
        for name in dict.fromkeys(name for snapshot in snapshots for name in snapshot.members)
    ]
    return combine(cases, "no view showed a member", "once gone, not seen again: {} instances and addresses")


def _check_reappearance(
    name: str, observer: str, snapshots: Sequence[ViewSnapshot], history: History, lifetimes: Sequence[TaskLifetime]
) -> CheckResult:
    view = view_of(history, snapshots[0])
    seen: ViewSnapshot | None = None
    missed: ViewSnapshot | None = None
    for snapshot in snapshots:
        if name in snapshot.members:
            if seen and missed and _is_resurrection(name, view, seen, snapshot, history, lifetimes):
                return failed(
                    f"{name} was in {observer} at {seen.begin:.1f} s, was not at {missed.begin:.1f} s, and was again "
                    f"at {snapshot.begin:.1f} s",
                    seen.end_event,
                    missed.end_event,
                    snapshot.end_event,
                )
            seen, missed = snapshot, None
        elif seen and missed is None and proves_absence(snapshot, view):
            missed = snapshot
    return passed("")


def _is_resurrection(
    name: str,
    view: View,
    seen: ViewSnapshot,
    again: ViewSnapshot,
    history: History,
    lifetimes: Sequence[TaskLifetime],
) -> bool:
    for change in history.changes:
        registers = change.call == "servicediscovery:RegisterInstance" and name in change.parameters.values()
        if registers and change.outcome is not Outcome.FAIL and change.begin <= again.end and change.end >= seen.begin:
            return False
    if view.of == "instances" and not view.healthy:
        return True
    owners = [lifetime for lifetime in lifetimes if name_in_view(lifetime, view) == name]
    # An address may belong to a later task; and a task that was still running may have become healthy.
    return bool(owners) and not any(lifetime.may_have_existed(again.span) for lifetime in owners)


def no_ghost(history: History, *, after: float) -> CheckResult:
    """Check that no view shows a member that was not a task of the service within the `after` seconds before."""
    lifetimes = task_lifetimes(history)
    if not history.task_snapshots:
        return inconclusive("the tasks of the service were not observed")
    cases = [
        case
        for _, snapshots in snapshots_by_observer(history)
        for case in _find_ghosts(snapshots, history, lifetimes, after)
    ]
    return combine(cases, "no view was observed", "showed only tasks of the service: {} views")


def _find_ghosts(
    snapshots: Sequence[ViewSnapshot], history: History, lifetimes: Sequence[TaskLifetime], after: float
) -> Iterator[CheckResult]:
    view = view_of(history, snapshots[0])
    first: dict[str, ViewSnapshot] = {}
    for snapshot in snapshots:
        for name in snapshot.members:
            first.setdefault(name, snapshot)
            owners = [lifetime for lifetime in lifetimes if name_in_view(lifetime, view) == name]
            recently = Interval(max(0.0, snapshot.begin - after), snapshot.end)
            if any(lifetime.may_have_existed(recently) for lifetime in owners):
                continue
            if owners:
                yield failed(
                    f"{name} was in {snapshot.view} at {snapshot.begin:.1f} s, and its task had ended more than "
                    f"{after:g} s before",
                    max(lifetime.ended_event for lifetime in owners),
                    snapshot.end_event,
                )
                return
            if snapshot.begin - first[name].end > after:
                yield failed(
                    f"{name} was in {snapshot.view} from {first[name].end:.1f} to {snapshot.begin:.1f} s, and never "
                    "was a task",
                    first[name].end_event,
                    snapshot.end_event,
                )
                return
    yield passed("")


def _may_be_other_task(
    snapshot: ViewSnapshot, lifetime: TaskLifetime, lifetimes: Sequence[TaskLifetime], view: View
) -> bool:
    """Return whether the address may have belonged to another task by then."""
    return view.of == "addresses" and lifetime.may_share_address(lifetimes, snapshot.span)


def _format_span(span: Interval) -> str:
    return f"{max(0.0, span.low):.1f} to {span.high:.1f} s"
