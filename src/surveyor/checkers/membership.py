"""Who is in the registry: visible within, gone within, no resurrection, no ghost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.checkers.check_result import Finding, combined, failed, passed, unclear
from surveyor.checkers.sightings import looks_by_observer, names, shows, tells_absence, view_of
from surveyor.history import History, Life, Look, Outcome, View, lives_of
from surveyor.history.observations import Interval

__all__ = ["gone", "no_ghost", "no_resurrection", "visible"]


def visible(history: History, *, within: float, view: str) -> Finding:
    """Each task that came to run is in the view within so many seconds of that."""
    lives = [life for life in lives_of(history) if life.running is not None and life.seen.low > 0]
    cases = [
        _visible(life, looks, view_of(history, looks[0]), within)
        for _, looks in looks_by_observer(history, view)
        for life in lives
        if view_of(history, looks[0]).of == "instances" or life.address
    ]
    return combined(
        (one for one in cases if one is not None),
        f"no task came to run while {view} was looked at",
        f"in {view} within {within:g} s of running: {{}} tasks",
    )


def _visible(life: Life, looks: Sequence[Look], view: View, within: float) -> Finding | None:
    assert life.running is not None
    before: Look | None = None
    for look in looks:
        if shows(look, life, view):
            actual = Interval(before.begin if before else 0.0, look.end).since(life.running)
            told = f"task {life.task} was in {look.view} {_span(actual)} after it ran, not within {within:g} s"
            if actual.low > within:
                return failed(told, life.by_running, look.ended)
            if actual.high > within:
                return unclear(told + ", or was it: looks are too far apart", life.by_running, look.ended)
            return passed("")
        if not tells_absence(look, view):
            return None  # it may have been there all the time
        before = look
    over = life.leaving or life.ended
    last = next((one for one in reversed(looks) if over is None or one.end < over.low), None)
    if last is not None and last.begin - life.running.high > within:
        waited = last.begin - life.running.high
        return failed(
            f"task {life.task} was not in {last.view} {waited:.1f} s after it ran", life.by_running, last.ended
        )
    return None  # it did not run for that long


def gone(history: History, *, within: float, view: str) -> Finding:
    """No task is in the view later than so many seconds after ECS began to stop it, or noticed its end."""
    lives = lives_of(history)
    cases = [
        _gone(life, lives, looks, view_of(history, looks[0]), within)
        for _, looks in looks_by_observer(history, view)
        for life in lives
        if life.leaving is not None
    ]
    return combined(
        (one for one in cases if one is not None),
        f"no task went while {view} was looked at",
        f"out of {view} within {within:g} s of leaving: {{}} tasks",
    )


def _gone(life: Life, lives: Sequence[Life], looks: Sequence[Look], view: View, within: float) -> Finding | None:
    assert life.leaving is not None
    held = [look for look in looks if shows(look, life, view) and not _is_anothers(look, life, lives, view)]
    if not held:
        return None
    last = held[-1]
    after = next((look for look in looks if look.begin >= last.end and look is not last), None)
    if last.begin - life.leaving.high > within:
        return failed(
            f"task {life.task} was in {last.view} {last.begin - life.leaving.high:.1f} s and more after it began to "
            f"leave, not gone within {within:g} s",
            life.by_leaving,
            last.ended,
        )
    if after is None or not tells_absence(after, view):
        late = life.leaving.low + within
        rested = any(look.begin >= late for look in looks)
        return passed("") if rested else unclear(f"{view.of} were not looked at until task {life.task} had to be gone")
    if after.end - life.leaving.low > within:
        went = Interval(last.begin, after.end).since(life.leaving)
        return unclear(
            f"task {life.task} went from {last.view} {_span(went)} after it began to leave: looks are too far apart "
            f"to tell whether within {within:g} s",
            life.by_leaving,
            last.ended,
            after.ended,
        )
    return passed("")


def no_resurrection(history: History) -> Finding:
    """Who was in a view, and then was not, is not there again, unless it was registered again.

    In views that leave out who is not healthy, and for addresses, this counts once the task has ended.
    """
    lives = lives_of(history)
    cases = [
        _risen(name, who, looks, history, lives)
        for who, looks in looks_by_observer(history)
        for name in dict.fromkeys(name for look in looks for name in look.members)
    ]
    return combined(cases, "no view showed anybody", "once gone, not seen again: {} instances and addresses")


def _risen(name: str, who: str, looks: Sequence[Look], history: History, lives: Sequence[Life]) -> Finding:
    view = view_of(history, looks[0])
    seen: Look | None = None
    missed: Look | None = None
    for look in looks:
        if name in look.members:
            if seen and missed and _is_risen(name, view, seen, missed, look, history, lives):
                return failed(
                    f"{name} was in {who} at {seen.begin:.1f} s, was not at {missed.begin:.1f} s, and was again at "
                    f"{look.begin:.1f} s",
                    seen.ended,
                    missed.ended,
                    look.ended,
                )
            seen, missed = look, None
        elif seen and missed is None and tells_absence(look, view):
            missed = look
    return passed("")


def _is_risen(
    name: str, view: View, seen: Look, missed: Look, again: Look, history: History, lives: Sequence[Life]
) -> bool:
    for change in history.changes:
        registers = change.call == "servicediscovery:RegisterInstance" and name in change.told.values()
        if registers and change.outcome is not Outcome.FAIL and change.begin <= again.end and change.end >= seen.begin:
            return False
    if view.of == "instances" and not view.healthy:
        return True
    called = [life for life in lives if names(life, view) == name]
    # An address that a later task has is that task's; and who may still have been running may have become healthy.
    return bool(called) and not any(life.may_be_there(again.span) for life in called)


def no_ghost(history: History, *, after: float) -> Finding:
    """Nobody is in a view who has not been a task of the service within so many seconds before."""
    lives = lives_of(history)
    if not history.rolls:
        return unclear("nobody looked at the tasks")
    cases = [one for _, looks in looks_by_observer(history) for one in _ghosts(looks, history, lives, after)]
    return combined(cases, "no view was looked at", "named nobody who is not there: {} views")


def _ghosts(looks: Sequence[Look], history: History, lives: Sequence[Life], after: float) -> Iterator[Finding]:
    view = view_of(history, looks[0])
    first: dict[str, Look] = {}
    for look in looks:
        for name in look.members:
            first.setdefault(name, look)
            called = [life for life in lives if names(life, view) == name]
            if any(life.may_be_there(Interval(max(0.0, look.begin - after), look.end)) for life in called):
                continue
            if called:
                by = max(life.by_ended for life in called)
                yield failed(
                    f"{name} was in {look.view} at {look.begin:.1f} s, and its task had ended more than {after:g} s "
                    "before",
                    by,
                    look.ended,
                )
                return
            if look.begin - first[name].end > after:
                yield failed(
                    f"{name} was in {look.view} from {first[name].end:.1f} to {look.begin:.1f} s, and never was a task",
                    first[name].ended,
                    look.ended,
                )
                return
    yield passed("")


def _is_anothers(look: Look, life: Life, lives: Sequence[Life], view: View) -> bool:
    """Whether the address may have been another task's by then."""
    return view.of == "addresses" and life.may_be_anothers(lives, look.span)


def _span(one: Interval) -> str:
    return f"{max(0.0, one.low):.1f} to {one.high:.1f} s"
