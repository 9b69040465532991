"""Health check sources: why one cannot be created, and how many there may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.aws.ec2.interfaces import Interface, attach
from surveyor_emulator.aws.ec2.state import SecurityGroup, ec2_state
from surveyor_emulator.aws.ec2.zones import zone_id
from surveyor_emulator.aws.route53.health.prober import _is_in_vpc, _Round
from surveyor_emulator.aws.route53.health.sources import MAX_SOURCES
from surveyor_emulator.aws.route53.state import HealthCheckConfig
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

ACCOUNT, REGION = "111111111111", "us-east-1"


@pytest.fixture
def entries(world: World, vpc: str) -> list[dict[str, Any]]:
    """Return a SubnetConfiguration for each subnet of the default VPC, which are in three zones."""
    state = ec2_state(world, ACCOUNT, REGION)
    group = "sg-0000000000000000f"
    state.groups[group] = SecurityGroup(group, "checks", "Checks.", vpc)
    return [
        {"SubnetId": subnet.id, "AvailabilityZoneId": zone_id(subnet.zone), "SecurityGroupIdList": [group]}
        for subnet in state.subnets.values()
        if subnet.vpc == vpc
    ][:3]


@pytest.fixture
def make(route53: Callable[..., Any], vpc: str, entries: list[dict[str, Any]]) -> Callable[..., str]:
    """Return a function that creates a source, and returns its id; `first`: what differs in its first subnet."""

    def create(reference: str = "r", **first: Any) -> str:
        settings = {"VpcId": vpc, "SubnetConfigurationList": [{**entries[0], **first}, *entries[1:]]}
        made = route53("CreateHealthCheckSource", CallerReference=reference, HealthCheckSourceConfig=settings)
        return str(made["HealthCheckSourceId"])

    return create


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ({}, None),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "INVALID_SUBNET"),
        ({"AvailabilityZoneId": "use1-az6"}, "INVALID_SUBNET"),
        ({"SecurityGroupIdList": ["sg-0123456789abcdef0"]}, "INVALID_SECURITY_GROUP"),
    ],
)
def test_why_a_source_fails(
    route53: Callable[..., Any], make: Callable[..., str], advance: Callable[[float], object], first: Any, reason: Any
) -> None:
    """A source that cannot be created is CREATE_FAILED later, with the code of the reason."""
    source = make(**first)
    advance(120)
    found = route53("GetHealthCheckSource", HealthCheckSourceId=source)["HealthCheckSource"]
    assert found["HealthCheckSourceStatus"] == ("CREATE_FAILED" if reason else "CREATE_COMPLETED")
    assert found.get("StatusReasonCode") == reason


def test_how_many_sources_there_are(make: Callable[..., str]) -> None:
    """An account has five sources (Developer Guide, Health check sources)."""
    for number in range(MAX_SOURCES):
        make(str(number))
    with pytest.raises(ServiceError, match="TooManyHealthCheckSources"):
        make("more")


@pytest.mark.parametrize(
    ("account", "network", "expected"),
    [(ACCOUNT, None, True), (ACCOUNT, "vpc-0123456789abcdef0", False), ("222222222222", None, False)],
)
def test_what_a_check_reaches_in_a_sandbox(
    world: World, make: Callable[..., str], vpc: str, account: str, network: str | None, *, expected: bool
) -> None:
    """Two accounts may have VPCs of one network there: a task of another one that gets an address is not checked."""
    found = Interface("eni-1", account, REGION, network or vpc, "subnet-1", (), "172.31.0.9")
    attach(world, found)
    config = HealthCheckConfig(type="HTTP", source_id=make())
    checkers = _Round(world, ACCOUNT, "check", [], [])
    assert _is_in_vpc(checkers, config, "172.31.0.9") is expected
    assert not _is_in_vpc(checkers, config, "172.31.0.10")
