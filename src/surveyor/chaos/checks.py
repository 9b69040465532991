"""The steady state of an experiment in temporal words: within, always, never. All seconds are service seconds."""

from __future__ import annotations

from surveyor.checkers import check_of
from surveyor.history import Check

__all__ = [
    "ALWAYS",
    "BY_DNS",
    "agreed_at_rest",
    "all_kept_at_rest",
    "answered",
    "dead_are_not_called",
    "drained",
    "gone",
    "no_ghost",
    "no_resurrection",
    "revision_follows_membership",
    "ttl_is_kept",
    "visible",
]


def visible(*, within: float, view: str = "discover") -> Check:
    """A task that came to run is in the view within so many seconds."""
    return check_of("visible", within=within, view=view)


def gone(*, within: float, view: str = "discover") -> Check:
    """A task that began to leave is out of the view within so many seconds."""
    return check_of("gone", within=within, view=view)


def no_resurrection() -> Check:
    """Never is somebody back in a view after having been gone from it."""
    return check_of("no-resurrection")


def no_ghost(*, after: float) -> Check:
    """Never is somebody in a view later than so many seconds after having been a task of the service."""
    return check_of("no-ghost", after=after)


def all_kept_at_rest(*, settle: float = 60.0) -> Check:
    """Always, once nothing has happened for `settle` seconds, all running tasks are in all views."""
    return check_of("no-loss-at-rest", settle=settle)


def agreed_at_rest(*, settle: float = 60.0) -> Check:
    """Always, once nothing has happened for `settle` seconds, all views show the same."""
    return check_of("views-agree-at-rest", settle=settle)


def revision_follows_membership(*, settle: float = 60.0) -> Check:
    """Always does the revision rise with membership, and never by itself."""
    return check_of("revision-rises-with-membership", settle=settle)


def answered(*, always: float, over: float = 10.0) -> Check:
    """Always is that share of the calls in any `over` seconds answered with success."""
    return check_of("answered", at_least=always, over=over)


def dead_are_not_called(*, after: float) -> Check:
    """Never is a task's address called later than so many seconds after the task's end."""
    return check_of("no-traffic-to-the-dead", after=after)


def ttl_is_kept() -> Check:
    """Never does a call go by an answer that is older than its TTL."""
    return check_of("ttl-is-kept")


def drained(*, drain: float = 0.0) -> Check:
    """Always is answered what began before a task was asked to stop, or up to `drain` seconds after it."""
    return check_of("drained", drain=drain)


ALWAYS = (
    no_resurrection(),
    revision_follows_membership(),
    all_kept_at_rest(),
    agreed_at_rest(),
)
"""What holds in every experiment, whatever is done."""

BY_DNS = (*ALWAYS, ttl_is_kept())
"""And where callers find tasks by DNS."""
