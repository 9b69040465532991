"""VPCs, subnets, internet gateways, security groups and EC2 instances that suites create."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent, retry_while
from surveyor.account.tags import TAG

__all__ = [
    "delete_instances",
    "delete_internet_gateways",
    "delete_security_groups",
    "delete_subnets",
    "delete_vpcs",
    "find_ec2",
]

_IN_USE = "DependencyViolation"


def find_ec2(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return what the create call created; without an answer, all of the kind that carry the run's tag."""
    if resource.ids:
        return resource.ids
    ec2 = account.client("ec2", resource.region)
    filters = [{"Name": f"tag:{TAG}", "Values": [account.run]}]
    if resource.kind == "VPC":
        return tuple(vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=filters)["Vpcs"])
    if resource.kind == "internet gateway":
        gateways = ec2.describe_internet_gateways(Filters=filters)["InternetGateways"]
        return tuple(gateway["InternetGatewayId"] for gateway in gateways)
    if resource.kind == "security group":
        groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        return tuple(group["GroupId"] for group in groups)
    if resource.kind == "subnet":
        return tuple(subnet["SubnetId"] for subnet in ec2.describe_subnets(Filters=filters)["Subnets"])
    return tuple(instance["InstanceId"] for instance in _describe_instances(ec2, Filters=filters))


def delete_instances(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Terminate instances and wait until they are terminated."""
    ec2 = account.client("ec2", region)
    problems: dict[str, str] = {}
    for instance in ids:
        try:
            look = partial(ec2.describe_instances, InstanceIds=[instance])
            with ignore_absent("InvalidInstanceID.NotFound", look=look):
                ec2.terminate_instances(InstanceIds=[instance])
                account.clock.eventually(partial(_is_terminated, ec2, instance), within=timeouts.TERMINATION)
        except (ClientError, AssertionError) as error:
            problems[instance] = str(error)
    return problems


def delete_subnets(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete subnets."""
    ec2 = account.client("ec2", region)
    return _delete_each(account, ids, lambda subnet: ec2.delete_subnet(SubnetId=subnet), "InvalidSubnetID.NotFound",
                        lambda subnet: ec2.describe_subnets(SubnetIds=[subnet]))  # fmt: skip


def delete_security_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete security groups."""
    ec2 = account.client("ec2", region)
    return _delete_each(account, ids, lambda group: ec2.delete_security_group(GroupId=group), "InvalidGroup.NotFound",
                        lambda group: ec2.describe_security_groups(GroupIds=[group]))  # fmt: skip


def delete_internet_gateways(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Detach internet gateways from their VPCs, once no public address is left there, and delete them."""
    ec2 = account.client("ec2", region)

    def delete(gateway: str) -> None:
        [described] = ec2.describe_internet_gateways(InternetGatewayIds=[gateway])["InternetGateways"]
        for attachment in described["Attachments"]:
            with ignore_absent("Gateway.NotAttached"):  # a read may lag the last attempt
                ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=attachment["VpcId"])
        ec2.delete_internet_gateway(InternetGatewayId=gateway)

    return _delete_each(account, ids, delete, "InvalidInternetGatewayID.NotFound",
                        lambda gateway: ec2.describe_internet_gateways(InternetGatewayIds=[gateway]))  # fmt: skip


def delete_vpcs(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete VPCs."""
    ec2 = account.client("ec2", region)
    return _delete_each(account, ids, lambda vpc: ec2.delete_vpc(VpcId=vpc), "InvalidVpcID.NotFound",
                        lambda vpc: ec2.describe_vpcs(VpcIds=[vpc]))  # fmt: skip


def _delete_each(
    account: Account,
    ids: Sequence[str],
    delete: Callable[[str], object],
    absent: str,
    look: Callable[[str], object],
) -> Problems:
    problems: dict[str, str] = {}
    for identifier in ids:
        try:
            with ignore_absent(absent, look=partial(look, identifier)):
                retry_while(account, partial(delete, identifier), _IN_USE, within=timeouts.REMOVAL)
        except ClientError as error:
            problems[identifier] = str(error)
    return problems


def _describe_instances(ec2: Any, **params: Any) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_instances").paginate(**params)
    return [instance for page in pages for group in page["Reservations"] for instance in group["Instances"]]


def _is_terminated(ec2: Any, instance: str) -> bool:
    found: list[dict[str, Any]] = []
    with ignore_absent("InvalidInstanceID.NotFound"):
        found = _describe_instances(ec2, InstanceIds=[instance])
    return all(entry["State"]["Name"] == "terminated" for entry in found)
