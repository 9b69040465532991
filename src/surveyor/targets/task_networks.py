"""Networks of tasks: which subnets are public, by their route tables, and how a VPC gets a way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.response import member

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

__all__ = ["gateway_of", "is_public", "open_network", "route_tables_of", "when_visible"]

_ANYWHERE = "0.0.0.0/0"


def route_tables_of(ec2: EC2Client, vpcs: Collection[str]) -> list[dict[str, Any]]:
    """Return the route tables of VPCs."""
    pages = ec2.get_paginator("describe_route_tables").paginate(Filters=[{"Name": "vpc-id", "Values": sorted(vpcs)}])
    return [dict(table) for page in pages for table in member(page, "RouteTables", of="DescribeRouteTables")]


def is_public(subnet: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the default route of a subnet leads to an internet gateway; IPv6-only subnets need none."""
    own = [table for table in tables if _is_associated(table, "SubnetId", subnet["SubnetId"])]
    main = [table for table in tables if table["VpcId"] == subnet["VpcId"] and _is_associated(table, "Main", True)]
    return not subnet.get("Ipv6Native") and any(
        route.get("DestinationCidrBlock") == _ANYWHERE and str(route.get("GatewayId")).startswith("igw-")
        for table in (own or main)
        for route in table["Routes"]
    )


def _is_associated(table: Mapping[str, Any], key: str, value: object) -> bool:
    return any(association.get(key) == value for association in table.get("Associations") or ())


def gateway_of(ec2: EC2Client, clock: Clock, vpc: str) -> str:
    """Return the internet gateway of a VPC that several tests use; it is created, with its routes, if there is none.

    The caller holds the lock of the run on this gateway.
    """
    attached: Any = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    found = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    return str(found[0]["InternetGatewayId"]) if found else open_network(ec2, clock, vpc)


def open_network(ec2: EC2Client, clock: Clock, vpc: str) -> str:
    """Create an internet gateway of a VPC and the routes to it, with IPv6 if the VPC has it; return its id."""
    of_vpc: Any = {"Name": "vpc-id", "Values": [vpc]}
    main: Any = [of_vpc, {"Name": "association.main", "Values": ["true"]}]
    response = ec2.create_internet_gateway()
    gateway = str(member(response, "InternetGateway", "InternetGatewayId", of="CreateInternetGateway"))
    when_visible(clock, lambda: ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc))
    [table] = when_visible(clock, lambda: ec2.describe_route_tables(Filters=main)["RouteTables"])
    [described] = when_visible(clock, lambda: ec2.describe_vpcs(Filters=[of_vpc])["Vpcs"])
    destinations: list[Any] = [{"DestinationCidrBlock": _ANYWHERE}]
    if described.get("Ipv6CidrBlockAssociationSet"):
        destinations.append({"DestinationIpv6CidrBlock": "::/0"})
    for destination in destinations:
        route = {"RouteTableId": table["RouteTableId"], "GatewayId": gateway, **destination}
        when_visible(clock, partial(ec2.create_route, **route))
    return gateway


def when_visible(clock: Clock, call: Callable[[], Any]) -> Any:
    """Return the answer of a call, once EC2 finds what was created just before: that may take a moment."""

    def answer() -> Any:
        try:
            return call()
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise
            return None

    return clock.eventually(answer, within=timeouts.OPERATION)
