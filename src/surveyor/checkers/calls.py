"""Check the calls of clients: minimum success rate, no calls to ended tasks, TTL respected, connections drained."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.checkers.check_result import CheckResult, combine, failed, inconclusive, passed
from surveyor.history import CallRecord, History, Outcome, TaskLifetime, ViewSnapshot, task_lifetimes
from surveyor.observations import Interval

__all__ = ["answered", "drained", "no_traffic_to_the_dead", "ttl_is_kept"]

MIN_CALLS = 10
"""Calls that a window needs to be judged."""

MAX_WITNESS = 5
"""Events shown of a witness that would have too many."""


def answered(history: History, *, at_least: float, over: float, clients: str = "") -> CheckResult:
    """Check that in any `over` seconds at least the share `at_least` of the calls succeeds.

    `clients`: only calls of these client models, separated by commas; "" for all. Calls belong to the window in which
    they begin. A call without an answer in time counts as neither success nor failure: its outcome is unknown.
    """
    chosen = [call for call in history.calls if not clients or call.client in clients.split(",")]
    calls = sorted(chosen, key=lambda call: call.begin)
    if len(calls) < MIN_CALLS:
        return inconclusive(f"{len(calls)} calls are too few to judge")
    worst, start, low_share = None, 0, 1.0
    good = known = 0
    for end, call in enumerate(calls):
        good += call.outcome is Outcome.OK
        known += call.outcome is not Outcome.INFO
        while calls[start].begin < call.begin - over:
            good -= calls[start].outcome is Outcome.OK
            known -= calls[start].outcome is not Outcome.INFO
            start += 1
        count = end - start + 1
        if count < MIN_CALLS or call.begin - calls[start].begin < over / 2:
            continue
        low_share = min(low_share, good / count)
        high = (good + count - known) / count
        if worst is None or high < worst[0]:
            worst = (high, start, end)
    if worst is None:
        return inconclusive(f"no {over:g} s had {MIN_CALLS} calls")
    share, first, last = worst
    window = calls[first : last + 1]
    where = f"from {window[0].begin:.1f} to {window[-1].begin:.1f} s"
    if share < at_least:
        bad = [call.end_event for call in window if call.outcome is Outcome.FAIL]
        return failed(
            f"expected {at_least:.0%} of calls to be answered, got {share:.0%} of {len(window)} calls {where}",
            *bad[:MAX_WITNESS],
        )
    if low_share < at_least:
        lost = [call.number for call in calls if call.outcome is Outcome.INFO]
        return inconclusive(
            f"{low_share:.0%} of calls were certainly answered in the worst {over:g} s, less than {at_least:.0%}; "
            f"the outcome of {len(lost)} calls is unknown, since no answer arrived in time",
            *lost[:MAX_WITNESS],
        )
    return passed(f"{low_share:.0%} or more of {len(calls)} calls were answered in any {over:g} s")


def no_traffic_to_the_dead(history: History, *, after: float) -> CheckResult:
    """Check that no call goes to a task's address later than `after` seconds after the task has ended."""
    lifetimes = task_lifetimes(history)
    snapshots = {snapshot.number: snapshot for snapshot in history.view_snapshots}
    ended = [lifetime for lifetime in lifetimes if lifetime.ended is not None and lifetime.address]
    cases = [_check_late_calls(lifetime, lifetimes, snapshots, history.calls, after) for lifetime in ended]
    if not history.calls:
        return inconclusive("no calls were made")
    return combine(cases, "no task ended", f"not called later than {after:g} s after their end: {{}} tasks")


def _check_late_calls(
    lifetime: TaskLifetime,
    lifetimes: Sequence[TaskLifetime],
    snapshots: dict[int, ViewSnapshot],
    calls: Sequence[CallRecord],
    after: float,
) -> CheckResult:
    assert lifetime.ended is not None
    for call in calls:
        is_other = call.address != lifetime.address or call.task not in ("", lifetime.task)
        if is_other or call.begin - lifetime.ended.high <= after:
            continue
        if lifetime.may_share_address(lifetimes, call.span):
            continue
        source = snapshots.get(call.snapshot)
        return failed(
            f"task {lifetime.task} ended at {lifetime.ended.high:.1f} s and was called at {call.begin:.1f} s",
            lifetime.ended_event,
            source.end_event if source else 0,
            call.number,
        )
    return passed("")


def ttl_is_kept(history: History) -> CheckResult:
    """Check that no call uses an answer that is older than its TTL."""
    snapshots = {snapshot.number: snapshot for snapshot in history.view_snapshots}
    cases = [
        _check_age(call, snapshots[call.snapshot])
        for call in history.calls
        if call.snapshot in snapshots and snapshots[call.snapshot].ttl
    ]
    return combine(cases, "no call used an answer with a TTL", "used an answer within its TTL: {} calls")


def _check_age(call: CallRecord, snapshot: ViewSnapshot) -> CheckResult:
    age = Interval(call.begin, call.begin).since(snapshot.span)
    if age.low > snapshot.ttl:
        return failed(
            f"a call at {call.begin:.1f} s used an answer of {snapshot.end:.1f} s, whose TTL is {snapshot.ttl:g} s",
            snapshot.end_event,
            call.number,
        )
    if call.address not in {member.address or name for name, member in snapshot.members.items()}:
        return failed(
            f"a call at {call.begin:.1f} s went to {call.address}, which was not in the answer",
            snapshot.end_event,
            call.number,
        )
    return passed("")


def drained(history: History, *, drain: float) -> CheckResult:
    """Check that a task answers calls that began before it was asked to stop, or up to `drain` seconds after.

    Only tasks that were asked to stop count: a killed task cannot answer.
    """
    lifetimes = task_lifetimes(history)
    killed = {victim for fault in history.faults if fault.fault == "task.kill" for victim in fault.victims}
    stopped = [
        lifetime
        for lifetime in lifetimes
        if lifetime.leaving is not None and lifetime.task not in killed and lifetime.address
    ]
    cases = [case for lifetime in stopped for case in _check_draining(lifetime, lifetimes, history.calls, drain)]
    return combine(
        cases,
        "no call was in progress when a task was asked to stop",
        "answered, though the task was stopping: {} calls",
    )


def _check_draining(
    lifetime: TaskLifetime, lifetimes: Sequence[TaskLifetime], calls: Sequence[CallRecord], drain: float
) -> list[CheckResult]:
    assert lifetime.leaving is not None
    cases = []
    for call in calls:
        is_early = call.begin <= lifetime.leaving.low + drain
        if call.address != lifetime.address or not is_early or call.end < lifetime.leaving.low:
            continue
        if lifetime.may_share_address(lifetimes, call.span):
            continue
        if call.outcome is Outcome.FAIL:
            cases.append(
                failed(
                    f"a call at {call.begin:.1f} s to task {lifetime.task} failed with {call.error}; the task was "
                    f"asked to stop at {lifetime.leaving.low:.1f} s at the earliest",
                    lifetime.leaving_event,
                    call.end_event,
                )
            )
        elif call.outcome is Outcome.INFO:
            cases.append(
                inconclusive(f"a call to the stopping task {lifetime.task} got no answer in time", call.number)
            )
        else:
            cases.append(passed(""))
    return cases
