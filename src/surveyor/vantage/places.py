"""Where a vantage can be: subnets of one VPC, which exist and in which names are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from surveyor.errors import UsageError
from surveyor.response import member
from surveyor.targets.task_networks import is_public, route_tables_of

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

__all__ = ["VantagePlace", "choose_place", "place_in"]


@dataclass(frozen=True)
class VantagePlace:
    """Subnets of one VPC. `public`: tasks there need a public address for what they pull."""

    vpc: str
    subnets: tuple[str, ...]
    public: bool

    def describe(self) -> str:
        """Return the place in words."""
        return f"in {', '.join(self.subnets)} of {self.vpc} {'with' if self.public else 'without'} a public address"


def choose_place(ec2: EC2Client, subnets: Sequence[str]) -> VantagePlace | None:
    """Return the place of these subnets, by default of those of the default VPC; None if there is no default VPC.

    Raises UsageError if a subnet does not exist, if they are of several VPCs, or if nothing is resolved there.
    """
    if subnets:
        found = _described(ec2, subnets)
    else:
        default: Any = [{"Name": "default-for-az", "Values": ["true"]}]
        found = list(member(ec2.describe_subnets(Filters=default), "Subnets", of="DescribeSubnets"))
    if not found:
        return None
    vpcs = sorted({str(subnet["VpcId"]) for subnet in found})
    if len(vpcs) > 1:
        shown = ", ".join(f"{subnet['SubnetId']} is in {subnet['VpcId']}" for subnet in found)
        raise UsageError(f"--from-vpc: expected subnets of one VPC; {shown}")
    return place_in(ec2, vpcs[0], found)


def place_in(ec2: EC2Client, vpc: str, subnets: Sequence[Mapping[str, Any]]) -> VantagePlace:
    """Return the place of these subnets (EC2's Subnet). Raises UsageError if the VPC has no resolver."""
    answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")
    if not member(answer, "EnableDnsSupport", "Value", of="DescribeVpcAttribute"):
        raise UsageError(
            f"--from-vpc: {vpc} has no DNS support (enableDnsSupport), so that nothing is resolved there: name subnets "
            "of another VPC"
        )
    tables = route_tables_of(ec2, [vpc])
    return VantagePlace(
        vpc, tuple(str(subnet["SubnetId"]) for subnet in subnets), any(is_public(subnet, tables) for subnet in subnets)
    )


def _described(ec2: EC2Client, subnets: Sequence[str]) -> list[Any]:
    try:
        return list(member(ec2.describe_subnets(SubnetIds=list(subnets)), "Subnets", of="DescribeSubnets"))
    except ClientError as error:
        if not error.response["Error"]["Code"].startswith("InvalidSubnetID"):
            raise
        message = " ".join(str(error.response["Error"].get("Message", "")).split())
        raise UsageError(f"--from-vpc {','.join(subnets)}: {message}") from None
