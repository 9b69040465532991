"""VPCs and subnets are created, described and deleted as documented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.core.world import World

Ask = Callable[..., Any]


def default_vpc(ask: Ask) -> str:
    """Return the id of the default VPC."""
    found = ask("DescribeVpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    assert len(found) == 1
    return str(found[0]["VpcId"])


def test_every_region_starts_with_a_default_vpc(ask: Ask, world: World) -> None:
    """It is 172.31.0.0/16 with a /20 subnet in each zone, DNS support and host names on; each region has its own."""
    vpc = default_vpc(ask)
    there = vpcs_of(world, "111111111111", "eu-west-1")[vpc]
    assert (there.cidr, there.is_default, there.dns_support, there.dns_hostnames) == ("172.31.0.0/16", True, True, True)
    subnets = ask("DescribeSubnets", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    zones = ask("DescribeAvailabilityZones")["AvailabilityZones"]
    assert [subnet["AvailabilityZone"] for subnet in subnets] == [zone["ZoneName"] for zone in zones]
    assert {subnet["AvailableIpAddressCount"] for subnet in subnets} == {4091}
    assert vpc not in vpcs_of(world, "111111111111", "us-east-1")
    assert vpc not in vpcs_of(world, "222222222222", "eu-west-1")


def test_reading_a_region_changes_nothing_elsewhere(ask: Ask, world: World) -> None:
    """A default VPC does not use the random generator that everything else uses."""
    before = world.random.getstate()
    default_vpc(ask)
    assert world.random.getstate() == before


def test_a_vpc_is_created_described_and_deleted(ask: Ask) -> None:
    """CreateVpc returns state "pending"; host bits of the block are cleared."""
    created = ask("CreateVpc", CidrBlock="10.1.2.3/16")["Vpc"]
    assert (created["State"], created["CidrBlock"], created["IsDefault"]) == ("pending", "10.1.0.0/16", False)
    described = ask("DescribeVpcs", VpcIds=[created["VpcId"]])["Vpcs"]
    assert described == [created | {"State": "available"}]
    assert ask("DeleteVpc", VpcId=created["VpcId"]) == {}
    assert ask("DescribeVpcs", VpcIds=[created["VpcId"]]) == "InvalidVpcID.NotFound"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({}, "MissingParameter"),
        ({"CidrBlock": "10.0.0.0"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/x"}, "InvalidParameterValue"),
        ({"CidrBlock": "fd00::/16"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/15"}, "InvalidVpc.Range"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidVpc.Range"),
        ({"CidrBlock": "10.0.0.0/16", "Ipv6Pool": "pool"}, "UnsupportedOperation"),
        ({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "subnet"}]}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/16", "DryRun": True}, "DryRunOperation"),
    ],
)
def test_rejects_invalid_vpcs(ask: Ask, request_: dict[str, object], code: str) -> None:
    """Each invalid request has EC2's error code, and nothing is created."""
    assert ask("CreateVpc", **request_) == code
    assert len(ask("DescribeVpcs")["Vpcs"]) == 1


def test_a_region_has_at_most_five_vpcs(ask: Ask) -> None:
    """The default VPC counts."""
    answers = [ask("CreateVpc", CidrBlock="10.0.0.0/16") for _ in range(5)]
    assert answers.pop() == "VpcLimitExceeded"
    assert all("Vpc" in answer for answer in answers)


def test_a_vpc_with_subnets_cannot_be_deleted(ask: Ask) -> None:
    """The default VPC can be deleted after its subnets and its gateway, and created again once."""
    vpc = default_vpc(ask)
    assert ask("DeleteVpc", VpcId=vpc) == "DependencyViolation"
    assert ask("CreateDefaultVpc") == "DefaultVpcAlreadyExists"
    for subnet in ask("DescribeSubnets")["Subnets"]:
        assert ask("DeleteSubnet", SubnetId=subnet["SubnetId"]) == {}
    (gateway,) = ask("DescribeInternetGateways")["InternetGateways"]
    assert ask("DeleteVpc", VpcId=vpc) == "DependencyViolation"
    ask("DetachInternetGateway", InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    assert ask("DeleteVpc", VpcId=vpc) == {}
    assert ask("CreateDefaultVpc")["Vpc"]["VpcId"] == default_vpc(ask) != vpc


def test_attributes_are_read_and_changed_one_at_a_time(ask: Ask) -> None:
    """In a new VPC DNS support is on and host names are off, as CreateVpc's guide says."""
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def attribute(name: str, member: str) -> bool:
        value: bool = ask("DescribeVpcAttribute", VpcId=vpc, Attribute=name)[member]["Value"]
        return value

    assert attribute("enableDnsSupport", "EnableDnsSupport")
    assert not attribute("enableDnsHostnames", "EnableDnsHostnames")
    both = {"EnableDnsSupport": {"Value": True}, "EnableDnsHostnames": {"Value": True}}
    assert ask("ModifyVpcAttribute", VpcId=vpc, **both) == "InvalidParameterCombination"
    assert ask("ModifyVpcAttribute", VpcId=vpc) == "InvalidParameterCombination"
    assert ask("ModifyVpcAttribute", VpcId=vpc, EnableDnsSupport={}) == "MissingParameter"
    assert ask("ModifyVpcAttribute", VpcId=vpc, EnableDnsHostnames={"Value": True}) == {}
    assert attribute("enableDnsHostnames", "EnableDnsHostnames")


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.1.0/24", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
        ("10.0.2", "InvalidParameterValue"),
    ],
)
def test_rejects_invalid_subnets(ask: Ask, cidr: str, code: str) -> None:
    """A subnet must be inside the VPC, of an allowed size, and must not overlap another."""
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert ask("CreateSubnet", VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["AvailableIpAddressCount"] == 251
    assert ask("CreateSubnet", VpcId=vpc, CidrBlock=cidr) == code
    assert ask("CreateSubnet", VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="x") == "InvalidParameterValue"


def test_regions_are_those_of_every_account(ask: Ask) -> None:
    """DescribeRegions returns named regions or all; an unknown name is an error."""
    assert len(ask("DescribeRegions")["Regions"]) == 17
    assert [region["RegionName"] for region in ask("DescribeRegions", RegionNames=["eu-west-1"])["Regions"]] == [
        "eu-west-1"
    ]
    assert ask("DescribeRegions", RegionNames=["moon-1"]) == "InvalidParameterValue"


def test_a_vpc_with_a_group_cannot_be_deleted(ask: Ask) -> None:
    """Its default group goes with it."""
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert len(ask("DescribeSecurityGroups", Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]) == 1
    group = ask("CreateSecurityGroup", GroupName="web", Description="of the web", VpcId=vpc)["GroupId"]
    assert ask("DeleteVpc", VpcId=vpc) == "DependencyViolation"
    ask("DeleteSecurityGroup", GroupId=group)
    assert ask("DeleteVpc", VpcId=vpc) == {}


def test_an_account_may_have_no_default_vpc(ask: Ask, world: World) -> None:
    """With the setting, until CreateDefaultVpc makes one; what needs a subnet must name it."""
    world.settings = replace(world.settings, default_vpc="none")
    for operation, member in (
        ("DescribeVpcs", "Vpcs"),
        ("DescribeSubnets", "Subnets"),
        ("DescribeRouteTables", "RouteTables"),
        ("DescribeInternetGateways", "InternetGateways"),
        ("DescribeSecurityGroups", "SecurityGroups"),
    ):
        assert ask(operation)[member] == []
    assert ask("RunInstances", ImageId="ami-12345678", MinCount=1, MaxCount=1) == "VPCIdNotSpecified"
    vpc = ask("CreateDefaultVpc")["Vpc"]["VpcId"]
    assert default_vpc(ask) == vpc
    assert {subnet["VpcId"] for subnet in ask("DescribeSubnets")["Subnets"]} == {vpc}
    assert ask("CreateDefaultVpc") == "DefaultVpcAlreadyExists"


@pytest.mark.parametrize("kind", ["vpc", "subnet", "security-group", "internet-gateway", "route-table"])
def test_all_kinds_are_tagged_and_their_tags_described(ask: Ask, kind: str) -> None:
    """CreateTags, and DescribeTags with the kind of the resource."""
    vpc = default_vpc(ask)
    resource = {
        "vpc": vpc,
        "subnet": ask("DescribeSubnets")["Subnets"][0]["SubnetId"],
        "security-group": ask("CreateSecurityGroup", GroupName="a", Description="a")["GroupId"],
        "internet-gateway": ask("DescribeInternetGateways")["InternetGateways"][0]["InternetGatewayId"],
        "route-table": ask("DescribeRouteTables")["RouteTables"][0]["RouteTableId"],
    }[kind]
    assert ask("CreateTags", Resources=[resource], Tags=[{"Key": "team", "Value": "a"}]) == {}
    (tag,) = ask("DescribeTags")["Tags"]
    assert (tag["ResourceId"], tag["ResourceType"]) == (resource, kind)
    gone = resource.partition("-")[0] + "-0"
    assert ask("CreateTags", Resources=[gone], Tags=[{"Key": "team", "Value": "a"}]).endswith("NotFound")
