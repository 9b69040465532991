"""Security groups: kept as they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator.ec2.conftest import Ask

OUT = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
WEB = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


def groups(ask: Ask, **more: Any) -> list[dict[str, Any]]:
    """DescribeSecurityGroups."""
    return list(ask("DescribeSecurityGroups", **more)["SecurityGroups"])


def test_each_vpc_has_a_default_group(ask: Ask) -> None:
    """One that lets everything out, stays, and is the one of instances that name none."""
    vpc = ask("CreateVpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = groups(ask, Filters=filters)
    assert (default["IpPermissionsEgress"], default["IpPermissions"]) == (OUT, [])
    assert ask("DeleteSecurityGroup", GroupId=default["GroupId"]) == "CannotDelete"
    assert len(groups(ask)) == 2


def test_rules_come_and_go(ask: Ask) -> None:
    """Added, told, revoked once; what is not there cannot be revoked."""
    made = ask("CreateSecurityGroup", GroupName="web", Description="of the web")["GroupId"]
    ask("AuthorizeSecurityGroupIngress", GroupId=made, IpPermissions=WEB)
    (told,) = groups(ask, GroupIds=[made])
    assert (told["IpPermissions"], told["IpPermissionsEgress"]) == (WEB, OUT)
    ask("RevokeSecurityGroupEgress", GroupId=made, IpPermissions=OUT)
    assert ask("RevokeSecurityGroupEgress", GroupId=made, IpPermissions=OUT) == "InvalidPermission.NotFound"
    ask("AuthorizeSecurityGroupEgress", GroupId=made, IpPermissions=OUT)
    ask("RevokeSecurityGroupIngress", GroupId=made, IpPermissions=WEB)
    (told,) = groups(ask, GroupIds=[made])
    assert (told["IpPermissions"], told["IpPermissionsEgress"]) == ([], OUT)


def test_groups_that_cannot_be(ask: Ask) -> None:
    """Without a description, twice of one name, of no VPC, and unknown ones."""
    assert ask("CreateSecurityGroup", GroupName="web") == "MissingParameter"
    made = ask("CreateSecurityGroup", GroupName="web", Description="d")["GroupId"]
    assert ask("CreateSecurityGroup", GroupName="web", Description="d") == "InvalidGroup.Duplicate"
    assert ask("CreateSecurityGroup", GroupName="a", Description="d", VpcId="vpc-0") == "InvalidVpcID.NotFound"
    assert ask("AuthorizeSecurityGroupIngress", GroupId=made) == "MissingParameter"
    assert ask("DeleteSecurityGroup", GroupId=made) == {}
    assert ask("DeleteSecurityGroup", GroupId=made) == "InvalidGroup.NotFound"
