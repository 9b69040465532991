"""The checkers by name, with the limits that each takes, and all verdicts on a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor.checkers.calls import answered, drained, no_traffic_to_the_dead, ttl_is_kept
from surveyor.checkers.check_result import Finding
from surveyor.checkers.membership import gone, no_ghost, no_resurrection, visible
from surveyor.checkers.rest import no_loss_at_rest, views_agree_at_rest
from surveyor.checkers.revision import revision_rises_with_membership
from surveyor.history import Check, History, HistoryBroken
from surveyor.messages import nearest

__all__ = ["CHECKERS", "Checker", "check_of", "judge"]

SETTLE = 60.0
"""Service seconds: health takes about 30 s to be told (servicediscovery/HealthCheckCustomConfig), and DNS up to 60 s
(route53/ChangeResourceRecordSets)."""


@dataclass(frozen=True)
class Checker:
    """A checker and its limits, None for one that has to be given."""

    find: Callable[..., Finding]
    limits: Mapping[str, float | str | None] = field(default_factory=dict)


CHECKERS: Mapping[str, Checker] = {
    "visible": Checker(visible, {"within": None, "view": "discover"}),
    "gone": Checker(gone, {"within": None, "view": "discover"}),
    "no-resurrection": Checker(no_resurrection),
    "no-ghost": Checker(no_ghost, {"after": None}),
    "no-loss-at-rest": Checker(no_loss_at_rest, {"settle": SETTLE}),
    "revision-rises-with-membership": Checker(revision_rises_with_membership, {"settle": SETTLE}),
    "answered": Checker(answered, {"at_least": None, "over": None}),
    "no-traffic-to-the-dead": Checker(no_traffic_to_the_dead, {"after": None}),
    "ttl-is-kept": Checker(ttl_is_kept),
    "drained": Checker(drained, {"drain": 0.0}),
    "views-agree-at-rest": Checker(views_agree_at_rest, {"settle": SETTLE}),
}


def check_of(name: str, **limits: float | str) -> Check:
    """A check by the checker's name, its limits complete. Raises ValueError for an unknown name or limit."""
    checker = CHECKERS.get(name)
    if checker is None:
        raise ValueError(f"there is no checker {name!r}{nearest(name, CHECKERS)}")
    for limit in limits:
        if limit not in checker.limits:
            raise ValueError(f"{name} has no limit {limit!r}; it has {', '.join(checker.limits) or 'none'}")
    whole = {limit: limits.get(limit, default) for limit, default in checker.limits.items()}
    for limit, value in whole.items():
        wanted: Any = str if isinstance(checker.limits[limit], str) else (int, float)
        if value is None or isinstance(value, bool) or not isinstance(value, wanted):
            raise ValueError(f"{name} needs the limit {limit}, came {value!r}")
    return Check(name, {limit: value for limit, value in whole.items() if value is not None})


def judge(history: History) -> tuple[tuple[Check, Finding], ...]:
    """What the header's checks say. Raises HistoryBroken for a check that is not known."""
    found = []
    for check in history.header.checks:
        try:
            whole = check_of(check.name, **check.limits)
        except ValueError as wrong:
            raise HistoryBroken(f"line 1: {wrong}") from None
        found.append((whole, CHECKERS[check.name].find(history, **whole.limits)))
    return tuple(found)
