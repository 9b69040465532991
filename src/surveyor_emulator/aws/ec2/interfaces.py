"""Network interfaces of tasks with a public address, and what reaches them from the internet.

Of the internet only Route 53's health checkers are here. They reach a port that a security group of the task admits
from everywhere, or from the prefix list of the checkers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.core.world import Call, World

from .filters import apply_filters, paginate, select_by_id
from .state import Ec2State, PublicTask, ec2_state

__all__ = ["admitted_address", "describe_managed_prefix_lists", "describe_network_interfaces", "free_public_address"]

_ANYWHERE = "0.0.0.0/0"
_CHECKERS = "pl-0c0de00c0de00c0de"
_PUBLIC = "203.0.113.{}"
"""Addresses for documentation (RFC 5737): none is anybody's."""


def free_public_address(world: World) -> str:
    """Return a public address that no task has; after 254 tasks the first ones are given again."""
    taken = {task.public_ip for task in _public_tasks(world)}
    free = (address for number in range(1, 255) if (address := _PUBLIC.format(number)) not in taken)
    return next(free, _PUBLIC.format(1))


def admitted_address(world: World, public_ip: str, port: int) -> str | None:
    """Return the address on this machine behind a task's public one, "" if its groups admit no health checker there.

    None if no task has the address.
    """
    for _, _, state in world.everywhere(Ec2State):
        for task in state.public_tasks.values():
            if task.public_ip == public_ip:
                return task.private_ip if _admits(state, task, port) else ""
    return None


def describe_network_interfaces(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeNetworkInterfaces: those of tasks with a public address."""
    state = ec2_state(call.world, call.account, call.region)
    known = {task.interface: task for task in state.public_tasks.values()}
    named = select_by_id(known, request.get("NetworkInterfaceIds"), "InvalidNetworkInterfaceID.NotFound")
    found, token = paginate(
        apply_filters(named, request, frozenset({"vpc-id"}), lambda task: {"vpc-id": (task.vpc,)}), request
    )
    return {"NetworkInterfaces": [_describe(call, task) for task in found], "NextToken": token}


def describe_managed_prefix_lists(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeManagedPrefixLists: that of Route 53's health checkers, which AWS manages in each Region."""
    name = f"com.amazonaws.{call.region}.route53-healthchecks"
    lists: list[dict[str, Any]] = [
        {
            "PrefixListId": _CHECKERS,
            "AddressFamily": "IPv4",
            "State": "create-complete",
            "PrefixListArn": f"arn:aws:ec2:{call.region}:aws:prefix-list/{_CHECKERS}",
            "PrefixListName": name,
            "OwnerId": "AWS",
        }
    ]
    names = frozenset({"prefix-list-name", "owner-id"})
    found, token = paginate(
        apply_filters(lists, request, names, lambda _: {"prefix-list-name": (name,), "owner-id": ("AWS",)}), request
    )
    return {"PrefixLists": found, "NextToken": token}


def _public_tasks(world: World) -> Iterator[PublicTask]:
    for _, _, state in world.everywhere(Ec2State):
        yield from state.public_tasks.values()


def _admits(state: Ec2State, task: PublicTask, port: int) -> bool:
    rules = (rule for group in task.groups if group in state.groups for rule in state.groups[group].ingress)
    return any(_is_for(rule, port) and _is_from_checkers(rule) for rule in rules)


def _is_for(rule: Mapping[str, Any], port: int) -> bool:
    if rule.get("IpProtocol") == "-1":
        return True
    return rule.get("IpProtocol") in ("tcp", "6") and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65_535)


def _is_from_checkers(rule: Mapping[str, Any]) -> bool:
    ranges = [entry.get("CidrIp") for entry in rule.get("IpRanges") or ()]
    lists = [entry.get("PrefixListId") for entry in rule.get("PrefixListIds") or ()]
    return _ANYWHERE in ranges or _CHECKERS in lists


def _describe(call: Call, task: PublicTask) -> dict[str, object]:
    return {
        "NetworkInterfaceId": task.interface,
        "VpcId": task.vpc,
        "OwnerId": call.account,
        "PrivateIpAddress": task.private_ip,
        "Status": "in-use",
        "Groups": [{"GroupId": group} for group in task.groups],
        "Association": {"PublicIp": task.public_ip, "IpOwnerId": "amazon"},
    }
