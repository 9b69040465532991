"""What holds while nothing happens: no loss at rest, views agree at rest. And what "nothing happens" means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.checkers.check_result import Finding, combined, failed, passed
from surveyor.checkers.sightings import looks_by_observer, names, tells_absence, view_of
from surveyor.history import History, Life, Look, Outcome, View, lives_of
from surveyor.history.observations import Interval

__all__ = ["no_loss_at_rest", "rests_of", "views_agree_at_rest"]


def rests_of(history: History, settle: float) -> list[Interval]:
    """The times in which nothing was done to the service and no task came, went or changed its health.

    Each begins `settle` seconds after the last disturbance.
    """
    spans = [change.span for change in history.changes if change.outcome is not Outcome.FAIL]
    spans += [history.fault_span(fault) for fault in history.faults]
    for life in lives_of(history):
        spans += [one for one in (life.running, life.leaving, life.ended) if one is not None and one.high > 0]
        spans += [life.seen] if life.seen.low > 0 else []
    spans += list(_changes_of_health(history))
    rests, free = [], 0.0
    for span in sorted(spans, key=lambda one: (one.low, one.high)):
        if span.low > free:
            rests.append(Interval(free, span.low))
        free = max(free, span.high + settle)
    if history.end > free:
        rests.append(Interval(free, history.end))
    return rests


def _changes_of_health(history: History) -> Iterator[Interval]:
    told: dict[str, tuple[str, float]] = {}
    for roll in history.rolls:
        for task, seen in roll.tasks.items():
            before = told.get(task)
            if before is not None and before[0] != seen.health:
                yield Interval(before[1], roll.end)
            told[task] = (seen.health, roll.begin)


def no_loss_at_rest(history: History, *, settle: float) -> Finding:
    """While nothing happens every running task stays in every view."""
    lives = lives_of(history)
    cases = [
        _lost(look, rest, lives, view_of(history, look))
        for rest in rests_of(history, settle)
        for _, looks in looks_by_observer(history)
        for look in _within(looks, rest)
    ]
    return combined(cases, f"the service was never at rest for longer than {settle:g} s", "nobody was lost: {} looks")


def _lost(look: Look, rest: Interval, lives: Sequence[Life], view: View) -> Finding:
    if not tells_absence(look, view):
        return passed("")
    for life in lives:
        whole = Interval(rest.low, look.end)
        if life.is_there(whole) and (name := names(life, view)) and name not in look.members:
            return failed(
                f"{name} ran and was not in {look.view} at {look.begin:.1f} s, when nothing had happened since "
                f"{rest.low:.1f} s",
                life.by_running,
                look.ended,
            )
    return passed("")


def views_agree_at_rest(history: History, *, settle: float) -> Finding:
    """While nothing happens all views show the same addresses."""
    cases: list[Finding] = []
    for rest in rests_of(history, settle):
        looks = [look for _, seen in looks_by_observer(history) for look in _within(seen, rest)]
        first = next((look for look in looks if view_of(history, look).most == 0), None)
        if first is not None and len({look.view for look in looks}) > 1:
            cases += [_differ(first, look, view_of(history, look)) for look in looks]
    return combined(
        cases, f"no two views were looked at in a rest of more than {settle:g} s", "the same was shown: {} looks"
    )


def _differ(one: Look, other: Look, view: View) -> Finding:
    mine, theirs = ({member.address or name for name, member in look.members.items()} for look in (one, other))
    same = theirs <= mine and len(theirs) == view.most if view.most and len(mine) >= view.most else mine == theirs
    if same:
        return passed("")
    return failed(
        f"{one.view} showed {_listed(mine - theirs)} and {other.view} {_listed(theirs - mine)} instead, at "
        f"{one.begin:.1f} and {other.begin:.1f} s, when nothing had happened for long",
        one.ended,
        other.ended,
    )


def _within(looks: Sequence[Look], rest: Interval) -> Iterator[Look]:
    return (look for look in looks if rest.low <= look.begin and look.end <= rest.high)


def _listed(names_: set[str]) -> str:
    shown = sorted(names_)
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "") if shown else "nothing"
