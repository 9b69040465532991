"""The client figures of a scenario, for each client model and phase, from a history and a tally."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.confidence import Share, share_of
from surveyor.history import History
from surveyor.load.histogram import Latencies
from surveyor.load.tally import Tally, TallyEntry
from surveyor.report.experiments import WHOLE

__all__ = ["ClientFigures", "figures_between", "figures_of"]


@dataclass(frozen=True)
class ClientFigures:
    """One model in one phase.

    `failed`: attempts that failed or timed out; `after_retries`: arrivals that still failed after two immediate
    retries; `unknown`: attempts that timed out. `latencies`: wall seconds from the due time of answered attempts.
    `outage`: service seconds of the longest period without an answered attempt; `recovery`: service seconds from the
    phase's start (for the whole scenario: from each fault) until the last second with a failure. `near`: pairs of
    failed attempts that are near each other, of attempts that are recorded one by one.
    """

    model: str
    phase: str
    attempts: int
    dropped: int
    unknown: int
    failed: Share
    after_retries: Share
    latencies: Latencies
    outage: float
    recovery: float
    near: int = 0


def figures_of(history: History, tally: Tally) -> tuple[ClientFigures, ...]:
    """Return the figures of each model, for each phase and then for the whole scenario."""
    if not history.phases:
        return ()
    spans = [(phase.name, phase.begin, phase.end, [phase.begin]) for phase in history.phases]
    start = min(phase.begin for phase in history.phases)
    fault_times = [fault.begin for fault in history.faults]
    spans.append((WHOLE, start, max(phase.end for phase in history.phases), fault_times or [start]))
    return tuple(figures_between(tally, model, *span) for model in tally.models for span in spans)


def figures_between(
    tally: Tally, model: str, name: str, start: float, end: float, fault_times: Sequence[float]
) -> ClientFigures:
    """Return the figures of one model between two service seconds; recovery is counted from the latest fault time."""
    entries = list(tally.entries((model,), start, end))
    tried = [entry for entry in entries if entry.outcome != "dropped"]
    attempts = sum(entry.count for entry in tried)
    failed = [entry for entry in tried if entry.outcome != "ok"]
    failures = sum(entry.count for entry in failed)
    return ClientFigures(
        model=model,
        phase=name,
        attempts=attempts,
        dropped=sum(entry.count for entry in entries if entry.outcome == "dropped"),
        unknown=sum(entry.count for entry in failed if entry.outcome == "info"),
        failed=share_of(failures, attempts),
        after_retries=share_of(failures - sum(entry.retried for entry in failed), attempts),
        latencies=tally.latencies(model, start, end),
        outage=_outage(tried),
        recovery=max((_since(min(entry.second + 1, end), fault_times) for entry in failed), default=0.0),
    )


def _since(moment: float, fault_times: Sequence[float]) -> float:
    """Return service seconds since the latest of these times; 0 before all of them."""
    return min((moment - time for time in fault_times if time <= moment), default=0.0)


def _outage(tried: Sequence[TallyEntry]) -> float:
    """Return the longest run of seconds, among those with attempts, in which no attempt was answered."""
    answered: dict[int, bool] = {}
    for entry in tried:
        answered[entry.second] = answered.get(entry.second, False) or entry.outcome == "ok"
    longest = 0.0
    since: int | None = None
    for second in sorted(answered):
        if answered[second]:
            since = None
            continue
        since = second if since is None else since
        longest = max(longest, second + 1.0 - since)
    return longest
