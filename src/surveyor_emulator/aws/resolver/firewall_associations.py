"""Rule groups in VPCs, and what a VPC does with questions that its DNS Firewall cannot evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import changed, find, limit_exceeded, name_in, new_id, own_state, same_request, time_text
from .paging import page
from .state import FirewallAssociation
from .tags import read_tags

__all__ = [
    "associate_firewall_rule_group",
    "disassociate_firewall_rule_group",
    "get_firewall_config",
    "get_firewall_rule_group_association",
    "list_firewall_configs",
    "list_firewall_rule_group_associations",
    "update_firewall_config",
    "update_firewall_rule_group_association",
]

_KIND = "firewall-rule-group-association"
# "The allowed values for Priority are between 100 and 9900" (AssociateFirewallRuleGroupRequest.Priority).
_PRIORITIES = range(101, 9_900)


def associate_firewall_rule_group(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle AssociateFirewallRuleGroup: priorities are unique in a VPC; it is UPDATING, then COMPLETE."""
    state, vpc = own_state(call), request["VpcId"]
    existing = same_request(state.firewalls, request)
    if existing is not None:
        return {"FirewallRuleGroupAssociation": _shape(existing)}
    group = find(state.groups, request["FirewallRuleGroupId"], "firewall-rule-group")
    _require_vpc(call, vpc)
    present = [each for each in state.firewalls.values() if each.vpc == vpc]
    if any(each.group == group.id for each in present):
        raise ServiceError("ConflictException", f"{group.id} is associated with {vpc} already")
    limit = call.world.settings.quotas.firewall_groups_per_vpc
    if len(present) >= limit:
        raise limit_exceeded("rule groups of a VPC", limit)
    _require_priority(call, vpc, request["Priority"])
    tags, name = read_tags(request.get("Tags") or ()), name_in(request, "ValidationException")
    identity, arn = new_id(call, "rslvr-frgassoc", _KIND)
    association = FirewallAssociation(
        identity, arn, request["CreatorRequestId"], name, group.id, vpc, request["Priority"],
        request.get("MutationProtection", "DISABLED"), call.now, call.now,
    )  # fmt: skip
    state.firewalls[identity], state.tags[arn] = association, tags
    call.world.later(call.world.settings.resolver_association, _complete, call, association)
    call.note("resolver.firewall.associated", group.id, vpc)
    return {"FirewallRuleGroupAssociation": _shape(association)}


def disassociate_firewall_rule_group(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DisassociateFirewallRuleGroup: refused while it is protected; it no longer filters from this call on."""
    association = _find(call, request)
    if association.protection == "ENABLED":
        raise ServiceError("ValidationException", f"{association.id} has MutationProtection: disable it first")
    if association.status == "DELETING":
        raise ServiceError("ConflictException", f"{association.id} is being deleted")
    association.status = "DELETING"
    call.world.later(call.world.settings.resolver_association, _remove, call, association)
    changed(call)
    call.note("resolver.firewall.disassociated", association.group, association.vpc)
    return {"FirewallRuleGroupAssociation": _shape(association)}


def update_firewall_rule_group_association(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateFirewallRuleGroupAssociation: name, priority and protection, of a protected one this only."""
    association = _find(call, request)
    protection = request.get("MutationProtection", association.protection)
    changes = {"Priority", "Name"} & request.keys()
    if association.protection == "ENABLED" and protection == "ENABLED" and changes:
        raise ServiceError("ValidationException", f"{association.id} has MutationProtection: disable it first")
    name = name_in(request, "ValidationException")
    priority = request.get("Priority", association.priority)
    if priority != association.priority:
        _require_priority(call, association.vpc, priority)
    association.priority, association.protection, association.modified = priority, protection, call.now
    association.name = name or association.name
    changed(call)
    return {"FirewallRuleGroupAssociation": _shape(association)}


def get_firewall_rule_group_association(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetFirewallRuleGroupAssociation."""
    return {"FirewallRuleGroupAssociation": _shape(_find(call, request))}


def list_firewall_rule_group_associations(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallRuleGroupAssociations, of a group, a VPC, a priority or a status."""
    chosen = [
        each for each in own_state(call).firewalls.values()
        if request.get("FirewallRuleGroupId") in (None, each.group) and request.get("VpcId") in (None, each.vpc)
        and request.get("Priority") in (None, each.priority) and request.get("Status") in (None, each.status)
    ]  # fmt: skip
    found, token = page(chosen, request)
    return {"FirewallRuleGroupAssociations": list(map(_shape, found)), **token}


def get_firewall_config(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetFirewallConfig: fail open is DISABLED until it is changed."""
    _require_vpc(call, request["ResourceId"])
    return {"FirewallConfig": _config(call, request["ResourceId"])}


def update_firewall_config(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateFirewallConfig."""
    vpc = request["ResourceId"]
    _require_vpc(call, vpc)
    if request["FirewallFailOpen"] == "USE_LOCAL_RESOURCE_SETTING":
        raise ServiceError("ValidationException", "USE_LOCAL_RESOURCE_SETTING is for VPCs with a Route 53 Profile")
    own_state(call).fail_open[vpc] = request["FirewallFailOpen"]
    changed(call)
    return {"FirewallConfig": _config(call, vpc)}


def list_firewall_configs(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallConfigs: those that were changed."""
    vpcs = vpcs_of(call.world, call.account, call.region)
    found, token = page([vpc for vpc in own_state(call).fail_open if vpc in vpcs], request)
    return {"FirewallConfigs": [_config(call, vpc) for vpc in found], **token}


def _find(call: Call, request: Mapping[str, Any]) -> FirewallAssociation:
    return find(own_state(call).firewalls, request["FirewallRuleGroupAssociationId"], _KIND)


def _require_vpc(call: Call, vpc: str) -> None:
    if vpc not in vpcs_of(call.world, call.account, call.region):
        raise ServiceError("ResourceNotFoundException", f"VPC '{vpc}' does not exist", ResourceType="vpc")


def _require_priority(call: Call, vpc: str, priority: int) -> None:
    if priority not in _PRIORITIES:
        raise ServiceError(
            "ValidationException", f"Priority must be {_PRIORITIES[0]} to {_PRIORITIES[-1]}, not {priority}"
        )
    if any((each.vpc, each.priority) == (vpc, priority) for each in own_state(call).firewalls.values()):
        raise ServiceError("ValidationException", f"Another rule group has the priority {priority} in {vpc}")


def _complete(call: Call, association: FirewallAssociation) -> None:
    if association.status == "UPDATING":
        association.status, association.modified = "COMPLETE", call.now
        changed(call)


def _remove(call: Call, association: FirewallAssociation) -> None:
    state = own_state(call)
    state.firewalls.pop(association.id, None)
    state.tags.pop(association.arn, None)


def _config(call: Call, vpc: str) -> Document:
    return {
        "Id": f"rslvr-fc-{vpc.partition('-')[2]}", "ResourceId": vpc, "OwnerId": call.account,
        "FirewallFailOpen": own_state(call).fail_open.get(vpc, "DISABLED"),
    }  # fmt: skip


def _shape(association: FirewallAssociation) -> Document:
    return {
        "Id": association.id, "Arn": association.arn, "FirewallRuleGroupId": association.group,
        "VpcId": association.vpc, "Name": association.name, "Priority": association.priority,
        "MutationProtection": association.protection, "Status": association.status, "StatusMessage": "",
        "CreatorRequestId": association.request_id, "CreationTime": time_text(association.created),
        "ModificationTime": time_text(association.modified),
    }  # fmt: skip
