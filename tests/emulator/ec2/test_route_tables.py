"""Route tables are created, associated, described and changed as documented, and decide what has a way out."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from surveyor_emulator.aws.ec2.gateways import add_nat_gateway
from surveyor_emulator.aws.ec2.route_tables import has_way_out
from surveyor_emulator.aws.ec2.state import ec2_state
from surveyor_emulator.core.world import World
from tests.emulator.ec2.conftest import Ask
from tests.emulator.ec2.test_gateways import make_gateway, make_vpc

ANYWHERE = {"DestinationCidrBlock": "0.0.0.0/0"}


def tables(ask: Ask, **filters: str) -> list[dict[str, Any]]:
    """Return the tables of DescribeRouteTables, by filters with _ for - and __ for a dot."""
    given = [{"Name": name.replace("__", ".").replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    return list(ask("DescribeRouteTables", Filters=given)["RouteTables"])


def table_of(ask: Ask, vpc: str) -> str:
    """Return the id of the main table of a VPC."""
    (table,) = tables(ask, vpc_id=vpc, association__main="true")
    return str(table["RouteTableId"])


def routes(ask: Ask, table: str) -> dict[str, tuple[str, str]]:
    """Return destination -> target and state."""
    (described,) = tables(ask, route_table_id=table)
    return {
        route.get("DestinationCidrBlock") or route["DestinationIpv6CidrBlock"]: (
            route.get("GatewayId") or route["NatGatewayId"],
            route["State"],
        )
        for route in described["Routes"]
    }


def make_subnet(ask: Ask, vpc: str, cidr: str = "10.0.1.0/24") -> str:
    """Create a subnet and return its id."""
    return str(ask("CreateSubnet", VpcId=vpc, CidrBlock=cidr)["Subnet"]["SubnetId"])


def test_a_default_vpc_routes_to_its_gateway(ask: Ask) -> None:
    """Its main table has the local route and the default route."""
    (table,) = tables(ask)
    (gateway,) = ask("DescribeInternetGateways")["InternetGateways"]
    assert table["Routes"] == [
        {
            "DestinationCidrBlock": "172.31.0.0/16",
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        },
        {
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": gateway["InternetGatewayId"],
            "Origin": "CreateRoute",
            "State": "active",
        },
    ]
    (association,) = table["Associations"]
    assert (association["Main"], "SubnetId" in association) == (True, False)


def test_tables_are_paged(ask: Ask) -> None:
    """Pages have MaxResults tables until the last."""
    vpc = make_vpc(ask)
    for _ in range(5):
        ask("CreateRouteTable", VpcId=vpc)
    page = ask("DescribeRouteTables", MaxResults=5)
    rest = ask("DescribeRouteTables", MaxResults=5, NextToken=page["NextToken"])
    assert (len(page["RouteTables"]), len(rest["RouteTables"]), rest["NextToken"]) == (5, 2, None)


def test_a_new_vpc_has_a_main_table_that_cannot_be_deleted(ask: Ask) -> None:
    """It routes within the VPC, by IPv6 too, and goes with it."""
    vpc = make_vpc(ask, AmazonProvidedIpv6CidrBlock=True)
    block = ask("DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    table = table_of(ask, vpc)
    assert routes(ask, table) == {"10.0.0.0/16": ("local", "active"), block: ("local", "active")}
    assert ask("DeleteRouteTable", RouteTableId=table) == "DependencyViolation"
    assert ask("DeleteRoute", RouteTableId=table, DestinationCidrBlock="10.0.0.0/16") == "InvalidParameterValue"
    (association,) = tables(ask, vpc_id=vpc)[0]["Associations"]
    refused = ask("DisassociateRouteTable", AssociationId=association["RouteTableAssociationId"])
    assert refused == "InvalidParameterValue"
    assert ask("DeleteVpc", VpcId=vpc) == {}
    assert ask("DescribeRouteTables", RouteTableIds=[table]) == "InvalidRouteTableID.NotFound"


def test_a_table_is_created_associated_and_deleted(ask: Ask) -> None:
    """A table is deleted after its associations, which go with their subnets, and a VPC after its tables."""
    vpc = make_vpc(ask)
    tags = [{"ResourceType": "route-table", "Tags": [{"Key": "team", "Value": "a"}]}]
    created = ask("CreateRouteTable", VpcId=vpc, TagSpecifications=tags, ClientToken="once")["RouteTable"]
    again = ask("CreateRouteTable", VpcId=vpc, TagSpecifications=tags, ClientToken="once")["RouteTable"]
    assert again == created
    assert ask("CreateRouteTable", VpcId=vpc, ClientToken="once") == "IdempotentParameterMismatch"
    assert created["Tags"] == [{"Key": "team", "Value": "a"}]
    table, subnets = created["RouteTableId"], [make_subnet(ask, vpc, f"10.0.{n}.0/24") for n in range(2)]
    associations = [ask("AssociateRouteTable", RouteTableId=table, SubnetId=subnet) for subnet in subnets]
    assert associations[0]["AssociationState"] == {"State": "associated"}
    (described,) = tables(ask, association__subnet_id=subnets[0])
    assert [entry["SubnetId"] for entry in described["Associations"]] == subnets
    assert ask("DeleteRouteTable", RouteTableId=table) == "DependencyViolation"
    assert ask("DisassociateRouteTable", AssociationId=associations[0]["AssociationId"]) == {}
    assert ask("DeleteSubnet", SubnetId=subnets[1]) == {}
    assert tables(ask, association__subnet_id=subnets[1]) == []
    ask("DeleteSubnet", SubnetId=subnets[0])
    assert ask("DeleteVpc", VpcId=vpc) == "DependencyViolation"
    assert ask("DeleteRouteTable", RouteTableId=table) == {}
    assert ask("DeleteVpc", VpcId=vpc) == {}


def test_rejects_associations(ask: Ask) -> None:
    """Of a subnet that has one, of another VPC's subnet, and of what does not exist."""
    vpc = make_vpc(ask)
    subnet, table = make_subnet(ask, vpc), ask("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    (elsewhere,) = tables(ask, route__state="active", association__main="true", vpc_id="vpc-*")[:1]
    other = elsewhere["RouteTableId"]
    assert ask("AssociateRouteTable", RouteTableId=other, SubnetId=subnet) == "InvalidParameterValue"
    assert ask("AssociateRouteTable", RouteTableId=table) == "MissingParameter"
    assert ask("AssociateRouteTable", RouteTableId=table, GatewayId="igw-0") == "UnsupportedOperation"
    assert ask("AssociateRouteTable", RouteTableId="rtb-0", SubnetId=subnet) == "InvalidRouteTableID.NotFound"
    assert ask("AssociateRouteTable", RouteTableId=table, SubnetId="subnet-0") == "InvalidSubnetID.NotFound"
    ask("AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
    main = table_of(ask, vpc)
    assert ask("AssociateRouteTable", RouteTableId=main, SubnetId=subnet) == "Resource.AlreadyAssociated"
    assert ask("DisassociateRouteTable", AssociationId="rtbassoc-0") == "InvalidAssociationID.NotFound"
    assert ask("CreateRouteTable", VpcId="vpc-0") == "InvalidVpcID.NotFound"


def test_routes_are_created_replaced_and_deleted(ask: Ask) -> None:
    """A route to a gateway that was detached leads nowhere."""
    vpc = make_vpc(ask)
    table, gateway = table_of(ask, vpc), make_gateway(ask, vpc)
    to_gateway = {"RouteTableId": table, "GatewayId": gateway}
    assert ask("CreateRoute", **to_gateway, DestinationCidrBlock="192.0.2.7/24") == {"Return": True}
    assert ask("CreateRoute", **to_gateway, DestinationIpv6CidrBlock="::/0") == {"Return": True}
    assert routes(ask, table)["192.0.2.0/24"] == routes(ask, table)["::/0"] == (gateway, "active")
    assert ask("CreateRoute", **to_gateway, DestinationCidrBlock="192.0.2.0/24") == "RouteAlreadyExists"
    assert ask("ReplaceRoute", **to_gateway, DestinationIpv6CidrBlock="::/0") == {}
    assert ask("ReplaceRoute", **to_gateway, **ANYWHERE) == "InvalidRoute.NotFound"
    ask("DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    ask("DeleteInternetGateway", InternetGatewayId=gateway)
    assert routes(ask, table)["::/0"] == (gateway, "blackhole")
    assert len(tables(ask, route__state="blackhole", route__gateway_id=gateway)) == 1
    assert ask("DeleteRoute", RouteTableId=table, DestinationIpv6CidrBlock="::/0") == {}
    assert ask("DeleteRoute", RouteTableId=table, DestinationIpv6CidrBlock="::/0") == "InvalidRoute.NotFound"
    assert list(routes(ask, table)) == ["10.0.0.0/16", "192.0.2.0/24"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "MissingParameter"),
        ({**ANYWHERE}, "MissingParameter"),
        ({**ANYWHERE, "GatewayId": "igw-0"}, "InvalidGatewayID.NotFound"),
        ({**ANYWHERE, "NatGatewayId": "nat-0"}, "InvalidNatGatewayID.NotFound"),
        ({**ANYWHERE, "GatewayId": "igw-0", "NatGatewayId": "nat-0"}, "InvalidParameterCombination"),
        ({**ANYWHERE, "GatewayId": "{unattached}"}, "InvalidParameterValue"),
        ({**ANYWHERE, "DestinationIpv6CidrBlock": "::/0", "GatewayId": "igw-0"}, "InvalidParameterCombination"),
        ({"DestinationCidrBlock": "0.0.0.0/33", "GatewayId": "igw-0"}, "InvalidParameterValue"),
        ({"DestinationCidrBlock": "::/0", "GatewayId": "igw-0"}, "InvalidParameterValue"),
        ({"DestinationPrefixListId": "pl-0", "GatewayId": "igw-0"}, "UnsupportedOperation"),
        ({**ANYWHERE, "InstanceId": "i-0"}, "UnsupportedOperation"),
        ({**ANYWHERE, "GatewayId": "igw-0", "RouteTableId": "rtb-0"}, "InvalidRouteTableID.NotFound"),
        ({**ANYWHERE, "GatewayId": "igw-0", "DryRun": True}, "DryRunOperation"),
    ],
)
def test_rejects_invalid_routes(ask: Ask, request_: dict[str, Any], code: str) -> None:
    """Each invalid request has EC2's error code, and the table stays as it was."""
    table, unattached = table_of(ask, make_vpc(ask)), make_gateway(ask)
    given = {name: unattached if value == "{unattached}" else value for name, value in request_.items()}
    assert ask("CreateRoute", **{"RouteTableId": table, **given}) == code
    assert list(routes(ask, table)) == ["10.0.0.0/16"]


def test_a_way_out_is_a_route_and_an_address(ask: Ask, world: World) -> None:
    """A gateway serves public addresses, a NAT gateway in a public subnet the others, and ::/0 IPv6-only subnets."""
    vpc = make_vpc(ask, AmazonProvidedIpv6CidrBlock=True)
    state = ec2_state(world, "111111111111", "eu-west-1")
    part = str(next(state.vpcs[vpc].ipv6.subnets(new_prefix=64)))  # type: ignore[union-attr]  # it has a block
    public, private = (state.subnets[make_subnet(ask, vpc, f"10.0.{n}.0/24")] for n in range(2))
    only = ask("CreateSubnet", VpcId=vpc, Ipv6Native=True, Ipv6CidrBlock=part)["Subnet"]["SubnetId"]

    def ways() -> list[bool]:
        return [
            has_way_out(state, public, has_public_ip=True),
            has_way_out(state, public, has_public_ip=False),
            has_way_out(state, private, has_public_ip=False),
            has_way_out(state, state.subnets[only], has_public_ip=False),
        ]

    assert ways() == [False, False, False, False]
    gateway, main = make_gateway(ask, vpc), table_of(ask, vpc)
    assert ways() == [False, False, False, False]
    ask("CreateRoute", RouteTableId=main, GatewayId=gateway, **ANYWHERE)
    assert ways() == [True, False, False, False]
    ask("CreateRoute", RouteTableId=main, GatewayId=gateway, DestinationIpv6CidrBlock="::/0")
    assert ways() == [True, False, False, True]
    nat = add_nat_gateway(state, public, world.clock.now(), Random(1))
    table = ask("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    ask("CreateRoute", RouteTableId=table, NatGatewayId=nat.id, **ANYWHERE)
    ask("AssociateRouteTable", RouteTableId=table, SubnetId=private.id)
    assert ways() == [True, False, True, True]
    ask("DetachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    assert ways() == [False, False, False, False]
