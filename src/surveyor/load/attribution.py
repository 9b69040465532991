"""The causes of failed attempts: the tally of callers, joined with the lifetimes of tasks that observers saw.

Pure functions of a history and a tally. A second of the tally is an interval, and so is each change in a task's
lifetime: where they overlap, an attempt is attributed to the certain state, and to a change only if nothing is certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from surveyor.history import History, TaskLifetime, task_lifetimes
from surveyor.load.tally import Tally, TallyEntry
from surveyor.observations import Interval

__all__ = ["CAUSES", "CauseKind", "FailureCause", "attribute_failures", "cause_sentence", "danger_windows"]

CauseKind = Literal["no-address", "ghost", "too-early", "healthy", "draining", "dead", "indirect"]
CAUSES: Mapping[CauseKind, str] = {
    "no-address": "no address: discovery returned none",
    "ghost": "an address that never was a task",
    "too-early": "a task that was not running yet",
    "healthy": "a running task",
    "draining": "a task that was stopping",
    "dead": "a task that had ended",
    "indirect": "a load balancer or a proxy, which chooses the task",
}


@dataclass(frozen=True)
class FailureCause:
    """`count` failed attempts of a model in a phase had this cause; `longest`: seconds that a task had been dead."""

    model: str
    phase: str
    kind: CauseKind
    count: int
    longest: float = 0.0


def attribute_failures(history: History, tally: Tally, indirect: Iterable[str] = ()) -> tuple[FailureCause, ...]:
    """Return the causes of all failures, by model, phase and kind.

    `indirect`: the models that call a load balancer or a proxy.
    """
    by_address: dict[str, list[TaskLifetime]] = {}
    for lifetime in task_lifetimes(history):
        by_address.setdefault(lifetime.address, []).append(lifetime)
    indirect = frozenset(indirect)
    counts: Counter[tuple[str, str, CauseKind]] = Counter()
    longest: dict[tuple[str, str, CauseKind], float] = {}
    for phase in history.phases:
        for entry in tally.entries(start=phase.begin, end=phase.end):
            if entry.outcome in ("ok", "dropped"):
                continue
            kind, age = _cause(entry, by_address.get(entry.address, ()), indirect)
            key = (entry.model, phase.name, kind)
            counts[key] += entry.count
            longest[key] = max(longest.get(key, 0.0), age)
    return tuple(FailureCause(*key, count, round(longest[key], 1)) for key, count in counts.items())


def _cause(entry: TallyEntry, lifetimes: Sequence[TaskLifetime], indirect: frozenset[str]) -> tuple[CauseKind, float]:
    """Return the kind of cause, and for how long the task had been dead, at most."""
    if not entry.address:
        return "no-address", 0.0
    if entry.model in indirect:
        return "indirect", 0.0
    moment = Interval(float(entry.second), float(entry.second + 1))
    # The address belongs to the last task that had it by then.
    earlier = [lifetime for lifetime in lifetimes if lifetime.first_seen.low <= moment.high]
    if not earlier:
        return "ghost", 0.0
    last = max(earlier, key=lambda lifetime: lifetime.first_seen.low)
    if last.ended is not None and moment.high >= last.ended.low:
        return "dead", max(0.0, moment.high - last.ended.low)
    if last.leaving is not None and moment.high >= last.leaving.low:
        return "draining", 0.0
    if last.running is None or moment.low < last.running.low:
        return "too-early", 0.0
    return "healthy", 0.0


def danger_windows(history: History, tally: Tally, indirect: Iterable[str] = ()) -> Mapping[str, Interval]:
    """Return for how many service seconds after its end each model called a task, without the models of `indirect`.

    The second of a failed attempt, and the second in which the task ended, may each count in part only.
    """
    excluded = frozenset(indirect)
    longest = {model: 0.0 for model in tally.models if model not in excluded}
    for cause in attribute_failures(history, tally, excluded):
        if cause.kind == "dead":
            longest[cause.model] = max(longest[cause.model], cause.longest)
    return {model: Interval(max(0.0, seconds - 2.0), seconds) for model, seconds in longest.items()}


def cause_sentence(model: str, causes: Iterable[FailureCause], ttls: Mapping[str, float]) -> str:
    """Return the main cause as text: "dns: 87 of 90 errors went to tasks dead for less than the TTL of 20 s".

    `ttls`: the records' TTL in each phase, in service seconds.
    """
    causes = [cause for cause in causes if cause.model == model]
    errors = sum(cause.count for cause in causes)
    if not errors:
        return f"{model}: no errors"
    counts = Counter[CauseKind]()
    for cause in causes:
        counts[cause.kind] += cause.count
    kind, count = counts.most_common(1)[0]
    text = CAUSES[kind]
    if kind == "dead":
        dead = [cause for cause in causes if cause.kind == "dead"]
        ttl = f"the TTL of {max(ttls.values()):g} s" if len(set(ttls.values())) == 1 else "the TTL"
        within_ttl = all(cause.longest <= ttls[cause.phase] for cause in dead)
        limit = f"less than {ttl}" if within_ttl else f"up to {max(cause.longest for cause in dead):g} s"
        text = f"tasks dead for {limit}"
    if kind == "no-address":
        return f"{model}: {count} of {errors} errors were calls for which discovery returned no address"
    return f"{model}: {count} of {errors} errors went to {text}"
