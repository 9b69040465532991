"""Instances have an id and an address, and are terminated as documented."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from surveyor_emulator.aws.ec2 import private_address
from surveyor_emulator.core.world import World

Ask = Callable[..., Any]
IMAGE = "ami-0123456789abcdef0"


def run(ask: Ask, **request: object) -> Any:
    """Call RunInstances, for one instance by default."""
    return ask("RunInstances", **{"ImageId": IMAGE, "MinCount": 1, "MaxCount": 1} | request)


def small_subnet(ask: Ask) -> str:
    """Create a subnet with eleven free addresses; return its id."""
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    return str(ask("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/28")["Subnet"]["SubnetId"])


def address(world: World, instance: str) -> str | None:
    """Return the address that Cloud Map reads for an instance."""
    return private_address(world, "111111111111", "eu-west-1", instance)


def test_an_instance_has_an_address_of_the_default_vpc(ask: Ask, world: World) -> None:
    """An instance has the first address of the default VPC that AWS does not reserve."""
    instance = run(ask)["Instances"][0]
    assert instance["PrivateIpAddress"] == "172.31.0.4" == address(world, instance["InstanceId"])
    assert instance["State"]["Name"] == "pending"
    described = ask("DescribeInstances", InstanceIds=[instance["InstanceId"]])["Reservations"][0]["Instances"][0]
    assert (described["State"]["Name"], described["PrivateDnsName"]) == (
        "running",
        "ip-172-31-0-4.eu-west-1.compute.internal",
    )


def test_a_terminated_instance_has_no_address_and_disappears(ask: Ask, world: World) -> None:
    """It stays visible for an hour; terminating it again is no error; its address is free at once."""
    identity = run(ask)["Instances"][0]["InstanceId"]
    ended = ask("TerminateInstances", InstanceIds=[identity])["TerminatingInstances"][0]
    assert (ended["PreviousState"]["Name"], ended["CurrentState"]["Name"]) == ("running", "shutting-down")
    again = ask("TerminateInstances", InstanceIds=[identity])["TerminatingInstances"][0]
    assert again["CurrentState"]["Name"] == "terminated"
    assert address(world, identity) is None
    assert run(ask)["Instances"][0]["PrivateIpAddress"] == "172.31.0.4"
    assert len(ask("DescribeInstances", InstanceIds=[identity])["Reservations"]) == 1
    asyncio.run(world.clock.advance(3_601))
    assert ask("DescribeInstances", InstanceIds=[identity]) == "InvalidInstanceID.NotFound"


def test_a_subnet_assigns_its_free_addresses(ask: Ask) -> None:
    """As many instances start as fit, each with an own address; the subnet cannot be deleted while they run."""
    subnet = small_subnet(ask)
    started = run(ask, SubnetId=subnet, MinCount=2, MaxCount=50)["Instances"]
    addresses = sorted(instance["PrivateIpAddress"] for instance in started)
    assert addresses == sorted(f"10.0.0.{last}" for last in range(4, 15))
    assert run(ask, SubnetId=subnet) == "InsufficientFreeAddressesInSubnet"
    assert ask("DeleteSubnet", SubnetId=subnet) == "DependencyViolation"
    ask("TerminateInstances", InstanceIds=[instance["InstanceId"] for instance in started])
    assert ask("DeleteSubnet", SubnetId=subnet) == {}


def test_an_address_can_be_requested(ask: Ask) -> None:
    """A requested address must be in the subnet, free, and not reserved by AWS."""
    subnet = small_subnet(ask)
    assert run(ask, SubnetId=subnet, PrivateIpAddress="10.0.0.9")["Instances"][0]["PrivateIpAddress"] == "10.0.0.9"
    assert run(ask, SubnetId=subnet, PrivateIpAddress="10.0.0.9") == "InvalidIPAddress.InUse"
    for unusable in ("10.0.0.3", "10.0.0.15", "10.0.1.9", "moon"):
        assert run(ask, SubnetId=subnet, PrivateIpAddress=unusable) == "InvalidParameterValue"
    assert run(ask, SubnetId=subnet, PrivateIpAddress="10.0.0.10", MaxCount=2) == "InvalidParameterCombination"


def test_a_client_token_runs_the_call_once(ask: Ask) -> None:
    """Repeating the request returns the same instances; another request with the token is rejected."""
    first = run(ask, ClientToken="t")
    again = run(ask, ClientToken="t")
    assert [instance["InstanceId"] for instance in again["Instances"]] == [
        instance["InstanceId"] for instance in first["Instances"]
    ]
    assert run(ask, ClientToken="t", MaxCount=2) == "IdempotentParameterMismatch"


def test_a_client_token_outlives_its_instances(ask: Ask, world: World) -> None:
    """The repeated answer has the reservation without instances; a day later the token is free."""
    first = run(ask, ClientToken="t")
    ask("TerminateInstances", InstanceIds=[first["Instances"][0]["InstanceId"]])
    asyncio.run(world.clock.advance(4_000))
    assert run(ask, ClientToken="t")["Instances"] == []
    asyncio.run(world.clock.advance(86_400))
    assert len(run(ask, ClientToken="t")["Instances"]) == 1


def test_rejects_invalid_requests(ask: Ask) -> None:
    """Each invalid request has EC2's error code."""
    assert run(ask, ImageId="") == "MissingParameter"
    assert run(ask, ImageId="moon") == "InvalidAMIID.Malformed"
    assert run(ask, MinCount=0) == "InvalidParameterValue"
    assert run(ask, MinCount=3, MaxCount=2) == "InvalidParameterValue"
    assert run(ask, MinCount=2_000, MaxCount=2_000) == "InstanceLimitExceeded"
    assert run(ask, SubnetId="subnet-0") == "InvalidSubnetID.NotFound"
    assert run(ask, Placement={"AvailabilityZone": "moon-1a"}) == "VPCIdNotSpecified"
    assert ask("TerminateInstances", InstanceIds=["i-0"]) == "InvalidInstanceID.NotFound"
