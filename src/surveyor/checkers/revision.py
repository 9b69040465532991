"""DiscoverInstances's revision rises with membership, and only then (servicediscovery/DiscoverInstancesRevision)."""

from __future__ import annotations

from itertools import pairwise

from surveyor.checkers.check_result import Finding, combined, failed, passed
from surveyor.checkers.rest import rests_of
from surveyor.checkers.sightings import looks_by_observer, view_of
from surveyor.history import History, Look
from surveyor.history.observations import Interval

__all__ = ["revision_rises_with_membership"]


def revision_rises_with_membership(history: History, *, settle: float) -> Finding:
    """It never falls, rises when members differ, and stays while nothing happens."""
    rests = rests_of(history, settle)
    cases = [
        _between(one, other, rests, is_filtered=view_of(history, one).healthy)
        for _, looks in looks_by_observer(history)
        for one, other in pairwise([look for look in looks if look.revision])
    ]
    return combined(cases, "no view told a revision twice", "it went with the members: {} times")


def _between(one: Look, other: Look, rests: list[Interval], *, is_filtered: bool) -> Finding:
    when = f"from {one.begin:.1f} to {other.begin:.1f} s"
    rose = f"the revision went from {one.revision} to {other.revision} {when}"
    if other.revision < one.revision:
        return failed(rose, one.ended, other.ended)
    differ = one.members.keys() != other.members.keys()
    if differ and other.revision == one.revision and not is_filtered:  # health changes a filtered list by itself
        return failed(f"members changed and the revision stayed {one.revision} {when}", one.ended, other.ended)
    at_rest = any(rest.low <= one.begin and other.end <= rest.high for rest in rests)
    if other.revision > one.revision and not differ and at_rest:
        return failed(f"{rose}, with the same members and nothing happening", one.ended, other.ended)
    return passed("")
