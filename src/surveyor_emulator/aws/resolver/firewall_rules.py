"""Groups of DNS Firewall rules, and the rules in them (Developer Guide, "DNS Firewall rule groups and rules")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import changed, find, limit_exceeded, name_in, new_id, own_state, same_request, time_text
from .paging import page
from .state import FirewallRule, RuleGroup
from .tags import read_tags

__all__ = [
    "create_firewall_rule",
    "create_firewall_rule_group",
    "delete_firewall_rule",
    "delete_firewall_rule_group",
    "get_firewall_rule_group",
    "list_firewall_rule_groups",
    "list_firewall_rules",
    "update_firewall_rule",
]

_KIND = "firewall-rule-group"
# CreateFirewallRuleRequest.Qtype.
_QTYPE = re.compile(r"A|AAAA|CAA|CNAME|DS|MX|NAPTR|NS|PTR|SOA|SPF|SRV|TXT|TYPE[1-9][0-9]{0,4}")
_ADVANCED = ("DnsThreatProtection", "FirewallRuleType", "ConfidenceThreshold")
_OVERRIDE = ("BlockOverrideDomain", "BlockOverrideDnsType", "BlockOverrideTtl")


def create_firewall_rule_group(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle CreateFirewallRuleGroup. The same request again returns the same group."""
    state = own_state(call)
    group = same_request(state.groups, request)
    if group is None:
        limit = call.world.settings.quotas.firewall_groups
        if len(state.groups) >= limit:
            raise limit_exceeded("rule groups", limit)
        tags = read_tags(request.get("Tags") or ())
        identity, arn = new_id(call, "rslvr-frg", _KIND)
        group = RuleGroup(
            identity, arn, request["CreatorRequestId"], name_in(request, "ValidationException"), call.now, call.now
        )
        state.groups[identity], state.tags[arn] = group, tags
    return {"FirewallRuleGroup": _group_shape(call, group)}


def get_firewall_rule_group(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetFirewallRuleGroup."""
    return {"FirewallRuleGroup": _group_shape(call, _find(call, request))}


def list_firewall_rule_groups(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallRuleGroups."""
    found, token = page(list(own_state(call).groups.values()), request)
    members = ("Id", "Arn", "Name", "OwnerId", "CreatorRequestId", "ShareStatus")
    return {
        "FirewallRuleGroups": [{name: _group_shape(call, each)[name] for name in members} for each in found],
        **token,
    }


def delete_firewall_rule_group(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteFirewallRuleGroup: refused while it is associated with a VPC or has rules."""
    group, state = _find(call, request), own_state(call)
    if any(association.group == group.id for association in state.firewalls.values()):
        raise ServiceError("ConflictException", f"{group.id} is associated with a VPC: disassociate it first")
    if group.rules:
        raise ServiceError("ConflictException", f"{group.id} has rules: delete them first")
    del state.groups[group.id]
    state.tags.pop(group.arn, None)
    return {"FirewallRuleGroup": {**_group_shape(call, group), "Status": "DELETING"}}


def create_firewall_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle CreateFirewallRule for a domain list."""
    group, state = _find(call, request), own_state(call)
    if any(request.get(member) for member in _ADVANCED) or not request.get("FirewallDomainListId"):
        raise _refusal("The embedded target has rules with a FirewallDomainListId")
    domains = find(state.domain_lists, request["FirewallDomainListId"], "firewall-domain-list")
    key = domains.id, request.get("Qtype")
    if key in group.rules:
        raise _refusal(f"{group.id} has a rule for {domains.id} and this type of question already")
    if request.get("Qtype") is not None and not _QTYPE.fullmatch(request["Qtype"]):
        raise _refusal(f"{request['Qtype']!r} is not a type of question")
    limit = call.world.settings.quotas.firewall_rules
    if len(group.rules) >= limit:
        raise limit_exceeded("rules of a group", limit)
    name = name_in(request, "ValidationException")
    rule = FirewallRule(
        domains.id, name, request["CreatorRequestId"], request["Priority"], request["Action"], call.now,
        call.now, qtype=request.get("Qtype"),
    )  # fmt: skip
    _apply(group, rule, request)
    group.rules[key] = rule
    _touch(call, group)
    return {"FirewallRule": _rule_shape(group, rule)}


def update_firewall_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateFirewallRule: what the request has replaces what the rule had."""
    group, rule = _find(call, request), _find_rule(call, request)
    _apply(group, rule, request)
    rule.modified = call.now
    _touch(call, group)
    return {"FirewallRule": _rule_shape(group, rule)}


def delete_firewall_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteFirewallRule."""
    group, rule = _find(call, request), _find_rule(call, request)
    del group.rules[rule.domains, rule.qtype]
    _touch(call, group)
    return {"FirewallRule": _rule_shape(group, rule)}


def list_firewall_rules(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallRules: the rules of a group by priority, of one priority or action if the request says so."""
    group = _find(call, request)
    chosen = [
        rule for rule in sorted(group.rules.values(), key=lambda rule: rule.priority)
        if request.get("Priority") in (None, rule.priority) and request.get("Action") in (None, rule.action)
    ]  # fmt: skip
    found, token = page(chosen, request)
    return {"FirewallRules": [_rule_shape(group, rule) for rule in found], **token}


def _find(call: Call, request: Mapping[str, Any]) -> RuleGroup:
    return find(own_state(call).groups, request["FirewallRuleGroupId"], _KIND)


def _find_rule(call: Call, request: Mapping[str, Any]) -> FirewallRule:
    rules = _find(call, request).rules
    found = rules.get((str(request.get("FirewallDomainListId")), request.get("Qtype")))
    if found is None:
        raise ServiceError("ResourceNotFoundException", "the group has no such rule", ResourceType="firewall-rule")
    return found


def _refusal(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def _apply(group: RuleGroup, rule: FirewallRule, request: Mapping[str, Any]) -> None:
    """Set what a request says about a rule, once all of it is valid."""
    priority = request.get("Priority", rule.priority)
    if any(other.priority == priority for other in group.rules.values() if other is not rule):
        raise _refusal(f"Another rule of {group.id} has the priority {priority}")
    action = request.get("Action", rule.action)
    response = request.get("BlockResponse", rule.response) if action == "BLOCK" else None
    if action != "BLOCK" and any(request.get(member) is not None for member in ("BlockResponse", *_OVERRIDE)):
        raise _refusal(f"BlockResponse is for the action BLOCK, not {action}")
    if action == "BLOCK" and response is None:
        raise _refusal("The action BLOCK needs a BlockResponse")
    override, ttl = (
        request.get("BlockOverrideDomain", rule.override),
        request.get("BlockOverrideTtl", rule.override_ttl),
    )
    given = [request.get(member) is not None for member in _OVERRIDE]
    if response == "OVERRIDE" and not all(given) and rule.override is None:
        raise _refusal(f"The response OVERRIDE needs {', '.join(_OVERRIDE)}")
    if response != "OVERRIDE" and any(given):
        raise _refusal(f"{', '.join(_OVERRIDE)} are for the response OVERRIDE")
    try:
        override = names.canonical(str(override)) if response == "OVERRIDE" else None
    except ValueError as error:
        raise _refusal(str(error)) from None
    name = name_in(request, "ValidationException")
    rule.priority, rule.action, rule.response = priority, action, response
    rule.override, rule.override_ttl = override, int(ttl or 0) if override else 0
    rule.name = name or rule.name
    rule.redirection = request.get("FirewallDomainRedirectionAction", rule.redirection)


def _touch(call: Call, group: RuleGroup) -> None:
    group.modified = call.now
    changed(call)


def _group_shape(call: Call, group: RuleGroup) -> Document:
    return {
        "Id": group.id, "Arn": group.arn, "Name": group.name, "RuleCount": len(group.rules), "Status": "COMPLETE",
        "StatusMessage": "", "OwnerId": call.account, "CreatorRequestId": group.request_id,
        "ShareStatus": "NOT_SHARED", "CreationTime": time_text(group.created),
        "ModificationTime": time_text(group.modified),
    }  # fmt: skip


def _rule_shape(group: RuleGroup, rule: FirewallRule) -> Document:
    block: dict[str, object] = {"BlockResponse": rule.response} if rule.response else {}
    if rule.override is not None:
        block |= {
            "BlockOverrideDomain": rule.override, "BlockOverrideDnsType": "CNAME",
            "BlockOverrideTtl": rule.override_ttl,
        }  # fmt: skip
    return {
        "FirewallRuleGroupId": group.id, "FirewallDomainListId": rule.domains, "Name": rule.name,
        "Priority": rule.priority, "Action": rule.action, **block, "CreatorRequestId": rule.request_id,
        "CreationTime": time_text(rule.created), "ModificationTime": time_text(rule.modified),
        "FirewallDomainRedirectionAction": rule.redirection, **({"Qtype": rule.qtype} if rule.qtype else {}),
    }  # fmt: skip
