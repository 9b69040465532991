"""Check that the revision of DiscoverInstances rises with membership, and only then.

Source: servicediscovery/DiscoverInstancesRevision.
"""

from __future__ import annotations

from itertools import pairwise

from surveyor.checkers.check_result import CheckResult, combine, failed, passed
from surveyor.checkers.rest import rest_periods
from surveyor.checkers.sightings import snapshots_by_observer, view_of
from surveyor.history import History, ViewSnapshot
from surveyor.observations import Interval

__all__ = ["revision_rises_with_membership"]


def revision_rises_with_membership(history: History, *, settle: float) -> CheckResult:
    """Check that the revision never falls, rises when members differ, and is constant while nothing happens."""
    periods = rest_periods(history, settle)
    cases = [
        _compare(first, second, periods, is_filtered=view_of(history, first).healthy)
        for _, snapshots in snapshots_by_observer(history)
        for first, second in pairwise([snapshot for snapshot in snapshots if snapshot.revision])
    ]
    return combine(cases, "no view returned a revision twice", "the revision followed the members: {} times")


def _compare(first: ViewSnapshot, second: ViewSnapshot, periods: list[Interval], *, is_filtered: bool) -> CheckResult:
    when = f"from {first.begin:.1f} to {second.begin:.1f} s"
    change = f"the revision went from {first.revision} to {second.revision} {when}"
    if second.revision < first.revision:
        return failed(change, first.end_event, second.end_event)
    differ = first.members.keys() != second.members.keys()
    if differ and second.revision == first.revision and not is_filtered:  # health alone changes a filtered list
        return failed(
            f"members changed and the revision stayed {first.revision} {when}", first.end_event, second.end_event
        )
    at_rest = any(period.low <= first.begin and second.end <= period.high for period in periods)
    if second.revision > first.revision and not differ and at_rest:
        return failed(f"{change}, with the same members and nothing happening", first.end_event, second.end_event)
    return passed("")
