"""Internet gateways are created, attached, described, detached and deleted as documented."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from surveyor_emulator.aws.ec2.gateways import add_nat_gateway
from surveyor_emulator.aws.ec2.state import Ec2State, ec2_state
from surveyor_emulator.core.world import World
from tests.emulator.ec2.conftest import Ask


def make_vpc(ask: Ask, cidr: str = "10.0.0.0/16", **more: Any) -> str:
    """Create a VPC and return its id."""
    return str(ask("CreateVpc", CidrBlock=cidr, **more)["Vpc"]["VpcId"])


def make_gateway(ask: Ask, vpc: str | None = None) -> str:
    """Create an internet gateway, attach it if a VPC is given, and return its id."""
    gateway = str(ask("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"])
    if vpc is not None:
        assert ask("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc) == {}
    return gateway


def gateways(ask: Ask, **more: Any) -> list[dict[str, Any]]:
    """Return the gateways of DescribeInternetGateways."""
    return list(ask("DescribeInternetGateways", **more)["InternetGateways"])


def test_a_default_vpc_has_a_gateway(ask: Ask) -> None:
    """It is attached, and another default VPC gets another one."""
    (gateway,) = gateways(ask)
    (vpc,) = ask("DescribeVpcs")["Vpcs"]
    assert gateway["InternetGatewayId"].startswith("igw-0")
    assert gateway["Attachments"] == [{"State": "available", "VpcId": vpc["VpcId"]}]


def test_a_gateway_is_created_attached_detached_and_deleted(ask: Ask) -> None:
    """Each step is refused as long as the one before it is not done."""
    tags = [{"ResourceType": "internet-gateway", "Tags": [{"Key": "team", "Value": "a"}]}]
    created = ask("CreateInternetGateway", TagSpecifications=tags)["InternetGateway"]
    assert (created["Attachments"], created["Tags"]) == ([], [{"Key": "team", "Value": "a"}])
    gateway, vpc, other = {"InternetGatewayId": created["InternetGatewayId"]}, make_vpc(ask), make_vpc(ask)
    assert ask("DetachInternetGateway", **gateway, VpcId=vpc) == "Gateway.NotAttached"
    assert ask("AttachInternetGateway", **gateway, VpcId=vpc) == {}
    assert ask("AttachInternetGateway", **gateway, VpcId=vpc) == "Resource.AlreadyAssociated"
    assert ask("AttachInternetGateway", **gateway, VpcId=other) == "Resource.AlreadyAssociated"
    assert ask("DetachInternetGateway", **gateway, VpcId=other) == "Gateway.NotAttached"
    assert ask("DeleteInternetGateway", **gateway) == "DependencyViolation"
    assert ask("DeleteVpc", VpcId=vpc) == "DependencyViolation"
    assert ask("DetachInternetGateway", **gateway, VpcId=vpc) == {}
    assert ask("DeleteVpc", VpcId=vpc) == {}
    assert ask("DeleteInternetGateway", **gateway) == {}
    assert ask("DeleteInternetGateway", **gateway) == "InvalidInternetGatewayID.NotFound"
    assert ask("DescribeTags")["Tags"] == []


def test_a_vpc_has_one_gateway(ask: Ask) -> None:
    """A second one is refused, and so is a gateway or a VPC that does not exist."""
    vpc = make_vpc(ask)
    make_gateway(ask, vpc)
    second = make_gateway(ask)
    assert ask("AttachInternetGateway", InternetGatewayId=second, VpcId=vpc) == "InvalidParameterValue"
    assert ask("AttachInternetGateway", InternetGatewayId=second, VpcId="vpc-0") == "InvalidVpcID.NotFound"
    assert ask("AttachInternetGateway", InternetGatewayId="igw-0", VpcId=vpc) == "InvalidInternetGatewayID.NotFound"


def test_gateways_have_the_quota_of_vpcs(ask: Ask) -> None:
    """The gateway of the default VPC counts."""
    answers = [ask("CreateInternetGateway") for _ in range(5)]
    assert answers.pop() == "InternetGatewayLimitExceeded"
    assert all("InternetGateway" in answer for answer in answers)


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("attachment.vpc-id", "{vpc}", 1),
        ("attachment.state", "available", 2),
        ("internet-gateway-id", "{gateway}", 1),
        ("owner-id", "111111111111", 3),
        ("tag:team", "a", 1),
        ("tag-key", "nothing", 0),
    ],
)
def test_gateways_are_filtered(ask: Ask, name: str, value: str, count: int) -> None:
    """The documented filters; others are refused."""
    vpc = make_vpc(ask)
    gateway = make_gateway(ask, vpc)
    ask("CreateTags", Resources=[gateway], Tags=[{"Key": "team", "Value": "a"}])
    make_gateway(ask)
    filters = [{"Name": name, "Values": [value.format(vpc=vpc, gateway=gateway)]}]
    assert len(gateways(ask, Filters=filters)) == count
    assert ask("DescribeInternetGateways", Filters=[{"Name": "vpc-id", "Values": [vpc]}]) == "InvalidParameterValue"


def test_gateways_are_paged(ask: Ask) -> None:
    """Pages have MaxResults gateways until the last."""
    for _ in range(2):
        make_gateway(ask)
    page = ask("DescribeInternetGateways", MaxResults=2)
    rest = ask("DescribeInternetGateways", MaxResults=2, NextToken=page["NextToken"])
    assert (len(page["InternetGateways"]), len(rest["InternetGateways"]), rest["NextToken"]) == (2, 1, None)


def test_a_gateway_is_not_detached_while_there_are_public_addresses(ask: Ask) -> None:
    """Instances of subnets that map public addresses have one until they are terminated."""
    vpc = make_vpc(ask)
    gateway = {"InternetGatewayId": make_gateway(ask, vpc), "VpcId": vpc}
    subnet = ask("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]
    assert not subnet["MapPublicIpOnLaunch"]
    assert ask("ModifySubnetAttribute", SubnetId=subnet["SubnetId"]) == "UnsupportedOperation"
    ask("ModifySubnetAttribute", SubnetId=subnet["SubnetId"], MapPublicIpOnLaunch={"Value": True})
    (subnet,) = ask("DescribeSubnets", SubnetIds=[subnet["SubnetId"]])["Subnets"]
    assert subnet["MapPublicIpOnLaunch"]
    run = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet["SubnetId"]}
    instance = ask("RunInstances", **run)["Instances"][0]["InstanceId"]
    assert ask("DetachInternetGateway", **gateway) == "DependencyViolation"
    ask("TerminateInstances", InstanceIds=[instance])
    assert ask("DetachInternetGateway", **gateway) == {}


def test_default_subnets_map_public_addresses(ask: Ask) -> None:
    """As in every default VPC."""
    assert all(subnet["MapPublicIpOnLaunch"] for subnet in ask("DescribeSubnets")["Subnets"])


def test_nat_gateways_of_others_are_described(ask: Ask, world: World) -> None:
    """A NAT gateway has addresses, and keeps its subnet from being deleted."""
    assert ask("DescribeNatGateways") == {"NatGateways": [], "NextToken": None}
    state: Ec2State = ec2_state(world, "111111111111", "eu-west-1")
    subnet = next(iter(state.subnets.values()))
    nat = add_nat_gateway(state, subnet, world.clock.now(), Random(1))
    (described,) = ask("DescribeNatGateways", Filter=[{"Name": "vpc-id", "Values": [subnet.vpc]}])["NatGateways"]
    assert (described["NatGatewayId"], described["State"], described["SubnetId"]) == (nat.id, "available", subnet.id)
    assert described["NatGatewayAddresses"][0]["PublicIp"] == "203.0.113.1"
    assert ask("DescribeNatGateways", NatGatewayIds=["nat-0"]) == "NatGatewayNotFound"
    assert ask("DescribeNatGateways", Filter=[{"Name": "state", "Values": ["failed"]}])["NatGateways"] == []
    assert ask("DeleteSubnet", SubnetId=subnet.id) == "DependencyViolation"
