"""Checks of how a client calls tasks: its connections, the tasks that it chooses, and how it leaves them."""

from __future__ import annotations

from surveyor.clients.course import CoursePhase, Seen
from surveyor.clients.sightings import (
    MAX_EVIDENCE,
    connections_of,
    lookups_of,
    pace_of,
    reached_at,
    requests_to,
    show_connections,
    show_lookups,
)
from surveyor.clients.verdicts import (
    PROMPT,
    SHOWS_ENOUGH,
    SLACK,
    WALK_WITHIN,
    Level,
    TraitVerdict,
    unseen,
)

__all__ = [
    "judge_connections", "judge_dead", "judge_drain", "judge_families", "judge_spread", "judge_walk",
]  # fmt: skip


def judge_connections(seen: Seen) -> TraitVerdict:
    """Judge whether connections are used again."""
    before = seen.phases.get("before")
    made = requests_to(seen, seen.addresses, before) if before else []
    if before is None or not made:
        return unseen("connections", "no request was seen while all tasks answered")
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


def judge_spread(seen: Seen) -> TraitVerdict:
    """Judge how many of the tasks get calls while all answer."""
    before = seen.phases.get("before")
    made = [address for _, address in requests_to(seen, before.addresses, before)] if before else []
    if before is None or not made:
        return unseen("spread", "no request was seen while all tasks answered")
    counts = {address: made.count(address) for address in before.addresses}
    used, of = sum(count > 0 for count in counts.values()), len(before.addresses)
    evidence = tuple(f"{address}: {count} requests" for address, count in counts.items())
    few = len(made) < 4 * of
    level: Level = "unknown" if few and used < of else "good" if used == of else "note"
    sentence = f"spreads over {used} of {of} tasks"
    return TraitVerdict("spread", f"spreads-{used}-of-{of}", level, sentence, float(used), evidence)


def judge_walk(seen: Seen) -> TraitVerdict:
    """Judge whether a refused connection is followed by one to the next address of the answer."""
    phase = seen.phases.get("dead-listed")
    if phase is None:
        return unseen("walk", "the command ended before a task was killed")
    refused = [
        connection
        for connection in seen.traffic.connected(phase.dead, since=phase.began, until=phase.ended - WALK_WITHIN)
        if connection.failed
    ]
    if not refused:
        return unseen("walk", "it did not try the dead task while the name led to it")
    alive = [item for item in connections_of(seen, phase) if item.address not in phase.dead]
    wait = min(WALK_WITHIN, pace_of(seen) * 0.6)
    walked = [item for item in refused if any(0 <= other.began - item.began <= wait for other in alive)]
    both = sorted([*refused, *alive], key=lambda item: item.began)
    evidence = show_connections(seen, [item for item in both if item.began >= refused[0].began][:MAX_EVIDENCE])
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


def judge_dead(seen: Seen) -> TraitVerdict:
    """Judge how long dead tasks are tried after the name led to others."""
    phase = seen.phases.get("dead")
    if phase is None:
        return unseen("dead", "the command ended before all tasks were replaced")
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
    longest = max(PROMPT, seen.ttl + SLACK + pace_of(seen))
    if tried and tried[-1].began - reached[0] > longest:
        last = tried[-1].began - phase.began
        return TraitVerdict(
            "dead", "leaves-dead", "problem",
            f"reached the new tasks after {max(wait, 0):.1f} s, and still tried dead ones {last:.1f} s after they had "
            f"died ({len(tried)} attempts): not all of it asks again", last, evidence,
        )  # fmt: skip
    good = wait <= longest
    return TraitVerdict(
        "dead", "leaves-dead", "good" if good else "problem",
        f"reached the new tasks {max(wait, 0):.1f} s after the old ones had died ({len(tried)} attempts to dead ones)",
        wait, evidence,
    )  # fmt: skip


def judge_drain(seen: Seen) -> TraitVerdict:
    """Judge how long a task is called that the name no longer leads to, and that still answers."""
    phase = seen.phases.get("drain")
    if phase is None:
        return unseen("drain", "the command ended before tasks were drained")
    old = [at for at, _ in requests_to(seen, phase.draining, phase)]
    new = [at for at, _ in requests_to(seen, phase.addresses, phase)]
    evidence = (
        f"{len(old)} requests to draining tasks, the last {old[-1] - phase.began:.1f} s after the name had changed"
        if old
        else "no request to draining tasks",
        f"{len(new)} requests to new tasks" + (f", the first after {new[0] - phase.began:.1f} s" if new else ""),
    )
    if not old and not new:
        return unseen("drain", "it made no call while tasks were drained")
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


def judge_families(seen: Seen) -> TraitVerdict:
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
    called = any(at > tried[0].began for at, _ in requests_to(seen, phase.addresses, phase))
    if not later and called:
        return TraitVerdict(
            "families", "mixes-families", "note", "tries addresses of both families, and calls those that answer",
            None, evidence,
        )  # fmt: skip
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
