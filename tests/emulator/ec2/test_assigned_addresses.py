"""Addresses of tasks in a sandbox: free ones of their subnet, each once, the one that was unused for longest first."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from surveyor_emulator.aws.ec2.assigned_addresses import assign_address, claim_address, release_address
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.runtime.task_runtime import runtime
from surveyor_emulator.runtime.tasks.addresses import LOCK_PORT, TASKS, Addresses, Exhausted
from tests.emulator.ec2.conftest import Ask

REGION = "eu-west-1"


@pytest.fixture
def call(world: World) -> Iterator[Call]:
    """Return a call of the account of `ask`, in a target whose tasks have addresses of their subnets."""
    world.settings = replace(world.settings, task_addresses="subnet")
    yield Call(world, "111111111111", REGION, "arn:aws:iam::111111111111:root", "ec2", "RunInstances")
    runtime(world).close()


@pytest.fixture
def subnet(ask: Ask) -> str:
    """Return a subnet of sixteen loopback addresses, which this machine has without a sandbox: eleven are for tasks."""
    vpc: Any = ask("CreateVpc", CidrBlock="127.200.0.0/16")
    made: Any = ask("CreateSubnet", VpcId=vpc["Vpc"]["VpcId"], CidrBlock="127.200.0.0/28")
    return str(made["Subnet"]["SubnetId"])


def free(ask: Ask, subnet: str) -> int:
    """Return AvailableIpAddressCount."""
    described: Any = ask("DescribeSubnets", SubnetIds=[subnet])
    return int(described["Subnets"][0]["AvailableIpAddressCount"])


def test_all_but_the_reserved_addresses_are_given_once(ask: Ask, call: Call, subnet: str) -> None:
    """The first four and the last are AWS's; a subnet without a free one gives none, and counts as full."""
    given = [assign_address(call, subnet) for _ in range(11)]
    assert given == [f"127.200.0.{number}" for number in range(4, 15)]
    assert free(ask, subnet) == 0
    with pytest.raises(Exhausted):
        assign_address(call, subnet)
    release_address(call, subnet, "127.200.0.9")
    assert free(ask, subnet) == 1
    assert assign_address(call, subnet) == "127.200.0.9"


def test_the_address_that_was_unused_for_longest_is_next(call: Call, subnet: str) -> None:
    """A client that remembers the address of a task that stopped meets no other task there soon."""
    first = assign_address(call, subnet)
    release_address(call, subnet, first)
    following = [assign_address(call, subnet) for _ in range(10)]
    assert first not in following
    assert assign_address(call, subnet) == first


def test_what_another_target_or_an_instance_has_is_left_out(ask: Ask, call: Call, subnet: str) -> None:
    """Of two targets in one sandbox, and of instances and tasks of one subnet, no two have one address."""
    other = Addresses(TASKS)
    assert other.claim("127.200.0.4")
    ask("RunInstances", ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress="127.200.0.5")
    assert assign_address(call, subnet) == "127.200.0.6"
    assert not other.claim("127.200.0.6")
    refused = ask(
        "RunInstances", ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress="127.200.0.6"
    )
    assert refused == "InvalidIPAddress.InUse"
    other.close()
    assert claim_address(call, "127.200.0.4") == "127.200.0.4"


def test_a_subnet_with_a_task_is_not_deleted(ask: Ask, call: Call, subnet: str) -> None:
    """DeleteSubnet is refused until the address is released."""
    address = assign_address(call, subnet)
    assert ask("DeleteSubnet", SubnetId=subnet) == "DependencyViolation"
    release_address(call, subnet, address)
    assert ask("DeleteSubnet", SubnetId=subnet) == {}


def test_a_claimed_address_refuses_connections(call: Call, subnet: str) -> None:
    """The lock of an address does not listen, so that nothing seems to be there."""
    address = assign_address(call, subnet)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, LOCK_PORT), timeout=5)


@pytest.mark.parametrize("place", [None, "subnet-0123456789abcdef0"])
def test_what_is_in_no_subnet_has_a_loopback_address(call: Call, place: str | None) -> None:
    """As without a sandbox; an instance whose address is not there too."""
    assert assign_address(call, place).startswith("127.")
    assert claim_address(call, "").startswith("127.")
    assert claim_address(call, "203.0.113.77").startswith("127.")


def test_without_a_sandbox_tasks_have_loopback_addresses(world: World, call: Call, subnet: str, ask: Ask) -> None:
    """And no address of the subnet is in use."""
    world.settings = replace(world.settings, task_addresses="loopback")
    address = assign_address(call, subnet)
    assert not address.startswith("127.200.")
    assert free(ask, subnet) == 11
    release_address(call, subnet, address)
