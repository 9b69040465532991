"""Security groups. What their rules admit is decided in `traffic`; here, whether an instance reaches the ECS endpoint.

Every VPC has a group named default, which admits its own members (VPC User Guide, "Default security groups for your
VPCs"), and a new group allows all egress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

from .filters import FilterValues, apply_filters, paginate, select_by_id
from .interfaces import default_group, interfaces_of
from .state import Ec2State, SecurityGroup, Vpc, ec2_state, new_id
from .tags import TAG_FILTERS, specified_tags, tag_filter_values, tag_list
from .vpcs import NOT_FOUND as VPC_NOT_FOUND

__all__ = [
    "allows_egress",
    "authorize_egress",
    "authorize_ingress",
    "create_security_group",
    "delete_security_group",
    "describe_security_groups",
    "groups_of",
    "revoke_egress",
    "revoke_ingress",
    "select_groups",
]

NOT_FOUND = "InvalidGroup.NotFound"
_FILTERS = TAG_FILTERS | {"group-id", "group-name", "vpc-id", "owner-id", "description"}


def create_security_group(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle CreateSecurityGroup, in the named VPC or the default one."""
    state = ec2_state(call.world, call.account, call.region)
    name, description = str(request.get("GroupName") or ""), str(request.get("Description") or "")
    if not name or not description:
        raise ServiceError("MissingParameter", "The request must contain the parameters GroupName and GroupDescription")
    vpc_id = str(request.get("VpcId") or next((vpc.id for vpc in state.vpcs.values() if vpc.is_default), ""))
    select_by_id(state.vpcs, [vpc_id], VPC_NOT_FOUND)
    if any((group.name, group.vpc) == (name, vpc_id) for group in groups_of(state).values()):
        raise ServiceError("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc_id}'")
    tags = specified_tags(request, "security-group")
    group = SecurityGroup(
        new_id("sg", call.world.random), name, description, vpc_id, egress=_allow_all(state.vpcs[vpc_id])
    )
    state.groups[group.id] = group
    if tags:
        state.tags[group.id] = tags
    return {"GroupId": group.id, "Tags": tag_list(tags)}


def delete_security_group(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DeleteSecurityGroup; fail while an instance or a network interface has the group."""
    state = ec2_state(call.world, call.account, call.region)
    group = _find_group(state, request)
    if group.name == "default":
        raise ServiceError("CannotDelete", "the specified group is a default group and cannot be deleted")
    interfaces = interfaces_of(call.world, call.account, call.region)
    running = [instance for instance in state.instances.values() if instance.state == "running"]
    if any(group.id in groups for groups in (*(one.groups for one in interfaces), *(one.groups for one in running))):
        raise ServiceError("DependencyViolation", f"resource {group.id} has a dependent object")
    del state.groups[group.id]
    state.tags.pop(group.id, None)
    return {}


def describe_security_groups(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle DescribeSecurityGroups."""
    state = ec2_state(call.world, call.account, call.region)

    def filter_values(group: SecurityGroup) -> FilterValues:
        return {
            "group-id": (group.id,),
            "group-name": (group.name,),
            "vpc-id": (group.vpc,),
            "owner-id": (call.account,),
            "description": (group.description,),
            **tag_filter_values(state.tags.get(group.id, {})),
        }

    named = select_by_id(groups_of(state), request.get("GroupIds"), NOT_FOUND)
    found, token = paginate(apply_filters(named, request, _FILTERS, filter_values), request)
    return {"SecurityGroups": [_describe(call, state, group) for group in found], "NextToken": token}


def authorize_ingress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle AuthorizeSecurityGroupIngress."""
    _group(call, request).ingress.extend(_rules(request))
    return {"Return": True}


def revoke_ingress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle RevokeSecurityGroupIngress."""
    return _revoke(_group(call, request).ingress, request)


def authorize_egress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle AuthorizeSecurityGroupEgress."""
    _group(call, request).egress.extend(_rules(request))
    return {"Return": True}


def revoke_egress(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle RevokeSecurityGroupEgress."""
    return _revoke(_group(call, request).egress, request)


def select_groups(state: Ec2State, request: Mapping[str, object], vpc: str) -> tuple[str, ...]:
    """Return the ids of an instance's groups: those that the request names, or the VPC's default group."""
    named = cast("list[str]", request.get("SecurityGroupIds") or [])
    if named:
        return tuple(group.id for group in select_by_id(groups_of(state), named, NOT_FOUND))
    return tuple(group.id for group in groups_of(state).values() if (group.vpc, group.name) == (vpc, "default"))


def allows_egress(world: World, account: str, region: str, instance_id: str) -> bool:
    """Return whether a group of an instance has a rule for egress."""
    state = ec2_state(world, account, region)
    instance = state.instances.get(instance_id)
    known = groups_of(state)
    return instance is not None and any(known[group].egress for group in instance.groups if group in known)


def groups_of(state: Ec2State) -> dict[str, SecurityGroup]:
    """Return all groups; default groups are created here, on first use, with ids derived from their VPCs."""
    for vpc in state.vpcs:
        identity = default_group(vpc)
        if identity not in state.groups:
            own_members = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": identity}]}
            state.groups[identity] = SecurityGroup(
                identity, "default", "default VPC security group", vpc, [own_members], _allow_all(state.vpcs[vpc])
            )
    return {group.id: group for group in state.groups.values() if group.vpc in state.vpcs}


def _allow_all(vpc: Vpc) -> list[dict[str, Any]]:
    """Return the first egress of a group; with IPv6 if the VPC has it (VPC User Guide, "Default security groups")."""
    rules: list[dict[str, Any]] = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    return rules + ([{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}] if vpc.ipv6 is not None else [])


def _group(call: Call, request: Mapping[str, object]) -> SecurityGroup:
    return _find_group(ec2_state(call.world, call.account, call.region), request)


def _find_group(state: Ec2State, request: Mapping[str, object]) -> SecurityGroup:
    if not request.get("GroupId"):
        raise ServiceError("MissingParameter", "The request must contain the parameter GroupId")
    group: SecurityGroup = select_by_id(groups_of(state), [request["GroupId"]], NOT_FOUND)[0]
    return group


def _rules(request: Mapping[str, object]) -> list[dict[str, Any]]:
    rules = cast("list[dict[str, Any]]", request.get("IpPermissions") or [])
    if not rules:
        raise ServiceError("MissingParameter", "The request must contain the parameter IpPermissions")
    return rules


def _revoke(present: list[dict[str, Any]], request: Mapping[str, object]) -> dict[str, object]:
    for rule in _rules(request):
        for candidate in present:
            if _same(candidate, rule):
                present.remove(candidate)
                break
        else:
            raise ServiceError("InvalidPermission.NotFound", "The specified rule does not exist in this group.")
    return {"Return": True}


def _same(rule: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    keys = ("IpProtocol", "FromPort", "ToPort", "IpRanges", "Ipv6Ranges", "UserIdGroupPairs")
    return all((rule.get(key) or None) == (other.get(key) or None) for key in keys)


def _describe(call: Call, state: Ec2State, group: SecurityGroup) -> dict[str, object]:
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc,
        "OwnerId": call.account,
        "IpPermissions": group.ingress,
        "IpPermissionsEgress": group.egress,
        "Tags": tag_list(state.tags.get(group.id, {})),
    }
