"""An experiment with a service of others expects what that service's own settings allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from surveyor.chaos import BY_DNS, ServiceSetup, gone, no_ghost, no_traffic_to_the_dead
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.service_timing import ServiceTiming, fit_experiment, read_timing
from tests.chaos.counted_service import THEIRS
from tests.chaos.test_parts import SERVICE

EXPERIMENT = Experiment(
    "kill", "Kill.", ServiceSetup(ttl=20),
    (gone(within=15), no_ghost(after=15), no_traffic_to_the_dead(after=35), *BY_DNS), (),
)  # fmt: skip
SLOW = replace(THEIRS, ttl=60.0, count=7, stop_timeout=120.0, deregistration_delay=300.0, grace=60.0)


class Ecs:
    """An ECS whose tasks took these seconds to start; None: not started yet."""

    def __init__(self, *starts: float | None) -> None:
        self.starts = starts

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        """List the tasks."""
        return {"taskArns": [str(number) for number in range(len(self.starts))]}

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        """Describe the tasks."""
        created = datetime(2026, 1, 1, tzinfo=UTC)
        known = [{} if one is None else {"startedAt": created + timedelta(seconds=one)} for one in self.starts]
        return {"tasks": [{"createdAt": created, **one} for one in known]}


@pytest.mark.parametrize(
    ("service", "starts", "expected"),
    [
        (SERVICE, (90.0,), ServiceTiming()),
        (THEIRS, (), ServiceTiming()),
        (THEIRS, (12.0, None), ServiceTiming(12.0)),
        (SLOW, (30.0, 90.0), ServiceTiming(90.0, 40.0, 840.0)),
        (replace(SLOW, ttl=5.0), (), ServiceTiming(0.0, 0.0, 660.0)),
    ],
)
def test_the_timing_is_that_of_the_service(service: Any, starts: Any, expected: ServiceTiming) -> None:
    """A slow start, a long drain and a long TTL each give an experiment more time; never less than usual."""
    assert read_timing(lambda _: Ecs(*starts), service, EXPERIMENT, in_account=False) == expected


def test_callers_by_api_know_no_ttl() -> None:
    """The TTL of the records is nothing to callers that use DiscoverInstances."""
    by_api = replace(EXPERIMENT, setup=ServiceSetup(ttl=20, resolve_by="api"))
    assert read_timing(lambda _: Ecs(), SLOW, by_api, in_account=False).more_ttl == 0


def test_limits_of_checks_grow_with_the_ttl() -> None:
    """Clients may call a dead task for the TTL of the service, not for that of the experiment's file."""
    fitted = fit_experiment(EXPERIMENT, SLOW, ServiceTiming(more_ttl=40.0))
    limits = {check.name: check.limits for check in fitted.checks}
    assert limits["no-traffic-to-the-dead"]["after"] == 75
    assert limits["no-ghost"]["after"] == 95
    assert limits["gone"]["within"] == 15
    assert (fitted.setup.ttl, fitted.setup.count, fitted.setup.stop_timeout) == (60, 7, 120)
    assert fit_experiment(EXPERIMENT, SERVICE, ServiceTiming()) == EXPERIMENT


@pytest.mark.parametrize("service", [SERVICE, SLOW])
def test_name_servers_of_an_account_have_a_minute(service: Any) -> None:
    """No experiment blames Route 53 for an answer that is as old as its documents allow."""
    at_once, later = (
        read_timing(lambda _: Ecs(), service, EXPERIMENT, in_account=is_account) for is_account in (False, True)
    )
    before, after = (
        {check.name: check.limits for check in fit_experiment(EXPERIMENT, service, timing).checks}
        for timing in (at_once, later)
    )
    for name in ("no-ghost", "no-traffic-to-the-dead"):
        assert after[name]["after"] == float(before[name]["after"]) + 60
    assert after["gone"] == before["gone"]


@pytest.mark.parametrize(
    ("deployment", "seconds"),
    [
        ({}, 0),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 3}}, 180),
        ({"linearConfiguration": {"stepPercent": 30.0, "stepBakeTimeInMinutes": 2}, "bakeTimeInMinutes": 1}, 420),
    ],
)
def test_a_service_may_take_as_long_as_its_shifts(deployment: dict[str, Any], seconds: float) -> None:
    """A service created for an experiment must be steady later by the waits between its shifts, and the bake time."""
    made = Experiment("made", "It is made up.", ServiceSetup(deployment=deployment), (), ())
    service = replace(THEIRS, temporary=True)
    without = read_timing(lambda name: None, service, replace(made, setup=ServiceSetup()), in_account=False)
    assert read_timing(lambda name: None, service, made, in_account=False).recovery == without.recovery + seconds
