"""Judge a client by what was seen of it: pure functions from the traffic of a course to verdicts with evidence."""

from __future__ import annotations

from collections.abc import Callable

from surveyor.clients.call_checks import (
    judge_connections,
    judge_dead,
    judge_drain,
    judge_families,
    judge_spread,
    judge_walk,
)
from surveyor.clients.course import PHASES, SRV_PREFIX, Seen
from surveyor.clients.name_checks import judge_nxdomain, judge_resolution
from surveyor.clients.sightings import connections_of, lookups_of, show_connections, show_lookups
from surveyor.clients.verdicts import ENOUGH, TraitVerdict

__all__ = ["CHECKS", "judge"]


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


CHECKS: dict[str, Callable[[Seen], TraitVerdict]] = {
    "resolution": judge_resolution,
    "connections": judge_connections,
    "spread": judge_spread,
    "walk": judge_walk,
    "dead": judge_dead,
    "nxdomain": judge_nxdomain,
    "drain": judge_drain,
    "families": judge_families,
}
"""What is judged, in the order in which it is shown."""


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
    if asked and not any(question.kind in ("A", "AAAA") for question in asked):
        kinds = ", ".join(sorted({question.kind for question in asked}))
        sentence = f"asked for the type {kinds} only, and called no task; {SRV_PREFIX}.{seen.name} has SRV records"
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
