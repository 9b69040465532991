"""Security groups are created, described and changed as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emulator.ec2.conftest import Ask

OUT = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
WEB = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]


def groups(ask: Ask, **more: Any) -> list[dict[str, Any]]:
    """Return the groups of DescribeSecurityGroups."""
    return list(ask("DescribeSecurityGroups", **more)["SecurityGroups"])


def test_each_vpc_has_a_default_group(ask: Ask) -> None:
    """It allows all egress, admits its own members, stays, and is that of instances which name no group."""
    vpc = ask("CreateVpc", CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (default,) = groups(ask, Filters=filters)
    own_members = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": default["GroupId"]}]}]
    assert (default["IpPermissionsEgress"], default["IpPermissions"]) == (OUT, own_members)
    assert ask("DeleteSecurityGroup", GroupId=default["GroupId"]) == "CannotDelete"
    assert len(groups(ask)) == 2


def test_rules_are_added_and_revoked(ask: Ask) -> None:
    """Rules are added, described and revoked once; revoking an absent rule is an error."""
    group_id = ask("CreateSecurityGroup", GroupName="web", Description="of the web")["GroupId"]
    ask("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=WEB)
    (described,) = groups(ask, GroupIds=[group_id])
    assert (described["IpPermissions"], described["IpPermissionsEgress"]) == (WEB, OUT)
    ask("RevokeSecurityGroupEgress", GroupId=group_id, IpPermissions=OUT)
    assert ask("RevokeSecurityGroupEgress", GroupId=group_id, IpPermissions=OUT) == "InvalidPermission.NotFound"
    ask("AuthorizeSecurityGroupEgress", GroupId=group_id, IpPermissions=OUT)
    ask("RevokeSecurityGroupIngress", GroupId=group_id, IpPermissions=WEB)
    (described,) = groups(ask, GroupIds=[group_id])
    assert (described["IpPermissions"], described["IpPermissionsEgress"]) == ([], OUT)


def test_rejects_invalid_groups(ask: Ask) -> None:
    """A group without a description, with a duplicate name, in an unknown VPC, or unknown, is an error."""
    assert ask("CreateSecurityGroup", GroupName="web") == "MissingParameter"
    group_id = ask("CreateSecurityGroup", GroupName="web", Description="d")["GroupId"]
    assert ask("CreateSecurityGroup", GroupName="web", Description="d") == "InvalidGroup.Duplicate"
    assert ask("CreateSecurityGroup", GroupName="a", Description="d", VpcId="vpc-0") == "InvalidVpcID.NotFound"
    assert ask("AuthorizeSecurityGroupIngress", GroupId=group_id) == "MissingParameter"
    assert ask("DeleteSecurityGroup", GroupId=group_id) == {}
    assert ask("DeleteSecurityGroup", GroupId=group_id) == "InvalidGroup.NotFound"
