"""The resources that a policy must name for calls about gateways and routes (Service Authorization Reference)."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor_emulator.aws.ec2.handlers import HANDLERS
from surveyor_emulator.aws.ec2.permissions import permission_requests
from surveyor_emulator.core.world import Call, World
from surveyor_policies.model import UNKNOWN_RESOURCE
from tests.emulator.ec2.conftest import Ask

ARN = "arn:aws:ec2:eu-west-1:111111111111:"
IDS = {
    "AssociationId": "rtbassoc-1",
    "GroupId": "sg-1",
    "InstanceIds": ["i-1"],
    "InternetGatewayId": "igw-1",
    "Resources": ["vpc-1"],
    "RouteTableId": "rtb-1",
    "RouteTableIds": ["rtb-1"],
    "SubnetId": "subnet-1",
    "VpcEndpointIds": ["vpce-1"],
    "VpcId": "vpc-1",
}


def needed(world: World, operation: str, **params: Any) -> list[tuple[str, str]]:
    """Return action, "" for the operation's own, and resource of what must be allowed."""
    call = Call(world, "111111111111", "eu-west-1", "arn:aws:iam::111111111111:user/a", "ec2", operation)
    return [(request.action, request.resource.removeprefix(ARN)) for request in permission_requests(call, params)]


@pytest.mark.parametrize(
    ("operation", "resources"),
    [
        ("AssociateRouteTable", ["route-table/rtb-1", "subnet/subnet-1"]),
        ("AttachInternetGateway", ["internet-gateway/igw-1", "vpc/vpc-1"]),
        ("CreateInternetGateway", ["internet-gateway/*"]),
        ("CreateRoute", ["route-table/rtb-1"]),
        ("CreateRouteTable", ["route-table/*", "vpc/vpc-1"]),
        ("CreateVpcEndpoint", ["route-table/rtb-1", "vpc-endpoint/*", "vpc/vpc-1"]),
        ("DeleteVpcEndpoints", ["vpc-endpoint/vpce-1"]),
        ("DeleteInternetGateway", ["internet-gateway/igw-1"]),
        ("DeleteRoute", ["route-table/rtb-1"]),
        ("DeleteRouteTable", ["route-table/rtb-1"]),
        ("DescribeInternetGateways", ["*"]),
        ("DescribeNatGateways", ["*"]),
        ("DescribeRouteTables", ["*"]),
        ("DetachInternetGateway", ["internet-gateway/igw-1", "vpc/vpc-1"]),
        ("ModifySubnetAttribute", ["subnet/subnet-1"]),
        ("ReplaceRoute", ["route-table/rtb-1"]),
    ],
)
def test_calls_need_their_resources(world: World, operation: str, resources: list[str]) -> None:
    """Each resource of a call must be allowed."""
    assert sorted(needed(world, operation, **IDS)) == [("", resource) for resource in resources]


def test_an_association_is_about_its_table(ask: Ask, world: World) -> None:
    """The table of the association is the resource; of an unknown association it is unknown."""
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    (table,) = ask("DescribeRouteTables", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    association = table["Associations"][0]["RouteTableAssociationId"]
    wanted = [("", f"route-table/{table['RouteTableId']}")]
    assert needed(world, "DisassociateRouteTable", AssociationId=association) == wanted
    assert needed(world, "DisassociateRouteTable", AssociationId="rtbassoc-0") == [("", UNKNOWN_RESOURCE)]


def test_tags_at_creation_need_permission(world: World) -> None:
    """ec2:CreateTags on what is created."""
    tags = [{"ResourceType": "internet-gateway", "Tags": [{"Key": "a", "Value": "b"}]}]
    wanted = [("", "internet-gateway/*"), ("ec2:CreateTags", "internet-gateway/*")]
    assert needed(world, "CreateInternetGateway", TagSpecifications=tags) == wanted


@pytest.mark.parametrize("operation", sorted(set(HANDLERS) - {"DisassociateRouteTable"}))
def test_no_operation_is_forgotten(world: World, operation: str) -> None:
    """Every operation that is offered says what it is about."""
    assert UNKNOWN_RESOURCE not in [resource for _, resource in needed(world, operation, **IDS)]


@pytest.mark.parametrize(
    ("image", "parameters"),
    [
        ("ami-1", []),
        ("resolve:ssm:/aws/service/ami/x", ["arn:aws:ssm:eu-west-1::parameter/aws/service/ami/x"]),
        ("resolve:ssm:own:3", ["arn:aws:ssm:eu-west-1:111111111111:parameter/own"]),
    ],
)
def test_an_image_of_a_parameter_needs_to_read_it(world: World, image: str, parameters: list[str]) -> None:
    """ssm:GetParameters on the parameter: public ones are of no account."""
    found = needed(world, "RunInstances", ImageId=image)
    assert [resource for action, resource in found if action == "ssm:GetParameters"] == parameters
