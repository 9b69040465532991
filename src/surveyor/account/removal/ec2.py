"""VPCs, subnets and EC2 instances that suites make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Thing
from surveyor.account.removal.account import Account, Problems, gone, persist
from surveyor.account.tags import TAG

__all__ = ["find_ec2", "remove_instances", "remove_subnets", "remove_vpcs"]

_IN_USE = "DependencyViolation"


def find_ec2(account: Account, thing: Thing) -> tuple[str, ...]:
    """What the create call made; without an answer, all of the kind that carry the run's tag."""
    if thing.ids:
        return thing.ids
    ec2 = account.client("ec2", thing.region)
    chosen = [{"Name": f"tag:{TAG}", "Values": [account.run]}]
    if thing.what == "VPC":
        return tuple(one["VpcId"] for one in ec2.describe_vpcs(Filters=chosen)["Vpcs"])
    if thing.what == "security group":
        return tuple(one["GroupId"] for one in ec2.describe_security_groups(Filters=chosen)["SecurityGroups"])
    if thing.what == "subnet":
        return tuple(one["SubnetId"] for one in ec2.describe_subnets(Filters=chosen)["Subnets"])
    return tuple(one["InstanceId"] for one in _instances(ec2, Filters=chosen))


def remove_instances(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Terminate instances and wait until they are."""
    ec2 = account.client("ec2", region)
    problems: dict[str, str] = {}
    for instance in ids:
        try:
            with gone("InvalidInstanceID.NotFound"):
                ec2.terminate_instances(InstanceIds=[instance])
                account.clock.eventually(partial(_is_terminated, ec2, instance), within=timeouts.TERMINATION)
        except (ClientError, AssertionError) as error:
            problems[instance] = str(error)
    return problems


def remove_subnets(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete subnets."""
    ec2 = account.client("ec2", region)
    return _each(account, ids, lambda one: ec2.delete_subnet(SubnetId=one), "InvalidSubnetID.NotFound")


def remove_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete security groups."""
    ec2 = account.client("ec2", region)
    return _each(account, ids, lambda one: ec2.delete_security_group(GroupId=one), "InvalidGroup.NotFound")


def remove_vpcs(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete VPCs."""
    ec2 = account.client("ec2", region)
    return _each(account, ids, lambda one: ec2.delete_vpc(VpcId=one), "InvalidVpcID.NotFound")


def _each(account: Account, ids: Sequence[str], delete: Callable[[str], object], unknown: str) -> Problems:
    problems: dict[str, str] = {}
    for one in ids:
        try:
            with gone(unknown):
                persist(account, partial(delete, one), _IN_USE)
        except ClientError as error:
            problems[one] = str(error)
    return problems


def _instances(ec2: Any, **chosen: Any) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_instances").paginate(**chosen)
    return [one for page in pages for group in page["Reservations"] for one in group["Instances"]]


def _is_terminated(ec2: Any, instance: str) -> bool:
    found: list[dict[str, Any]] = []
    with gone("InvalidInstanceID.NotFound"):
        found = _instances(ec2, InstanceIds=[instance])
    return all(one["State"]["Name"] == "terminated" for one in found)
