"""Whom each failed attempt went to: the tally of callers joined with the lives of tasks that observers saw.

Pure functions of a history and a tally. A second of the tally is an interval, and so is every change of a task's life:
where they meet, an attempt is given to what was surely so, and to a change only where nothing else can be said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from surveyor.history import History, Life, lives_of
from surveyor.history.observations import Interval
from surveyor.load.tally import Counted, Tally

__all__ = ["KINDS", "Blame", "Whom", "attribute", "dangers", "sentence"]

Whom = Literal["nobody", "ghost", "too-early", "healthy", "draining", "dead", "between"]
KINDS: Mapping[Whom, str] = {
    "nobody": "nobody was known",
    "ghost": "an address that never was a task",
    "too-early": "a task that did not run yet",
    "healthy": "a running task",
    "draining": "a task that was being stopped",
    "dead": "a task that had ended",
    "between": "a load balancer or a proxy, which chooses itself",
}


@dataclass(frozen=True)
class Blame:
    """`count` failed attempts of a model in a phase went to such a one; `longest`: dead for up to so many seconds."""

    model: str
    phase: str
    whom: Whom
    count: int
    longest: float = 0.0


def attribute(history: History, tally: Tally, between: Iterable[str] = ()) -> tuple[Blame, ...]:
    """All that failed, by model, phase and whom it went to; `between` are models that call a balancer or a proxy."""
    by_address: dict[str, list[Life]] = {}
    for life in lives_of(history):
        by_address.setdefault(life.address, []).append(life)
    apart = frozenset(between)
    counts: Counter[tuple[str, str, Whom]] = Counter()
    longest: dict[tuple[str, str, Whom], float] = {}
    for phase in history.phases:
        for one in tally.counted(start=phase.begin, end=phase.end):
            if one.outcome in ("ok", "dropped"):
                continue
            whom, age = _whom(one, by_address.get(one.address, ()), apart)
            key = (one.model, phase.name, whom)
            counts[key] += one.count
            longest[key] = max(longest.get(key, 0.0), age)
    return tuple(Blame(*key, count, round(longest[key], 1)) for key, count in counts.items())


def _whom(one: Counted, lives: Sequence[Life], between: frozenset[str]) -> tuple[Whom, float]:
    """And for how long it had been dead, at most."""
    if not one.address:
        return "nobody", 0.0
    if one.model in between:
        return "between", 0.0
    moment = Interval(float(one.second), float(one.second + 1))
    # The address is that of the last task that had it by then.
    had = [life for life in lives if life.seen.low <= moment.high]
    if not had:
        return "ghost", 0.0
    life = max(had, key=lambda one_: one_.seen.low)
    if life.ended is not None and moment.high >= life.ended.low:
        return "dead", max(0.0, moment.high - life.ended.low)
    if life.leaving is not None and moment.high >= life.leaving.low:
        return "draining", 0.0
    if life.running is None or moment.low < life.running.low:
        return "too-early", 0.0
    return "healthy", 0.0


def dangers(history: History, tally: Tally, between: Iterable[str] = ()) -> Mapping[str, Interval]:
    """For how many service seconds after its end each model called a task; those of `between` know of none.

    A second of the tally may have been bad in part, and so may the one in which the task ended.
    """
    apart = frozenset(between)
    longest = {model: 0.0 for model in tally.models if model not in apart}
    for one in attribute(history, tally, apart):
        if one.whom == "dead":
            longest[one.model] = max(longest[one.model], one.longest)
    return {model: Interval(max(0.0, seconds - 2.0), seconds) for model, seconds in longest.items()}


def sentence(model: str, blames: Iterable[Blame], ttls: Mapping[str, float]) -> str:
    """What a user takes away of a model: "87 of 90 errors went to tasks dead for less than the TTL of 20 s".

    `ttls`: the records' TTL in each phase, in service seconds.
    """
    mine = [one for one in blames if one.model == model]
    errors = sum(one.count for one in mine)
    if not errors:
        return f"{model}: no errors"
    most = Counter[Whom]()
    for one in mine:
        most[one.whom] += one.count
    whom, count = most.most_common(1)[0]
    told = KINDS[whom]
    if whom == "dead":
        dead = [one for one in mine if one.whom == "dead"]
        known = f"the TTL of {max(ttls.values()):g} s" if len(set(ttls.values())) == 1 else "the TTL"
        within = all(one.longest <= ttls[one.phase] for one in dead)
        told = f"tasks dead for {f'less than {known}' if within else f'up to {max(one.longest for one in dead):g} s'}"
    return f"{model}: {count} of {errors} errors went to {told}"
