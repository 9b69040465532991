"""Judge a client by what was seen of it: pure functions from the traffic of a course to verdicts with evidence."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from surveyor.clients.course import PHASES, CoursePhase, Seen
from surveyor.clients.sightings import (
    age_of,
    connections_of,
    lookups_of,
    moments_of,
    pace_of,
    reached_at,
    requests_to,
    show_connections,
    show_lookups,
)

__all__ = ["CHECKS", "Level", "TraitVerdict", "judge"]

Level = Literal["good", "problem", "note", "unknown"]
"""`problem`: what fails calls or keeps a task from being left; `note`: worth knowing; `unknown`: not seen."""

SLACK = 1.5
"""Wall seconds by which a client may be late without another verdict: it calls now and then, and machines are busy."""

JUST_ASKED = 0.5
"""Wall seconds before a connection within which a lookup belongs to it."""

WALK_WITHIN = 1.0
"""Wall seconds after a refused attempt within which one to another address belongs to the same call."""

PROMPT = 3.0
"""Wall seconds within which a client has left something at once, if it calls often enough to show it."""

ENOUGH = 5.0
"""Wall seconds of calls without which nothing is judged."""

SHOWS_ENOUGH = 0.8
"""Share of cases that make a habit."""


@dataclass(frozen=True)
class TraitVerdict:
    """`check`: what was judged; `trait`: the outcome as a word, `sentence`: for people; `seconds`: the figure in it.

    `evidence`: lines with the seconds since the command was started.
    """

    check: str
    trait: str
    level: Level
    sentence: str
    seconds: float | None = None
    evidence: tuple[str, ...] = ()


def judge(seen: Seen) -> list[TraitVerdict]:
    """Return the verdicts on a client, in the order of CHECKS. Without a call to a task there are few."""
    notes = [*_other_ways(seen), *_early_end(seen)]
    if not connections_of(seen):
        return [_never_called(seen), *notes]
    if _is_short(seen):
        return notes
    if not lookups_of(seen):
        trait = TraitVerdict(
            "resolution", "ignores-resolver", "problem",
            f"connects to tasks, and never asked the resolver for {seen.name}",
            evidence=show_connections(seen, connections_of(seen)),
        )  # fmt: skip
        return [trait, *notes]
    return [*(check(seen) for check in CHECKS.values()), *notes]


# The checks.


def _resolution(seen: Seen) -> TraitVerdict:
    """Judge when the client asks, and how long it uses an answer."""
    asked = moments_of(lookups_of(seen))
    calm = [seen.phases[name] for name in ("before", "closing", "dead-listed") if name in seen.phases]
    if not calm:
        return _unseen("resolution", "the command ended before the first phase had")
    since, until = calm[0].began, calm[-1].ended
    begun = [connection.began for connection in connections_of(seen) if connection.began < until]
    own = [at for at in begun if age_of(at, asked) is not None]
    ages = [age for at in own if (age := age_of(at, asked)) is not None]
    in_calm = [at for at in asked if since <= at < until]
    gaps = [later - earlier for earlier, later in pairwise(at for at in asked if at < until)]
    lasting = _used_without_question(seen, asked)
    evidence = show_lookups(seen)
    closing = seen.phases.get("closing")
    pace = pace_of(seen)
    in_closing = [at for at in own if closing and closing.began + pace <= at < closing.ended]
    fresh = sum(1 for at in in_closing if (age_of(at, asked) or 0.0) <= JUST_ASKED)
    if len(asked) == 1 and lasting >= PHASE_TO_TELL:
        return TraitVerdict(
            "resolution", "resolved-once", "problem",
            f"resolved the name once, and used the answer for {lasting:.0f} s, to the end: later tasks were "
            "not found", lasting, evidence,
        )  # fmt: skip
    if in_closing and fresh >= SHOWS_ENOUGH * len(in_closing):
        return TraitVerdict(
            "resolution", "asks-per-connection", "good",
            f"asks before each new connection ({fresh} of {len(in_closing)}), and keeps no answer", 0.0, evidence,
        )  # fmt: skip
    if not in_calm:
        return _asks_after_errors(seen, asked, evidence)
    usual = statistics.median(gaps) if gaps else lasting
    kept = max([age for age in ages if age > JUST_ASKED], default=usual)
    if not in_closing and usual <= seen.ttl + SLACK + pace_of(seen):
        return TraitVerdict(
            "resolution", "polls" if usual < seen.ttl - SLACK else "keeps-ttl", "good",
            f"asks every {usual:.0f} s (TTL {seen.ttl:.0f} s), whether or not it needs a connection", usual, evidence,
        )  # fmt: skip
    if not in_closing and len(in_calm) < 2:
        return _asks_after_errors(seen, asked, evidence)
    if kept <= seen.ttl + SLACK and JUST_ASKED < usual < seen.ttl - SLACK:
        return TraitVerdict(
            "resolution", "polls", "good",
            f"asks every {usual:.1f} s (TTL {seen.ttl:.0f} s), and uses an answer for no longer", usual, evidence,
        )  # fmt: skip
    if kept <= seen.ttl + SLACK and usual <= seen.ttl + SLACK + pace_of(seen):
        return TraitVerdict(
            "resolution", "keeps-ttl", "good",
            f"keeps an answer for at most its TTL of {seen.ttl:.0f} s: asks every {usual:.1f} s", usual, evidence,
        )  # fmt: skip
    return TraitVerdict(
        "resolution", "keeps-answers", "problem",
        f"keeps an answer for about {max(kept, usual):.0f} s; its TTL was {seen.ttl:.0f} s", max(kept, usual), evidence,
    )  # fmt: skip


PHASE_TO_TELL = 60.0
"""Wall seconds without a question after which a name counts as resolved once."""


def _asks_after_errors(seen: Seen, asked: Sequence[float], evidence: tuple[str, ...]) -> TraitVerdict:
    """Return the verdict on a client that did not ask while everything worked."""
    trouble = next((seen.phases[name] for name in ("dead-listed", "dead") if name in seen.phases), None)
    later = [at for at in asked if trouble and at >= trouble.began]
    if trouble is None or not later:
        lasting = _used_without_question(seen, asked)
        return TraitVerdict(
            "resolution", "resolved-once", "problem",
            f"resolved the name once, and did not ask again for {lasting:.0f} s", lasting, evidence,
        )  # fmt: skip
    failed = [
        connection.ended if connection.ended_by == "task" else connection.refused
        for connection in connections_of(seen)
        if (connection.ended_by == "task" or connection.refused)
        and (connection.ended or connection.refused or 0.0) >= trouble.began - SLACK
    ]
    first = min((at for at in failed if at is not None), default=trouble.began)
    wait = max(0.0, later[0] - first)
    found = [lookup[0].at for lookup in lookups_of(seen) if any(question.addresses for question in lookup)]
    gaps = [next(at for at in asked if at > one) - one for one in found if one < asked[-1]]
    least = min(gaps, default=0.0)
    slow = f", at most every {least:.0f} s" if least > PROMPT else ""
    return TraitVerdict(
        "resolution", "asks-after-errors", "problem" if max(wait, least) > PROMPT else "note",
        f"asks again only after an error{slow}: {wait:.1f} s after the first one", max(wait, least), evidence,
    )  # fmt: skip


def _used_without_question(seen: Seen, asked: Sequence[float]) -> float:
    """Return the longest time after a question for which its answer was used, without another one in between."""
    return max((age for at in _uses(seen) if (age := age_of(at, asked)) is not None), default=0.0)


def _uses(seen: Seen) -> list[float]:
    return [connection.began for connection in connections_of(seen)]


def _pool(seen: Seen) -> TraitVerdict:
    """Judge whether connections are used again."""
    before = seen.phases.get("before")
    made = requests_to(seen, seen.addresses, before) if before else []
    if before is None or not made:
        return _unseen("connections", "no request was seen while all tasks answered")
    begun = [connection for connection in connections_of(seen) if connection.began < before.ended]
    evidence = (f"{len(made)} requests and {len(begun)} connections while all tasks answered",)
    if len(begun) > len(made) / 2:
        return TraitVerdict(
            "connections", "connects-per-call", "good", "makes a connection for each call", None, evidence
        )
    return TraitVerdict(
        "connections", "keeps-connections", "note",
        f"keeps connections: {len(made)} requests over {len(begun)}", None, evidence,
    )  # fmt: skip


def _spread(seen: Seen) -> TraitVerdict:
    """Judge how many of the tasks get calls while all answer."""
    before = seen.phases.get("before")
    made = [address for _, address in requests_to(seen, before.addresses, before)] if before else []
    if before is None or not made:
        return _unseen("spread", "no request was seen while all tasks answered")
    counts = {address: made.count(address) for address in before.addresses}
    used, of = sum(count > 0 for count in counts.values()), len(before.addresses)
    evidence = tuple(f"{address}: {count} requests" for address, count in counts.items())
    few = len(made) < 4 * of
    level: Level = "unknown" if few and used < of else "good" if used == of else "note"
    sentence = f"spreads over {used} of {of} tasks"
    return TraitVerdict("spread", f"spreads-{used}-of-{of}", level, sentence, float(used), evidence)


def _walk(seen: Seen) -> TraitVerdict:
    """Judge whether a refused connection is followed by one to the next address of the answer."""
    phase = seen.phases.get("dead-listed")
    if phase is None:
        return _unseen("walk", "the command ended before a task was killed")
    refused = [
        connection
        for connection in seen.traffic.connected(phase.dead, since=phase.began, until=phase.ended - WALK_WITHIN)
        if connection.failed
    ]
    if not refused:
        return _unseen("walk", "it did not try the dead task while the name led to it")
    alive = [item for item in connections_of(seen, phase) if item.address not in phase.dead]
    wait = min(WALK_WITHIN, pace_of(seen) * 0.6)
    walked = [item for item in refused if any(0 <= other.began - item.began <= wait for other in alive)]
    evidence = show_connections(seen, sorted([*refused, *alive], key=lambda item: item.began))
    if len(walked) >= SHOWS_ENOUGH * len(refused):
        return TraitVerdict(
            "walk", "walks", "good", "walks the list of addresses: after a refused one it tries the next at once",
            None, evidence,
        )  # fmt: skip
    return TraitVerdict(
        "walk", "no-walk", "problem",
        f"does not try the next address in the same call after a refused one ({len(refused) - len(walked)} of "
        f"{len(refused)}): such calls fail", None, evidence,
    )  # fmt: skip


def _dead(seen: Seen) -> TraitVerdict:
    """Judge how long dead tasks are tried after the name led to others."""
    phase = seen.phases.get("dead")
    if phase is None:
        return _unseen("dead", "the command ended before all tasks were replaced")
    tried = seen.traffic.connected(phase.dead, since=phase.began, until=phase.ended)
    reached = reached_at(seen, phase)
    evidence = show_connections(seen, [*tried[:2], *tried[-2:], *connections_of(seen, phase)[-2:]])
    if not reached:
        return TraitVerdict(
            "dead", "never-leaves-dead", "problem",
            f"never reached the new tasks in {phase.ended - phase.began:.0f} s ({len(tried)} attempts to dead ones)",
            None, evidence,
        )  # fmt: skip
    wait = reached[0] - phase.began
    good = wait <= max(PROMPT, seen.ttl + SLACK + pace_of(seen))
    return TraitVerdict(
        "dead", "leaves-dead", "good" if good else "problem",
        f"reached the new tasks {max(wait, 0):.1f} s after the old ones had died ({len(tried)} attempts to dead ones)",
        wait, evidence,
    )  # fmt: skip


def _nxdomain(seen: Seen) -> TraitVerdict:
    """Judge how long "no such name" is remembered."""
    gap, back = seen.phases.get("gap"), seen.phases.get("back")
    if gap is None or back is None:
        return _unseen("nxdomain", "the command ended before the name was back")
    refused = [
        at[0] for at in lookups_of(seen) if at[0].code == "NXDOMAIN" and gap.began - SLACK <= at[0].at < back.ended
    ]
    if not refused:
        return _unseen("nxdomain", "it never asked while the name did not exist")
    reached = reached_at(seen, back)
    end = reached[0] if reached else back.ended
    asked = [at for at in moments_of(lookups_of(seen)) if refused[0].at <= at <= end]
    waits = [later - earlier for earlier, later in pairwise([*asked, *([] if reached else [end])])]
    longest, usual = max(waits, default=0.0), statistics.median(waits or [0.0])
    evidence = show_lookups(seen, gap.began - SLACK, end + 1)
    if longest <= max(PROMPT, 2.5 * pace_of(seen)):
        return TraitVerdict(
            "nxdomain", "forgets-nxdomain", "good",
            f'asks again every {usual:.1f} s after "no such name", and remembers it for no longer', usual, evidence,
        )  # fmt: skip
    again = f"called a task again {end - back.began:.0f} s after the name was back" if reached else "never called again"
    growing = len(waits) > 2 and all(later > earlier * 1.2 for earlier, later in pairwise(waits))
    if growing:
        shown = ", ".join(f"{wait:.0f}" for wait in waits)
        return TraitVerdict(
            "nxdomain", "backs-off", "note" if reached and longest < seen.negative_ttl else "problem",
            f'waits longer each time after "no such name" ({shown} s); it {again}', longest, evidence,
        )  # fmt: skip
    return TraitVerdict(
        "nxdomain", "remembers-nxdomain", "problem",
        f'remembers "no such name" for {longest:.0f} s; it {again}', longest, evidence,
    )  # fmt: skip


def _drain(seen: Seen) -> TraitVerdict:
    """Judge how long a task is called that the name no longer leads to, and that still answers."""
    phase = seen.phases.get("drain")
    if phase is None:
        return _unseen("drain", "the command ended before tasks were drained")
    old = [at for at, _ in requests_to(seen, phase.draining, phase)]
    new = [at for at, _ in requests_to(seen, phase.addresses, phase)]
    evidence = (
        f"{len(old)} requests to draining tasks, the last {old[-1] - phase.began:.1f} s after the name had changed"
        if old
        else "no request to draining tasks",
        f"{len(new)} requests to new tasks" + (f", the first after {new[0] - phase.began:.1f} s" if new else ""),
    )
    if not old and not new:
        return _unseen("drain", "it made no call while tasks were drained")
    if old and (not new or old[-1] > phase.ended - max(PROMPT, 2.5 * pace_of(seen))):
        return TraitVerdict(
            "drain", "keeps-draining", "problem",
            f"never left the draining tasks in {phase.ended - phase.began:.0f} s: its calls end when they stop",
            None, evidence,
        )  # fmt: skip
    wait = old[-1] - phase.began if old else 0.0
    good = wait <= seen.ttl + SLACK + pace_of(seen)
    return TraitVerdict(
        "drain", "leaves-draining", "good" if good else "problem", f"left the draining tasks after {wait:.1f} s", wait,
        evidence,
    )  # fmt: skip


def _families(seen: Seen) -> TraitVerdict:
    """Judge whether IPv6 is tried, and first."""
    phase, lookups = seen.phases.get("ipv6"), lookups_of(seen)
    if phase is not None and any(
        set(phase.ipv6).intersection(each.addresses) for each in seen.traffic.asked(seen.name)
    ):
        return _families_tried(seen, phase)
    kinds = {question.kind for lookup in lookups for question in lookup}
    first = sum(1 for lookup in lookups if lookup[0].kind == "AAAA")
    evidence = show_lookups(seen)
    if "AAAA" not in kinds:
        return TraitVerdict("families", "ipv4-only", "note", "asks for IPv4 addresses only", None, evidence)
    if first >= SHOWS_ENOUGH * len(lookups):
        return TraitVerdict("families", "asks-ipv6-first", "note", "asks for IPv6 addresses first", None, evidence)
    return TraitVerdict(
        "families", "asks-ipv4-first", "note", "asks for IPv4 addresses first, then for IPv6", None, evidence
    )


def _families_tried(seen: Seen, phase: CoursePhase) -> TraitVerdict:
    """Judge what a client does with IPv6 addresses at which nothing answers, beside IPv4 addresses of tasks."""
    tried = seen.traffic.connected(phase.ipv6, since=phase.began, until=phase.ended)
    reached = [item for item in connections_of(seen, phase) if not item.failed and item.address in phase.addresses]
    evidence = show_connections(seen, sorted([*tried, *reached], key=lambda item: item.began))
    if not tried:
        return TraitVerdict("families", "ipv4-first", "note", "tries IPv4 addresses first", None, evidence)
    later = [item for item in reached if item.began > tried[0].began]
    if not later:
        return TraitVerdict(
            "families", "ipv6-only", "problem", "tries IPv6 addresses, and falls back to no IPv4 address", None,
            evidence,
        )  # fmt: skip
    fell_back = sum(any(0 <= item.began - attempt.began <= WALK_WITHIN for attempt in tried) for item in later)
    if fell_back >= len(later) / 2:
        wait = later[0].began - tried[0].began
        return TraitVerdict(
            "families", "ipv6-first", "note", f"tries IPv6 first, and falls back to IPv4 after {wait:.2f} s", wait,
            evidence,
        )  # fmt: skip
    return TraitVerdict("families", "mixes-families", "note", "tries addresses of both families", None, evidence)


CHECKS: dict[str, Callable[[Seen], TraitVerdict]] = {
    "resolution": _resolution,
    "connections": _pool,
    "spread": _spread,
    "walk": _walk,
    "dead": _dead,
    "nxdomain": _nxdomain,
    "drain": _drain,
    "families": _families,
}
"""What is judged, in the order in which it is shown."""


# What cannot be judged, and evidence.


def _unseen(check: str, why: str) -> TraitVerdict:
    return TraitVerdict(check, "not-seen", "unknown", f"not judged: {why}")


def _never_called(seen: Seen) -> TraitVerdict:
    asked = seen.traffic.asked(seen.name)
    elsewhere = [item for item in seen.traffic.connections if item.address not in seen.addresses]
    if elsewhere:
        places = sorted({f"{item.address}:{item.port}" for item in elsewhere})
        sentence = (
            f"ignores the resolver: connects to {', '.join(places[:3])}, which is no task"
            f"{'' if asked else f', and never asked for {seen.name}'}"
        )
        trait = "ignores-resolver" if not asked else "calls-elsewhere"
        return TraitVerdict("resolution", trait, "problem", sentence, evidence=show_connections(seen, elsewhere))
    sentence = (
        f"asked for {seen.name}, and called no task" if asked else f"never asked for {seen.name}, and called no task"
    )
    return TraitVerdict("resolution", "never-called", "unknown", sentence, evidence=show_lookups(seen))


def _other_ways(seen: Seen) -> list[TraitVerdict]:
    found = []
    if over_tcp := [question for question in seen.traffic.asked(seen.name) if question.over == "tcp"]:
        found.append(
            TraitVerdict("transport", "dns-over-tcp", "note", f"asks over TCP ({len(over_tcp)} questions)", None)
        )
    if others := seen.traffic.other_dns():
        places = sorted({f"{item.address}:{item.port}" for item in others})
        sentence = (
            f"tries servers of DNS over HTTPS, TLS or QUIC at {', '.join(places[:3])}: a VPC's resolver offers none in "
            "this course"
        )
        found.append(TraitVerdict("transport", "other-dns", "problem", sentence, None, show_connections(seen, others)))
    return found


def _early_end(seen: Seen) -> list[TraitVerdict]:
    if not seen.ended or seen.ended == "no call":
        return []
    if _is_short(seen):
        hint = "a command that makes one call and ends needs --repeat SECONDS"
        return [TraitVerdict("command", "ended", "unknown", f"{seen.ended} at once, before it was judged; {hint}")]
    last = list(seen.phases)[-1]
    return [
        TraitVerdict(
            "command", "ended", "problem", f"{seen.ended} while {PHASES[last]}; what follows was not judged", None,
            (f"{seen.phases[last].ended - seen.started:6.1f} s  it ended",),
        )
    ]  # fmt: skip


def _is_short(seen: Seen) -> bool:
    """Return whether the command ended too early for any verdict."""
    return bool(seen.ended) and sum(phase.ended - phase.began for phase in seen.phases.values()) < ENOUGH
