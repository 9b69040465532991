"""The figures of a scenario: for each client model and each phase, from a history and a tally."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.history import History
from surveyor.load.confidence import Share, share_of
from surveyor.load.tally import Counted, Tally
from surveyor.report.experiments import WHOLE

__all__ = ["Figures", "figures_of"]


@dataclass(frozen=True)
class Figures:
    """One model in one phase.

    `raw`: attempts that failed or had no answer in time; `masked`: arrivals that the stated retries could not save;
    `unknown`: of the attempts, those without an answer in time. `p50`, `p99`: wall seconds from when an answered
    attempt was due. `outage`: service seconds of the longest stretch in which none was answered; `recovery`: from the
    phase's beginning (of the whole: from each fault) until the last second in which one failed.
    """

    model: str
    phase: str
    attempts: int
    dropped: int
    unknown: int
    raw: Share
    masked: Share
    p50: float
    p99: float
    outage: float
    recovery: float


def figures_of(history: History, tally: Tally) -> tuple[Figures, ...]:
    """Of each model, of each phase and then of all together."""
    if not history.phases:
        return ()
    spans = [(phase.name, phase.begin, phase.end, [phase.begin]) for phase in history.phases]
    start, struck = min(phase.begin for phase in history.phases), [fault.begin for fault in history.faults]
    spans.append((WHOLE, start, max(phase.end for phase in history.phases), struck or [start]))
    return tuple(_figures(tally, model, *span) for model in tally.models for span in spans)


def _figures(tally: Tally, model: str, name: str, start: float, end: float, struck: Sequence[float]) -> Figures:
    counted = list(tally.counted((model,), start, end))
    tried = [one for one in counted if one.outcome != "dropped"]
    attempts = sum(one.count for one in tried)
    failed = [one for one in tried if one.outcome != "ok"]
    wrong = sum(one.count for one in failed)
    latencies = tally.latencies(model, start, end)
    return Figures(
        model=model,
        phase=name,
        attempts=attempts,
        dropped=sum(one.count for one in counted if one.outcome == "dropped"),
        unknown=sum(one.count for one in failed if one.outcome == "info"),
        raw=share_of(wrong, attempts),
        masked=share_of(wrong - sum(one.masked for one in failed), attempts),
        p50=latencies.percentile(50),
        p99=latencies.percentile(99),
        outage=_outage(tried),
        recovery=max((_since(one.second + 1, struck) for one in failed), default=0.0),
    )


def _since(moment: float, struck: Sequence[float]) -> float:
    """Service seconds from the last of these moments that came before; 0 before all of them."""
    return min((moment - one for one in struck if one <= moment), default=0.0)


def _outage(tried: Sequence[Counted]) -> float:
    """The longest run of seconds, among those with attempts, in which none was answered."""
    answered: dict[int, bool] = {}
    for one in tried:
        answered[one.second] = answered.get(one.second, False) or one.outcome == "ok"
    longest = 0.0
    since: int | None = None
    for second in sorted(answered):
        if answered[second]:
            since = None
            continue
        since = second if since is None else since
        longest = max(longest, second + 1.0 - since)
    return longest
