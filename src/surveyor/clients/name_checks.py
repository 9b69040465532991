"""Checks of how a client uses names: when it asks, how long it uses an answer, and what it does without one."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from surveyor.clients.course import Seen
from surveyor.clients.sightings import (
    ONE_LOOKUP,
    age_of,
    connections_of,
    lookups_of,
    moments_of,
    pace_of,
    reached_at,
    show_lookups,
)
from surveyor.clients.traffic import SeenConnection
from surveyor.clients.verdicts import (
    JUST_ASKED,
    PROMPT,
    SHOWS_ENOUGH,
    SLACK,
    TraitVerdict,
    unseen,
)

__all__ = ["judge_nxdomain", "judge_resolution"]


def judge_resolution(seen: Seen) -> TraitVerdict:
    """Judge when the client asks, and how long it uses an answer."""
    asked = moments_of(lookups_of(seen))
    calm = [seen.phases[name] for name in ("before", "closing", "dead-listed") if name in seen.phases]
    if not calm:
        return unseen("resolution", "the command ended before the first phase had")
    since, until = calm[0].began, calm[-1].ended
    begun = [connection.began for connection in connections_of(seen) if connection.began < until]
    own = [at for at in begun if age_of(at, asked) is not None]
    ages = [age for at in own if (age := age_of(at, asked)) is not None]
    in_calm = [at for at in asked if since <= at < until]
    apart = [later - earlier for earlier, later in pairwise(at for at in asked if at < until)]
    gaps = [gap for gap in apart if gap > ONE_LOOKUP] or apart  # some libraries ask twice for one call
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
    if not in_calm or (in_closing and _asks_at_once_after_errors_only(seen, asked)):
        return _asks_after_errors(seen, asked, evidence)
    usual = statistics.median(gaps) if gaps else lasting
    kept = max([age for age in ages if age > JUST_ASKED], default=usual)
    if not in_closing and usual <= seen.ttl + SLACK + pace_of(seen):
        return TraitVerdict(
            "resolution", "polls" if usual < seen.ttl - SLACK else "keeps-ttl", "good",
            f"asks every {usual:.0f} s (TTL {seen.ttl:.0f} s), whether or not it needs a connection", usual, evidence,
        )  # fmt: skip
    if not in_closing and all(at >= (closing or calm[0]).ended for at in asked[1:]):
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
    patience = PROMPT + pace_of(seen)
    served = sorted(at for item in connections_of(seen) for at in (item.opened, *item.requests) if at is not None)
    errors = sorted(at for times in _errors(seen).values() for at in times)
    stuck = [at for at in errors if not _is_followed(at, served, patience)]
    followed = [at for at in errors if _is_followed(at, asked, patience)]
    first = (stuck or followed or errors or [trouble.began])[0]
    wait = next((at - first for at in asked if at >= first), 0.0)
    found = [lookup[0].at for lookup in lookups_of(seen) if any(question.addresses for question in lookup)]
    gaps = [next(at for at in asked if at > one) - one for one in found if one < asked[-1]]
    # Only an error after which it neither asks nor reaches a task shows a least time between two questions.
    held_back = any(not _is_followed(at, asked, patience) for at in stuck)
    least = min(gaps, default=0.0) if held_back else 0.0
    slow = f", at most every {least:.0f} s" if least > PROMPT else ""
    return TraitVerdict(
        "resolution", "asks-after-errors", "problem" if max(wait, least) > PROMPT else "note",
        f"asks again only after an error{slow}: {wait:.1f} s after the first one", max(wait, least), evidence,
    )  # fmt: skip


def _asks_at_once_after_errors_only(seen: Seen, asked: Sequence[float]) -> bool:
    """Return whether a client did not ask while all tasks answered, and did as soon as one of its calls had failed.

    One whose answers happen to expire at that moment does so once, and not after its next errors.
    """
    errors = sorted(at for times in _errors(seen).values() for at in times)
    if not errors or any(at < errors[0] for at in asked[1:]):
        return False
    followed = sum(_is_followed(at, asked, PROMPT + pace_of(seen)) for at in errors)
    return followed >= SHOWS_ENOUGH * len(errors)


def _errors(seen: Seen) -> dict[str, list[float]]:
    """Return when connections to dead tasks were refused, or were lost that had been kept, while tasks die."""
    found: dict[str, list[float]] = {}
    since = seen.phases["dead-listed"].began if "dead-listed" in seen.phases else 0.0
    for name in ("dead-listed", "dead"):
        if phase := seen.phases.get(name):
            ends = (
                item.refused or (item.ended if _is_lost(item) else None)
                for item in connections_of(seen)
                if item.address in phase.dead
            )
            found[name] = sorted(at for at in ends if at is not None and since <= at < phase.ended)
            since = phase.ended
    return found


def _is_lost(connection: SeenConnection) -> bool:
    """Return whether a task ended a connection that the client had kept, and not right after its answer."""
    return connection.ended_by == "task" and (connection.ended or 0.0) - connection.began > JUST_ASKED


def _is_followed(at: float, moments: Sequence[float], within: float) -> bool:
    """Return whether one of several moments, which are sorted, is at most that long after another one."""
    number = bisect_left(moments, at)
    return number < len(moments) and moments[number] - at <= within


def _used_without_question(seen: Seen, asked: Sequence[float]) -> float:
    """Return the longest time after a question for which its answer was used, without another one in between."""
    return max((age for at in _uses(seen) if (age := age_of(at, asked)) is not None), default=0.0)


def _uses(seen: Seen) -> list[float]:
    return [connection.began for connection in connections_of(seen)]


def judge_nxdomain(seen: Seen) -> TraitVerdict:
    """Judge how long "no such name" is remembered."""
    gap, back = seen.phases.get("gap"), seen.phases.get("back")
    if gap is None or back is None:
        return unseen("nxdomain", "the command ended before the name was back")
    refused = [
        at[0] for at in lookups_of(seen) if at[0].code == "NXDOMAIN" and gap.began - SLACK <= at[0].at < back.ended
    ]
    if not refused:
        return unseen("nxdomain", "it never asked while the name did not exist")
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
    growing = len(waits) > 2 and longest > 2 * waits[0] and all(later > 0.9 * one for one, later in pairwise(waits))
    if growing:
        shown = ", ".join(f"{wait:.0f}" for wait in waits)
        return TraitVerdict(
            "nxdomain", "backs-off", "note" if reached and longest < seen.negative_ttl else "problem",
            f'waits longer each time after "no such name" ({shown} s); it {again}', longest, evidence,
        )  # fmt: skip
    return TraitVerdict(
        "nxdomain", "remembers-nxdomain", "note" if longest <= seen.ttl + SLACK + pace_of(seen) else "problem",
        f'remembers "no such name" for {longest:.0f} s; it {again}', longest, evidence,
    )  # fmt: skip
