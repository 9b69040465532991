"""The security groups of a run: `vantage`, which nothing may enter, and `tasks`, which the vantage may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from surveyor.account.tags import run_prefix
from surveyor.response import member
from surveyor.targets.running import RunningTarget
from surveyor.targets.task_networks import when_visible
from surveyor_agents import workload

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

__all__ = ["create_groups"]

_PORTS = 20
"""Ports from the workload's on that the vantage calls: the containers of one task listen at one after the other."""


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
    when_visible(
        running.clock,
        lambda: ec2.authorize_security_group_ingress(GroupId=groups["tasks"], IpPermissions=rules),
    )
    return groups


def _create(ec2: EC2Client, name: str, vpc: str) -> str:
    answer = ec2.create_security_group(GroupName=name, Description="of a run of Surveyor", VpcId=vpc)
    return str(member(answer, "GroupId", of="CreateSecurityGroup"))
