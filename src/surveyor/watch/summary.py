"""The result of a watch in about ten lines, for a terminal or the log of a CI job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from surveyor.callers.client import NO_ADDRESS
from surveyor.checkers import Judgement
from surveyor.checkers.deployment import describe_deployment
from surveyor.history import History, JoinedAttempt, joined_attempts, latest_deployments, watched_deployment
from surveyor.load.attempt_figures import NEW, OLD, is_of_side
from surveyor.verdicts import Verdict
from surveyor.visible_text import visible
from surveyor.watch.deployment import AFTER, BEFORE

__all__ = ["failure_sentences", "refused_share", "summary_lines"]

TOO_MANY_REQUESTS = 429
MAX_REFUSED = 0.01
"""Share of calls; from it on the failed calls are due to their rate."""


def summary_lines(history: History, judgement: Judgement, notes: Sequence[str] = ()) -> list[str]:
    """Return what was deployed, what each client and each side got, the figures, and what the checks found."""
    attempts = joined_attempts(history)
    service = history.header.service
    lines = [
        f"{service['service']}: {_headline(history)}",
        f"  {service['calls']}; calls per second: {service['calls per wall second']}",
    ]
    lines += [f"  stopped early: {history.stopped}"] if history.stopped else []
    lines += [f"  not called: {note}" for note in notes]
    phases = [phase.name for phase in history.phases]
    columns: list[tuple[str, Callable[[JoinedAttempt], bool]]] = [("all", lambda _: True)]
    if AFTER in phases or len(phases) > 1:
        columns = [
            ("before", lambda attempt: attempt.phase == BEFORE),
            ("during", lambda attempt: attempt.phase not in (BEFORE, AFTER)),
            ("after", lambda attempt: attempt.phase == AFTER),
        ]
    rows: list[tuple[str, list[JoinedAttempt]]] = [
        (client, [attempt for attempt in attempts if attempt.client == client])
        for client in dict.fromkeys(attempt.client for attempt in attempts)
    ]
    width = max((len(name) for name, _ in rows), default=0)
    for name, own in rows:
        shares = ", ".join(f"{_failed(filter(chosen, own))} {column}" for column, chosen in columns)
        lines.append(f"  {name:<{width}}  failed {shares}")
    lines += [f"  {line}" for line in _fault_lines(history, rows)]
    sides = [("old tasks while they ran", OLD), ("new tasks", NEW)]
    by_side = [(name, [attempt for attempt in attempts if is_of_side(attempt, side)]) for name, side in sides]
    if any(own for _, own in by_side):
        lines.append("  " + "; ".join(f"{name}: failed {_failed(own)}{_latency(own)}" for name, own in by_side))
    lines += [f"  {figure.figure}: {figure.text}" for figure in judgement.figures if figure.unit == "s" and figure.high]
    passed = sum(check.verdict is Verdict.PASS for check in judgement.checks)
    lines.append(f"  {passed} of {len(judgement.checks)} checks passed")
    lines += [
        f"  {check.verdict}: {check.label}: {check.detail}"
        for check in judgement.checks
        if check.verdict is not Verdict.PASS
    ]
    return [visible(line) for line in lines]


def _fault_lines(history: History, rows: Sequence[tuple[str, Sequence[JoinedAttempt]]]) -> Iterator[str]:
    """Yield a line for each fault of the clients: when it was, and what each client got meanwhile."""
    for fault in history.faults:
        span = history.fault_span(fault)
        meanwhile = ((name, [one for one in own if span.low <= one.time <= span.high]) for name, own in rows)
        shares = ", ".join(f"{name} failed {_failed(own)}" for name, own in meanwhile)
        hits = sum(injection.fault == fault.fault for injection in history.injections)
        yield (
            f"{fault.fault}, to these clients alone, at {span.low:.0f} to {span.high:.0f} s, changed {hits:,} answers; "
            f"meanwhile {shares}"
        )


def refused_share(history: History) -> str:
    """Return that the service refused calls because there were too many, "" if fewer than MAX_REFUSED were refused."""
    refused = sum(call.status == TOO_MANY_REQUESTS for call in history.calls)
    if not refused or refused < MAX_REFUSED * len(history.calls):
        return ""
    share = refused / len(history.calls)
    return f"the service refused {refused:,} of {len(history.calls):,} calls ({share:.0%}) as too many: lower --rate"


def failure_sentences(attempts: Sequence[JoinedAttempt]) -> tuple[str, ...]:
    """Return for each client with failed attempts which tasks they went to, and what these were doing."""
    sentences = []
    for client in dict.fromkeys(attempt.client for attempt in attempts):
        failed = [attempt for attempt in attempts if attempt.client == client and attempt.outcome != "ok"]
        places = Counter(_place(attempt) for attempt in failed)
        if failed:
            parts = ", ".join(f"{count:,} {place}" for place, count in places.most_common())
            sentences.append(f"{client}: of {len(failed):,} failed calls {parts}")
    return tuple(sentences)


def _place(attempt: JoinedAttempt) -> str:
    if attempt.error == NO_ADDRESS:
        return "had no address to call"
    if not attempt.life:
        return "went to a task that is not known"
    states = {
        "starting": "that was starting",
        "running": "that was running",
        "leaving": "that was stopping",
        "ended": "that had ended",
    }
    which = {"old": "an old task", "new": "a new task", "": "a task"}[attempt.side]
    return f"went to {which} {states[attempt.life]}"


def _headline(history: History) -> str:
    arn = watched_deployment(history)
    state = latest_deployments(history).get(arn)
    if state is None:
        return f"watched for {history.end:.0f} s, no deployment"
    took = f" ({state.finished - state.created:.0f} s)" if state.finished is not None else ""
    return f"{describe_deployment(arn, state)}{took}"


def _failed(attempts: Iterable[JoinedAttempt]) -> str:
    """Return the share of attempts that failed, or had no answer in time."""
    chosen = list(attempts)
    failed = sum(attempt.outcome != "ok" for attempt in chosen)
    return f"{100 * failed / len(chosen):.1f} % of {len(chosen):,}" if chosen else "- of 0"


def _latency(attempts: Sequence[JoinedAttempt]) -> str:
    """Return the median and the 99th percentile of answered attempts, in wall milliseconds."""
    answered = sorted(attempt.seconds for attempt in attempts if attempt.outcome == "ok")
    if not answered:
        return ""
    p50, p99 = (1_000 * answered[min(len(answered) - 1, int(share * len(answered)))] for share in (0.5, 0.99))
    return f", p50 {p50:.0f} ms, p99 {p99:.0f} ms"
