"""Changes propagate to the name servers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from surveyor_emulator.aws.route53.changes import MAX_CHANGES, submit_change
from surveyor_emulator.aws.route53.state import Route53State
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT = "111111111111"


def test_a_change_is_pending_until_it_has_propagated(
    world: World, route53: Callable[..., Any], zone: str, advance: Callable[[float], object]
) -> None:
    """GetChange returns PENDING at first, INSYNC after the maximum delay, and always the time of submission."""
    change = route53(
        "ChangeResourceRecordSets",
        HostedZoneId=zone,
        ChangeBatch={
            "Comment": "why",
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "a.example.net",
                        "Type": "A",
                        "TTL": 5,
                        "ResourceRecords": [{"Value": "192.0.2.1"}],
                    },
                }
            ],
        },
    )["ChangeInfo"]
    assert change["Id"].startswith("/change/")
    assert (change["Status"], change["Comment"], change["SubmittedAt"]) == ("PENDING", "why", world.clock.now())
    assert route53("GetChange", Id=change["Id"])["ChangeInfo"] == change
    advance(world.settings.dns_propagation.maximum)
    assert route53("GetChange", Id=change["Id"])["ChangeInfo"] == {**change, "Status": "INSYNC"}


def test_changes_of_a_zone_arrive_in_order(world: World, advance: Callable[[float], object]) -> None:
    """Whatever the delay of each change, no change arrives before an earlier one of its zone."""
    arrived: list[int] = []
    for number in range(50):
        submit_change(world, ACCOUNT, "Z1", partial(arrived.append, number))
    advance(world.settings.dns_propagation.maximum)
    assert arrived == list(range(50))


def test_unknown_changes_are_refused(route53: Callable[..., Any]) -> None:
    """An unknown id is NoSuchChange."""
    with pytest.raises(ServiceError, match="NoSuchChange"):
        route53("GetChange", Id="C1")


def test_old_changes_are_forgotten(world: World, advance: Callable[[float], object]) -> None:
    """The number of remembered changes is bounded."""
    for _ in range(MAX_CHANGES + 10):
        submit_change(world, ACCOUNT, "Z1", lambda: None)
    advance(60)
    state = world.in_account(Route53State, ACCOUNT)
    assert len(state.changes) == MAX_CHANGES
    assert not state.pending
