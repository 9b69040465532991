"""Security groups, as far as they tell whether an instance can reach anybody; they hold up no traffic.

Every VPC has a group named default (VPC User Guide, Default security groups), and a new group lets everything out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

from .filters import Facts, filtered, page, picked
from .state import Ec2State, SecurityGroup, ec2_state, new_id
from .tags import TAG_FILTERS, specified_tags, tag_facts, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND

__all__ = [
    "authorize_egress",
    "authorize_ingress",
    "chosen_groups",
    "create_security_group",
    "delete_security_group",
    "describe_security_groups",
    "lets_out",
    "revoke_egress",
    "revoke_ingress",
]

NOT_FOUND = "InvalidGroup.NotFound"
_FILTERS = TAG_FILTERS | {"group-id", "group-name", "vpc-id", "owner-id", "description"}


def create_security_group(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """CreateSecurityGroup, in the VPC that is named or the default one."""
    state = ec2_state(call.world, call.account, call.region)
    name, description = str(request.get("GroupName") or ""), str(request.get("Description") or "")
    if not name or not description:
        raise ServiceError("MissingParameter", "The request must contain the parameters GroupName and GroupDescription")
    vpc = str(request.get("VpcId") or next((one.id for one in state.vpcs.values() if one.is_default), ""))
    picked(state.vpcs, [vpc], VPC_NOT_FOUND)
    if any((one.name, one.vpc) == (name, vpc) for one in _all(state).values()):
        raise ServiceError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc}'")
    tags = specified_tags(request, "security-group")
    made = SecurityGroup(new_id("sg", call.world.chance), name, description, vpc)
    state.groups[made.id] = made
    if tags:
        state.tags[made.id] = tags
    return {"GroupId": made.id, "Tags": tag_list(tags)}


def delete_security_group(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DeleteSecurityGroup, once no instance has it."""
    state = ec2_state(call.world, call.account, call.region)
    found = _one(state, request)
    if found.name == "default":
        raise ServiceError("CannotDelete", "the specified group is a default group and cannot be deleted")
    if any(found.id in one.groups and one.state == "running" for one in state.instances.values()):
        raise ServiceError("DependencyViolation", f"resource {found.id} has a dependent object")
    del state.groups[found.id]
    state.tags.pop(found.id, None)
    return {}


def describe_security_groups(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """DescribeSecurityGroups."""
    state = ec2_state(call.world, call.account, call.region)

    def facts(group: SecurityGroup) -> Facts:
        return {
            "group-id": (group.id,),
            "group-name": (group.name,),
            "vpc-id": (group.vpc,),
            "owner-id": (call.account,),
            "description": (group.description,),
            **tag_facts(state.tags.get(group.id, {})),
        }

    named = picked(_all(state), request.get("GroupIds"), NOT_FOUND)
    found, token = page(filtered(named, request, _FILTERS, facts), request)
    return {"SecurityGroups": [_told(call, state, group) for group in found], "NextToken": token}


def authorize_ingress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """AuthorizeSecurityGroupIngress."""
    _group(call, request).ingress.extend(_rules(request))
    return {"Return": True}


def revoke_ingress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """RevokeSecurityGroupIngress."""
    return _revoked(_group(call, request).ingress, request)


def authorize_egress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """AuthorizeSecurityGroupEgress."""
    _group(call, request).egress.extend(_rules(request))
    return {"Return": True}


def revoke_egress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """RevokeSecurityGroupEgress."""
    return _revoked(_group(call, request).egress, request)


def chosen_groups(state: Ec2State, request: Mapping[str, object], vpc: str) -> tuple[str, ...]:
    """The groups of an instance: those that are named, or the VPC's default one."""
    named = cast("list[str]", request.get("SecurityGroupIds") or [])
    if named:
        return tuple(one.id for one in picked(_all(state), named, NOT_FOUND))
    return tuple(one.id for one in _all(state).values() if (one.vpc, one.name) == (vpc, "default"))


def lets_out(world: World, account: str, region: str, instance: str) -> bool:
    """Whether any group of an instance lets it reach others."""
    state = ec2_state(world, account, region)
    found = state.instances.get(instance)
    known = _all(state)
    return found is not None and any(known[one].egress for one in found.groups if one in known)


def _all(state: Ec2State) -> dict[str, SecurityGroup]:
    """Those of VPCs that nobody has asked about are made now, their ids those of the VPCs."""
    for vpc in state.vpcs:
        identity = f"sg-{vpc.partition('-')[2]}"
        if identity not in state.groups:
            state.groups[identity] = SecurityGroup(identity, "default", "default VPC security group", vpc)
    return {one.id: one for one in state.groups.values() if one.vpc in state.vpcs}


def _group(call: Call, request: Mapping[str, object]) -> SecurityGroup:
    return _one(ec2_state(call.world, call.account, call.region), request)


def _one(state: Ec2State, request: Mapping[str, object]) -> SecurityGroup:
    if not request.get("GroupId"):
        raise ServiceError("MissingParameter", "The request must contain the parameter GroupId")
    found: SecurityGroup = picked(_all(state), [request["GroupId"]], NOT_FOUND)[0]
    return found


def _rules(request: Mapping[str, object]) -> list[dict[str, Any]]:
    given = cast("list[dict[str, Any]]", request.get("IpPermissions") or [])
    if not given:
        raise ServiceError("MissingParameter", "The request must contain the parameter IpPermissions")
    return given


def _revoked(held: list[dict[str, Any]], request: Mapping[str, object]) -> dict[str, object]:
    for rule in _rules(request):
        for one in held:
            if _same(one, rule):
                held.remove(one)
                break
        else:
            raise ServiceError("InvalidPermission.NotFound", "The specified rule does not exist in this group.")
    return {"Return": True}


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "UserIdGroupPairs")
    return all((one.get(key) or None) == (other.get(key) or None) for key in keys)


def _told(call: Call, state: Ec2State, of: SecurityGroup) -> dict[str, object]:
    return {
        "GroupId": of.id,
        "GroupName": of.name,
        "Description": of.description,
        "VpcId": of.vpc,
        "OwnerId": call.account,
        "IpPermissions": of.ingress,
        "IpPermissionsEgress": of.egress,
        "Tags": tag_list(state.tags.get(of.id, {})),
    }
