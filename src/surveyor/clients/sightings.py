"""Read the traffic of a course: lookups, requests and the pace of a client, and lines that show them."""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from surveyor.clients.course import CoursePhase, Seen
from surveyor.clients.traffic import Question, SeenConnection

__all__ = [
    "MAX_EVIDENCE",
    "ONE_LOOKUP",
    "age_of",
    "connections_of",
    "lookups_of",
    "moments_of",
    "pace_of",
    "reached_at",
    "requests_to",
    "show_connections",
    "show_lookups",
]

ONE_LOOKUP = 0.3
"""Wall seconds within which questions for the types A and AAAA belong to one lookup."""

MAX_EVIDENCE = 6


def connections_of(seen: Seen, phase: CoursePhase | None = None) -> list[SeenConnection]:
    """Return the connections to tasks, and attempts, that began in a phase, or ever."""
    since, until = (phase.began, phase.ended) if phase else (0.0, float("inf"))
    return seen.traffic.connected(seen.addresses, since=since, until=until)


def lookups_of(seen: Seen) -> list[list[Question]]:
    """Return the questions for the name, those for A and AAAA of one lookup together."""
    found: list[list[Question]] = []
    for question in seen.traffic.asked(seen.name):
        is_same = found and question.at - found[-1][-1].at < ONE_LOOKUP
        if is_same and all(question.kind != other.kind for other in found[-1]):
            found[-1].append(question)
        else:
            found.append([question])
    return found


def moments_of(lookups: Iterable[Sequence[Question]]) -> list[float]:
    """Return when each lookup began."""
    return [lookup[0].at for lookup in lookups]


def requests_to(seen: Seen, addresses: Iterable[str], phase: CoursePhase) -> list[tuple[float, str]]:
    """Return when requests were sent to some addresses in a phase, over whatever connection, and to which."""
    return sorted(
        (at, connection.address)
        for connection in seen.traffic.connected(set(addresses))
        for at in connection.requests
        if phase.began <= at < phase.ended
    )


def reached_at(seen: Seen, phase: CoursePhase) -> list[float]:
    """Return when the tasks of a phase were reached, by a connection that was opened or by a request."""
    opened = [item.opened for item in connections_of(seen, phase) if item.opened and item.address in phase.addresses]
    return sorted([*opened, *(at for at, _ in requests_to(seen, phase.addresses, phase))])


def pace_of(seen: Seen) -> float:
    """Return the usual seconds between two calls while all tasks answer."""
    before = seen.phases.get("before")
    times = [at for at, _ in requests_to(seen, seen.addresses, before)] if before else []
    gaps = [later - earlier for earlier, later in pairwise(times) if later - earlier > 0.01]
    return statistics.median(gaps) if gaps else 1.0


def age_of(at: float, asked: Sequence[float]) -> float | None:
    """Return the seconds since the last question before a moment, None without one; `asked` is sorted."""
    number = bisect_right(asked, at)
    return at - asked[number - 1] if number else None


def show_connections(seen: Seen, connections: Sequence[SeenConnection]) -> tuple[str, ...]:
    """Return a line for each connection, the first ones and the last."""
    lines = []
    for item in connections:
        outcome = "refused" if item.refused else "not answered" if item.failed else f"{len(item.requests)} requests"
        lines.append(f"{item.began - seen.started:6.1f} s  connects to {item.address}:{item.port}: {outcome}")
    return _cut(lines)


def show_lookups(seen: Seen, since: float = 0.0, until: float = float("inf")) -> tuple[str, ...]:
    """Return a line for each lookup of a period, the first ones and the last."""
    lines = []
    for lookup in lookups_of(seen):
        if since <= lookup[0].at < until:
            kinds = ", ".join(question.kind for question in lookup)
            first = next((question for question in lookup if question.addresses), lookup[0])
            answer = ", ".join(first.addresses) or first.code or "no answer"
            lines.append(f"{lookup[0].at - seen.started:6.1f} s  asks for {kinds}: {answer}")
    return _cut(lines)


def _cut(lines: Sequence[str]) -> tuple[str, ...]:
    if len(lines) <= MAX_EVIDENCE:
        return tuple(lines)
    half = MAX_EVIDENCE // 2
    return (*lines[:half], f"… {len(lines) - 2 * half} more …", *lines[-half:])
