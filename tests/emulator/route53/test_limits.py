"""GetAccountLimit and GetHostedZoneLimit return limits and usage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT_LIMITS = (
    "MAX_HEALTH_CHECKS_BY_OWNER",
    "MAX_HEALTH_CHECK_SOURCES_BY_OWNER",
    "MAX_HOSTED_ZONES_BY_OWNER",
    "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER",
    "MAX_TRAFFIC_POLICIES_BY_OWNER",
    "MAX_TRAFFIC_POLICY_INSTANCES_BY_OWNER",
)


@pytest.mark.parametrize("kind", ACCOUNT_LIMITS)
@pytest.mark.usefixtures("zone")
def test_account_limits_have_a_usage(world: World, route53: Callable[..., Any], kind: str) -> None:
    """Every type in the model has a value, and zones count towards the usage."""
    found = route53("GetAccountLimit", Type=kind)
    assert found["Limit"]["Type"] == kind
    assert found["Count"] == (1 if kind == "MAX_HOSTED_ZONES_BY_OWNER" else 0)
    if kind == "MAX_HOSTED_ZONES_BY_OWNER":
        assert found["Limit"]["Value"] == world.settings.quotas.hosted_zones


def test_zone_limits_have_a_usage(world: World, route53: Callable[..., Any], zone: str, private_zone: str) -> None:
    """Every zone has a limit of records, private zones also of VPCs."""
    records = route53("GetHostedZoneLimit", HostedZoneId=zone, Type="MAX_RRSETS_BY_ZONE")
    assert (records["Count"], records["Limit"]["Value"]) == (2, world.settings.quotas.records_per_zone)
    found = route53("GetHostedZoneLimit", HostedZoneId=private_zone, Type="MAX_VPCS_ASSOCIATED_BY_ZONE")
    assert (found["Count"], found["Limit"]["Value"]) == (1, 300)
    with pytest.raises(ServiceError, match="HostedZoneNotPrivate"):
        route53("GetHostedZoneLimit", HostedZoneId=zone, Type="MAX_VPCS_ASSOCIATED_BY_ZONE")
