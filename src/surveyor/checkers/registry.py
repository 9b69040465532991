"""List the checkers by name with the limits that each takes, and judge a history with its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor.checkers.calls import answered, drained, no_traffic_to_the_dead, ttl_is_kept
from surveyor.checkers.check_result import CheckResult
from surveyor.checkers.deployment import deployed
from surveyor.checkers.membership import gone, no_ghost, no_resurrection, visible
from surveyor.checkers.rest import no_loss_at_rest, views_agree_at_rest
from surveyor.checkers.revision import revision_rises_with_membership
from surveyor.history import Check, History, HistoryBroken
from surveyor.messages import nearest

__all__ = ["CHECKERS", "Checker", "judge", "make_check"]

SETTLE = 60.0
"""Service seconds after which the registry is settled: reporting a change of health takes about 30 s
(servicediscovery/HealthCheckCustomConfig), and a DNS change up to 60 s (route53/ChangeResourceRecordSets)."""


@dataclass(frozen=True)
class Checker:
    """A checker function and its limits with their defaults; None marks a limit that is required."""

    find: Callable[..., CheckResult]
    limits: Mapping[str, float | str | None] = field(default_factory=dict)


CHECKERS: Mapping[str, Checker] = {
    "visible": Checker(visible, {"within": None, "view": "discover"}),
    "gone": Checker(gone, {"within": None, "view": "discover"}),
    "no-resurrection": Checker(no_resurrection),
    "no-ghost": Checker(no_ghost, {"after": None}),
    "no-loss-at-rest": Checker(no_loss_at_rest, {"settle": SETTLE}),
    "revision-rises-with-membership": Checker(revision_rises_with_membership, {"settle": SETTLE}),
    "answered": Checker(answered, {"at_least": None, "over": None, "clients": ""}),
    "no-traffic-to-the-dead": Checker(no_traffic_to_the_dead, {"after": None}),
    "ttl-is-kept": Checker(ttl_is_kept),
    "drained": Checker(drained, {"drain": 0.0}),
    "deployed": Checker(deployed, {"within": None}),
    "views-agree-at-rest": Checker(views_agree_at_rest, {"settle": SETTLE}),
}


def make_check(name: str, **limits: float | str) -> Check:
    """Return a check with complete limits. Raises ValueError for an unknown checker and an unknown or missing limit."""
    checker = CHECKERS.get(name)
    if checker is None:
        raise ValueError(f"there is no checker {name!r}{nearest(name, CHECKERS)}")
    for limit in limits:
        if limit not in checker.limits:
            raise ValueError(f"{name} has no limit {limit!r}; it has {', '.join(checker.limits) or 'none'}")
    complete = {limit: limits.get(limit, default) for limit, default in checker.limits.items()}
    for limit, value in complete.items():
        expected: Any = str if isinstance(checker.limits[limit], str) else (int, float)
        if value is None or isinstance(value, bool) or not isinstance(value, expected):
            raise ValueError(f"{name} needs the limit {limit}, got {value!r}")
    return Check(name, {limit: value for limit, value in complete.items() if value not in (None, "")})


def judge(history: History) -> tuple[tuple[Check, CheckResult], ...]:
    """Return the result of each check in the header. Raises HistoryBroken for an unknown check."""
    results = []
    for check in history.header.checks:
        try:
            complete = make_check(check.name, **check.limits)
        except ValueError as error:
            raise HistoryBroken(f"line 1: {error}") from None
        results.append((complete, CHECKERS[check.name].find(history, **complete.limits)))
    return tuple(results)
