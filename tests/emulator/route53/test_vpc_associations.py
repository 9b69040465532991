"""Private zones can be associated with VPCs, also of other accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53.published_zones import published_zones
from surveyor_emulator.aws.route53.state import VpcKey
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

REGION = "us-east-1"
OTHER = "222222222222"


def shape(vpc: str) -> dict[str, str]:
    """Return the request shape of a VPC in us-east-1."""
    return {"VPCRegion": REGION, "VPCId": vpc}


@pytest.fixture
def foreign_vpc(world: World) -> str:
    """Return the default VPC of another account."""
    return next(iter(vpcs_of(world, OTHER, REGION)))


def test_a_second_vpc_sees_the_zone_after_propagation(
    world: World,
    route53: Callable[..., Any],
    private_zone: str,
    vpc: str,
    second_vpc: str,
    advance: Callable[[float], object],
) -> None:
    """GetHostedZone shows an association or its removal immediately, answers when the change is INSYNC."""
    key = VpcKey(second_vpc, REGION)
    change = route53("AssociateVPCWithHostedZone", HostedZoneId=private_zone, VPC=shape(second_vpc), Comment="c")
    assert (change["ChangeInfo"]["Status"], change["ChangeInfo"]["Comment"]) == ("PENDING", "c")
    assert route53("GetHostedZone", Id=private_zone)["VPCs"] == [shape(vpc), shape(second_vpc)]
    assert not published_zones(world).private(key)
    advance(60)
    assert list(published_zones(world).private(key)) == ["example.internal."]
    route53("DisassociateVPCFromHostedZone", HostedZoneId=private_zone, VPC=shape(second_vpc))
    assert route53("GetHostedZone", Id=private_zone)["VPCs"] == [shape(vpc)]
    advance(60)
    assert not published_zones(world).private(key)


def test_the_last_vpc_stays(route53: Callable[..., Any], private_zone: str, vpc: str, second_vpc: str) -> None:
    """Removing the last VPC is LastVPCAssociation; an unassociated VPC is VPCAssociationNotFound."""
    with pytest.raises(ServiceError, match="LastVPCAssociation"):
        route53("DisassociateVPCFromHostedZone", HostedZoneId=private_zone, VPC=shape(vpc))
    with pytest.raises(ServiceError, match="VPCAssociationNotFound"):
        route53("DisassociateVPCFromHostedZone", HostedZoneId=private_zone, VPC=shape(second_vpc))


def test_vpcs_that_cannot_be_associated(
    route53: Callable[..., Any], zone: str, private_zone: str, vpc: str, second_vpc: str
) -> None:
    """A public zone, an unknown VPC, and a VPC with a zone of the same name are refused."""
    with pytest.raises(ServiceError, match="PublicZoneVPCAssociation"):
        route53("AssociateVPCWithHostedZone", HostedZoneId=zone, VPC=shape(vpc))
    with pytest.raises(ServiceError, match="InvalidVPCId"):
        route53("AssociateVPCWithHostedZone", HostedZoneId=private_zone, VPC=shape("vpc-0"))
    with pytest.raises(ServiceError, match="NoSuchHostedZone"):
        route53("AssociateVPCWithHostedZone", HostedZoneId="Z1", VPC=shape(vpc))
    route53("CreateHostedZone", Name="example.internal", CallerReference="other", VPC=shape(second_vpc))
    with pytest.raises(ServiceError, match="ConflictingDomainExists"):
        route53("AssociateVPCWithHostedZone", HostedZoneId=private_zone, VPC=shape(second_vpc))


def test_a_vpc_of_another_account_needs_authorization(
    route53: Callable[..., Any], private_zone: str, foreign_vpc: str
) -> None:
    """The zone's account authorizes, then the VPC's account associates; either may disassociate."""
    request = {"HostedZoneId": private_zone, "VPC": shape(foreign_vpc)}
    with pytest.raises(ServiceError, match="NotAuthorizedException"):
        route53("AssociateVPCWithHostedZone", account=OTHER, **request)
    authorized = route53("CreateVPCAssociationAuthorization", **request)
    assert (authorized["VPC"], private_zone.endswith(authorized["HostedZoneId"])) == (shape(foreign_vpc), True)
    assert route53("ListVPCAssociationAuthorizations", HostedZoneId=private_zone)["VPCs"] == [shape(foreign_vpc)]
    route53("AssociateVPCWithHostedZone", account=OTHER, **request)
    summaries = route53("ListHostedZonesByVPC", account=OTHER, VPCId=foreign_vpc, VPCRegion=REGION)
    assert summaries["HostedZoneSummaries"] == [
        {
            "HostedZoneId": private_zone.removeprefix("/hostedzone/"),
            "Name": "example.internal.",
            "Owner": {"OwningAccount": "111111111111"},
        }
    ]
    route53("DeleteVPCAssociationAuthorization", **request)
    assert len(route53("GetHostedZone", Id=private_zone)["VPCs"]) == 2
    with pytest.raises(ServiceError, match="VPCAssociationAuthorizationNotFound"):
        route53("DeleteVPCAssociationAuthorization", **request)
    route53("DisassociateVPCFromHostedZone", account=OTHER, **request)
    assert len(route53("GetHostedZone", Id=private_zone)["VPCs"]) == 1


def test_zones_of_a_vpc_are_listed_page_by_page(route53: Callable[..., Any], vpc: str) -> None:
    """Every zone is listed once; a foreign token is InvalidPaginationToken."""
    for name in ("a.internal", "b.internal", "c.internal"):
        route53("CreateHostedZone", Name=name, CallerReference=name, VPC=shape(vpc))
    first = route53("ListHostedZonesByVPC", VPCId=vpc, VPCRegion=REGION, MaxItems="2")
    rest = route53("ListHostedZonesByVPC", VPCId=vpc, VPCRegion=REGION, MaxItems="2", NextToken=first["NextToken"])
    seen = [row["Name"] for page in (first, rest) for row in page["HostedZoneSummaries"]]
    assert sorted(seen) == ["a.internal.", "b.internal.", "c.internal."]
    assert "NextToken" not in rest
    for token in ("x", "ZnJvbTp4", "LTE="):
        with pytest.raises(ServiceError, match="InvalidPaginationToken"):
            route53("ListHostedZonesByVPC", VPCId=vpc, VPCRegion=REGION, NextToken=token)


def test_authorizations_need_a_private_zone_and_a_vpc(
    route53: Callable[..., Any], zone: str, private_zone: str
) -> None:
    """A public zone and an invalid VPC id are refused."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("CreateVPCAssociationAuthorization", HostedZoneId=zone, VPC=shape("vpc-12345678"))
    with pytest.raises(ServiceError, match="InvalidVPCId"):
        route53("CreateVPCAssociationAuthorization", HostedZoneId=private_zone, VPC=shape("mine"))
