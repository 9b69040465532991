"""The checks of an experiment, which describe the steady state in temporal terms. All seconds are service seconds."""

from __future__ import annotations

from surveyor.checkers import make_check
from surveyor.history import Check

__all__ = [
    "ALWAYS",
    "BY_DNS",
    "answered",
    "drained",
    "gone",
    "no_ghost",
    "no_loss_at_rest",
    "no_resurrection",
    "no_traffic_to_the_dead",
    "revision_rises_with_membership",
    "ttl_is_kept",
    "views_agree_at_rest",
    "visible",
]


def visible(*, within: float, view: str = "discover") -> Check:
    """Check that a task is in the view within `within` seconds after it is RUNNING."""
    return make_check("visible", within=within, view=view)


def gone(*, within: float, view: str = "discover") -> Check:
    """Check that a task is out of the view within `within` seconds after it began to stop."""
    return make_check("gone", within=within, view=view)


def no_resurrection() -> Check:
    """Check that a task that left a view never reappears in it."""
    return make_check("no-resurrection")


def no_ghost(*, after: float) -> Check:
    """Check that no view contains an instance later than `after` seconds after it ceased to be a task."""
    return make_check("no-ghost", after=after)


def no_loss_at_rest(*, settle: float = 60.0) -> Check:
    """Check that all views contain all running tasks once nothing has happened for `settle` seconds."""
    return make_check("no-loss-at-rest", settle=settle)


def views_agree_at_rest(*, settle: float = 60.0) -> Check:
    """Check that all views have the same members once nothing has happened for `settle` seconds."""
    return make_check("views-agree-at-rest", settle=settle)


def revision_rises_with_membership(*, settle: float = 60.0) -> Check:
    """Check that the revision rises when members change, and only then."""
    return make_check("revision-rises-with-membership", settle=settle)


def answered(*, at_least: float, over: float = 10.0) -> Check:
    """Check that in any `over` seconds at least that share of the calls succeeds."""
    return make_check("answered", at_least=at_least, over=over)


def no_traffic_to_the_dead(*, after: float) -> Check:
    """Check that a task's address is not called later than `after` seconds after the task's end."""
    return make_check("no-traffic-to-the-dead", after=after)


def ttl_is_kept() -> Check:
    """Check that no call uses a DNS answer that is older than its TTL."""
    return make_check("ttl-is-kept")


def drained(*, drain: float = 0.0) -> Check:
    """Check that calls that began before SIGTERM, or within `drain` seconds after it, succeed."""
    return make_check("drained", drain=drain)


ALWAYS = (
    no_resurrection(),
    revision_rises_with_membership(),
    no_loss_at_rest(),
    views_agree_at_rest(),
)
"""The checks of every experiment, whatever its faults."""

BY_DNS = (*ALWAYS, ttl_is_kept())
"""The checks of every experiment whose callers resolve tasks by DNS."""
