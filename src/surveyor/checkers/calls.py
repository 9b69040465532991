"""What callers got: availability floor, no traffic to the dead, TTL honesty, drain completes."""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.checkers.check_result import Finding, combined, failed, passed, unclear
from surveyor.history import Call, History, Life, Look, Outcome, lives_of
from surveyor.history.observations import Interval

__all__ = ["answered", "drained", "no_traffic_to_the_dead", "ttl_is_kept"]

FEWEST = 10
"""Calls that a window needs to say anything."""

SHOWN = 5
"""Events of a witness that would have too many."""


def answered(history: History, *, at_least: float, over: float) -> Finding:
    """Of the calls that begin in any `over` seconds at least that share is answered with success.

    A call without an answer in time counts for neither side: nobody knows what became of it.
    """
    calls = sorted(history.calls, key=lambda call: call.begin)
    if len(calls) < FEWEST:
        return unclear(f"{len(calls)} calls are too few to judge")
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
        if count < FEWEST or call.begin - calls[start].begin < over / 2:
            continue
        low_share = min(low_share, good / count)
        high = (good + count - known) / count
        if worst is None or high < worst[0]:
            worst = (high, start, end)
    if worst is None:
        return unclear(f"no {over:g} s had {FEWEST} calls")
    share, first, last = worst
    window = calls[first : last + 1]
    where = f"from {window[0].begin:.1f} to {window[-1].begin:.1f} s"
    if share < at_least:
        bad = [call.ended for call in window if call.outcome is Outcome.FAIL]
        return failed(f"{share:.0%} of {len(window)} calls were answered {where}, not {at_least:.0%}", *bad[:SHOWN])
    if low_share < at_least:
        lost = [call.number for call in calls if call.outcome is Outcome.INFO]
        return unclear(
            f"{low_share:.0%} of calls were surely answered in the worst {over:g} s, less than {at_least:.0%}; of "
            f"{len(lost)} calls nobody knows, since no answer came in time",
            *lost[:SHOWN],
        )
    return passed(f"{low_share:.0%} or more of {len(calls)} calls were answered in any {over:g} s")


def no_traffic_to_the_dead(history: History, *, after: float) -> Finding:
    """Nobody calls a task's address later than so many seconds after the task has ended."""
    lives = lives_of(history)
    looks = {look.number: look for look in history.looks}
    ended = [life for life in lives if life.ended is not None and life.address]
    cases = [_haunts(life, lives, looks, history.calls, after) for life in ended]
    if not history.calls:
        return unclear("nobody called")
    return combined(cases, "no task ended", f"not called later than {after:g} s after their end: {{}} tasks")


def _haunts(life: Life, lives: Sequence[Life], looks: dict[int, Look], calls: Sequence[Call], after: float) -> Finding:
    assert life.ended is not None
    for call in calls:
        if call.address != life.address or call.begin - life.ended.high <= after or call.task not in ("", life.task):
            continue
        if life.may_be_anothers(lives, call.span):
            continue
        by = looks.get(call.by)
        return failed(
            f"task {life.task} ended at {life.ended.high:.1f} s and was called at {call.begin:.1f} s",
            life.by_ended,
            by.ended if by else 0,
            call.number,
        )
    return passed("")


def ttl_is_kept(history: History) -> Finding:
    """No call goes by an answer that is older than its TTL."""
    looks = {look.number: look for look in history.looks}
    cases = [_stale(call, looks[call.by]) for call in history.calls if call.by in looks and looks[call.by].ttl]
    return combined(cases, "no call went by an answer with a TTL", "by an answer within its TTL: {} calls")


def _stale(call: Call, look: Look) -> Finding:
    age = Interval(call.begin, call.begin).since(look.span)
    if age.low > look.ttl:
        return failed(
            f"a call at {call.begin:.1f} s went by an answer of {look.end:.1f} s, whose TTL is {look.ttl:g} s",
            look.ended,
            call.number,
        )
    if call.address not in {member.address or name for name, member in look.members.items()}:
        return failed(
            f"a call at {call.begin:.1f} s went to {call.address}, which the answer did not name",
            look.ended,
            call.number,
        )
    return passed("")


def drained(history: History, *, drain: float) -> Finding:
    """What began before a task was asked to stop, and for `drain` seconds after that, is answered by it.

    Only tasks count that were asked: who is killed owes nothing.
    """
    lives = lives_of(history)
    killed = {victim for fault in history.faults if fault.fault == "task.kill" for victim in fault.victims}
    asked = [life for life in lives if life.leaving is not None and life.task not in killed and life.address]
    cases = [case for life in asked for case in _cut_off(life, lives, history.calls, drain)]
    return combined(
        cases, "no call was under way when a task was asked to stop", "answered, though the task was stopping: {} calls"
    )


def _cut_off(life: Life, lives: Sequence[Life], calls: Sequence[Call], drain: float) -> list[Finding]:
    assert life.leaving is not None
    found = []
    for call in calls:
        before = call.begin <= life.leaving.low + drain
        if call.address != life.address or not before or call.end < life.leaving.low:
            continue
        if life.may_be_anothers(lives, call.span):
            continue
        if call.outcome is Outcome.FAIL:
            found.append(
                failed(
                    f"a call of {call.begin:.1f} s to task {life.task} failed with {call.error}, and the task was "
                    f"asked to stop at {life.leaving.low:.1f} s at the earliest",
                    life.by_leaving,
                    call.ended,
                )
            )
        elif call.outcome is Outcome.INFO:
            found.append(unclear(f"a call to the stopping task {life.task} got no answer in time", call.number))
        else:
            found.append(passed(""))
    return found
