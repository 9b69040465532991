"""The security groups of a run: `vantage`, which nothing may enter, and `tasks`, which the vantage may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surveyor.account.tags import run_prefix
from surveyor.errors import TargetUnavailable
from surveyor.response import member
from surveyor.targets.running import RunningTarget
from surveyor.targets.task_networks import when_visible
from surveyor_agents import workload

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

__all__ = ["FIRST_PORT", "create_groups", "create_served_group"]

_PORTS = 20
"""Ports from the workload's on that the vantage calls: the containers of one task listen at one after the other."""


FIRST_PORT = 9_000
_SERVED_PORTS = 1_000
"""Ports of servers for health checks: each server of a task has another one."""

_CHECKERS = "route53-healthchecks"


def create_groups(running: RunningTarget, run: str, vpc: str) -> Mapping[str, str]:
    """Create both groups in a VPC and return their ids by purpose.

    Tasks call each other, so that their group admits itself. New groups let everything out (VPC User Guide, "Security
    groups").
    """
    ec2: EC2Client = running.clients.client("ec2", running.target.account or "")
    groups = {purpose: _create(ec2, f"{run_prefix(run)}{purpose}", vpc) for purpose in ("vantage", "tasks")}
    rules: list[Any] = [
        {
            "IpProtocol": "tcp",
            "FromPort": workload.PORT,
            "ToPort": workload.PORT + _PORTS - 1,
            "UserIdGroupPairs": [{"GroupId": groups["vantage"]}],
        },
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": groups["tasks"]}]},
    ]
    _admit(running, ec2, groups["tasks"], rules)
    return groups


def create_served_group(running: RunningTarget, run: str, vpc: str, name: str) -> str:
    """Create a group that Route 53's health checkers may enter, and return its id.

    Their addresses are in a prefix list that AWS manages in each Region (VPC User Guide, "AWS-managed prefix lists").
    """
    ec2: EC2Client = running.clients.client("ec2", running.target.account or "")
    lists: Any = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{running.target.region}.{_CHECKERS}"]}]
    found = member(ec2.describe_managed_prefix_lists(Filters=lists), "PrefixLists", of="DescribeManagedPrefixLists")
    if not found:
        raise TargetUnavailable(f"{running.target.region} has no prefix list {_CHECKERS}: health checks reach no task")
    group = _create(ec2, f"{run_prefix(run)}served-{name}", vpc)
    rule: Any = {
        "IpProtocol": "tcp",
        "FromPort": FIRST_PORT,
        "ToPort": FIRST_PORT + _SERVED_PORTS - 1,
        "PrefixListIds": [{"PrefixListId": found[0]["PrefixListId"]}],
    }
    _admit(running, ec2, group, [rule])
    return group


def _create(ec2: EC2Client, name: str, vpc: str) -> str:
    """Create a group of the run and return its id; return that of an earlier attempt if there is one."""
    try:
        answer = ec2.create_security_group(GroupName=name, Description="of a run of Surveyor", VpcId=vpc)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidGroup.Duplicate":
            raise
        filters: list[Any] = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [vpc]}]
        found = member(ec2.describe_security_groups(Filters=filters), "SecurityGroups", of="DescribeSecurityGroups")
        return str(found[0]["GroupId"])
    return str(member(answer, "GroupId", of="CreateSecurityGroup"))


def _admit(running: RunningTarget, ec2: EC2Client, group: str, rules: list[Any]) -> None:
    """Add rules to a group, once EC2 finds it; those of an earlier attempt stay."""

    def authorize() -> object:
        try:
            return ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
                raise
            return group

    when_visible(running.clock, authorize)
