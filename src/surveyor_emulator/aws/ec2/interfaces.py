"""Network interfaces of tasks, load balancers and hosts of tasks, by the addresses that they have on this machine.

`traffic` decides by them what reaches what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from surveyor_emulator.core.world import Call, World

from .filters import apply_filters, paginate, select_by_id

__all__ = [
    "ANYWHERE",
    "CHECKERS",
    "S3",
    "Interface",
    "attach",
    "default_group",
    "describe_managed_prefix_lists",
    "describe_network_interfaces",
    "detach",
    "free_public_address",
    "interface_at",
    "interface_at_public",
    "interfaces_of",
]

ANYWHERE = "0.0.0.0/0"
"""All addresses of the internet."""

CHECKERS, S3 = "pl-0c0de00c0de00c0de", "pl-0530530530530530"
"""The prefix lists of Route 53's health checkers and of S3."""

_PUBLIC = "203.0.113.{}"
"""Addresses for documentation (RFC 5737): none is anybody's."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface, with its security groups. `address`: where calls to it arrive on this machine.

    `public_ip`: None without one; `faces_internet`: its name leads to public addresses, as a load balancer's does.
    """

    id: str
    account: str
    region: str
    vpc: str
    subnet: str
    groups: tuple[str, ...]
    address: str
    public_ip: str | None = None
    faces_internet: bool = False
    is_of_task: bool = False


@dataclass(slots=True)
class _Interfaces:
    """All interfaces of a target, by their ids and by the addresses of this machine that lead to them."""

    by_id: dict[str, Interface] = field(default_factory=dict)
    by_address: dict[str, Interface] = field(default_factory=dict)


def attach(world: World, interface: Interface, *more_addresses: str) -> None:
    """Add an interface; `more_addresses` of this machine lead to it, too."""
    found = world.in_account(_Interfaces, "")
    found.by_id[interface.id] = interface
    found.by_address |= dict.fromkeys((interface.address, *more_addresses), interface)


def detach(world: World, identity: str) -> None:
    """Remove an interface; nothing if there is none."""
    found = world.in_account(_Interfaces, "")
    if found.by_id.pop(identity, None) is not None:
        found.by_address = {address: one for address, one in found.by_address.items() if one.id != identity}


def interface_at(world: World, address: str) -> Interface | None:
    """Return the interface to which an address of this machine leads."""
    return world.in_account(_Interfaces, "").by_address.get(address)


def interface_at_public(world: World, public_ip: str) -> Interface | None:
    """Return the interface that has a public address."""
    return next((one for one in world.in_account(_Interfaces, "").by_id.values() if one.public_ip == public_ip), None)


def interfaces_of(world: World, account: str, region: str) -> list[Interface]:
    """Return the interfaces in a Region of an account."""
    every = world.in_account(_Interfaces, "").by_id.values()
    return [one for one in every if (one.account, one.region) == (account, region)]


def default_group(vpc: str) -> str:
    """Return the id of the default group of a VPC, which interfaces have that are given no other."""
    return f"sg-{vpc.partition('-')[2]}"


def free_public_address(world: World) -> str:
    """Return a public address that no task has; after 254 tasks the first ones are given again."""
    taken = {one.public_ip for one in world.in_account(_Interfaces, "").by_id.values()}
    free = (address for number in range(1, 255) if (address := _PUBLIC.format(number)) not in taken)
    return next(free, _PUBLIC.format(1))


def describe_network_interfaces(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeNetworkInterfaces: those of tasks."""
    known = {one.id: one for one in interfaces_of(call.world, call.account, call.region) if one.is_of_task}
    named = select_by_id(known, request.get("NetworkInterfaceIds"), "InvalidNetworkInterfaceID.NotFound")

    def filter_values(one: Interface) -> dict[str, tuple[str, ...]]:
        return {"vpc-id": (one.vpc,), "subnet-id": (one.subnet,), "group-id": one.groups}

    names = frozenset({"vpc-id", "subnet-id", "group-id"})
    found, token = paginate(apply_filters(named, request, names, filter_values), request)
    return {"NetworkInterfaces": [_describe(call, one) for one in found], "NextToken": token}


def describe_managed_prefix_lists(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeManagedPrefixLists: those that AWS manages in each Region."""
    lists = [
        _prefix_list(call, CHECKERS, f"com.amazonaws.{call.region}.route53-healthchecks"),
        _prefix_list(call, S3, f"com.amazonaws.{call.region}.s3"),
    ]
    names = frozenset({"prefix-list-name", "prefix-list-id", "owner-id"})

    def filter_values(one: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        return {
            "prefix-list-name": (one["PrefixListName"],),
            "prefix-list-id": (one["PrefixListId"],),
            "owner-id": ("AWS",),
        }

    found, token = paginate(apply_filters(lists, request, names, filter_values), request)
    return {"PrefixLists": found, "NextToken": token}


def _prefix_list(call: Call, identity: str, name: str) -> dict[str, Any]:
    return {
        "PrefixListId": identity,
        "AddressFamily": "IPv4",
        "State": "create-complete",
        "PrefixListArn": f"arn:aws:ec2:{call.region}:aws:prefix-list/{identity}",
        "PrefixListName": name,
        "OwnerId": "AWS",
    }


def _describe(call: Call, one: Interface) -> dict[str, object]:
    public = {"Association": {"PublicIp": one.public_ip, "IpOwnerId": "amazon"}} if one.public_ip else {}
    return {
        "NetworkInterfaceId": one.id,
        "VpcId": one.vpc,
        "SubnetId": one.subnet,
        "OwnerId": call.account,
        "PrivateIpAddress": one.address,
        "Status": "in-use",
        "Groups": [{"GroupId": group} for group in one.groups],
        **public,
    }
