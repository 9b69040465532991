"""What an experiment measures, beside its verdicts: how long callers suffered, and by what. All in service seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from surveyor.checkers.sightings import looks_by_observer
from surveyor.history import Call, History, Look, Operation, Outcome, lives_of
from surveyor.history.observations import Interval

__all__ = ["DANGER", "GAP", "OUTAGE", "UNSERVED", "Figure", "figures_of"]

DANGER = "danger window: a task was called for so long after its end"
GAP = "zero-healthy gap: the registry knew nobody healthy"
OUTAGE = "outage: no call was answered"
UNSERVED = "calls that failed"
UNKNOWN = "calls without an answer in time"


@dataclass(frozen=True)
class Figure:
    """A measurement; `span` is 0 where it was looked for and not seen. `unit` is `s` or `%`."""

    name: str
    span: Interval
    unit: str = "s"

    def __str__(self) -> str:
        low, high = self.span.low, self.span.high
        shown = f"{low:.1f}" if f"{low:.1f}" == f"{high:.1f}" else f"{low:.1f} to {high:.1f}"
        return f"{self.name}: {shown} {self.unit}"


def figures_of(history: History) -> tuple[Figure, ...]:
    """All figures that the history holds anything about."""
    found = []
    if history.calls:
        found.append(Figure(DANGER, _danger(history)))
    for _, looks in looks_by_observer(history, "healthy"):
        if looks[0].who == "healthy":
            found.append(Figure(GAP, _longest(looks, lambda look: not look.members)))
    if history.calls:
        found.append(Figure(OUTAGE, _longest(_calls(history), lambda call: call.outcome is not Outcome.OK)))
        found += [_share(history, UNSERVED, Outcome.FAIL), _share(history, UNKNOWN, Outcome.INFO)]
    return tuple(found)


def _danger(history: History) -> Interval:
    lives = lives_of(history)
    longest = Interval(0.0, 0.0)
    for life in lives:
        if life.ended is None or not life.address:
            continue
        for call in history.calls:
            if call.address != life.address or call.begin <= life.ended.high or call.task not in ("", life.task):
                continue
            if life.may_be_anothers(lives, call.span):
                continue
            since = Interval(call.begin, call.begin).since(life.ended).positive()
            longest = max(longest, since, key=lambda one: one.high)
    return longest


def _calls(history: History) -> Sequence[Call]:
    return sorted(history.calls, key=lambda call: call.begin)


def _longest(of: Sequence[Look] | Sequence[Call], bad: Callable[..., bool]) -> Interval:
    """The longest stretch of bad ones between two good ones: surely, and at most."""
    longest = Interval(0.0, 0.0)
    before: Operation | None = None
    run: list[Operation] = []
    for one in of:
        if bad(one):
            run.append(one)
            continue
        if run and before is not None:
            at_least = max(0.0, run[-1].begin - run[0].end)
            longest = max(longest, Interval(at_least, one.end - before.begin), key=lambda span: span.low)
        before, run = one, []
    return longest


def _share(history: History, name: str, outcome: Outcome) -> Figure:
    share = 100 * sum(call.outcome is outcome for call in history.calls) / len(history.calls)
    return Figure(name, Interval(share, share), "%")
