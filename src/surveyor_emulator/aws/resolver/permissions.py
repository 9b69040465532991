"""The permissions that requests to Route 53 Resolver need (Service Authorization Reference)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, Find, NamedResource, arns, fill, none_named, texts
from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.world import Call

from .lookup import own_state

__all__ = ["permission_requests"]

_ARN = "arn:aws:route53resolver:{region}:{account}:"


def _tagged(kind: str, member: str) -> Find:
    """Return a function that finds the resources of a kind whose ids this parameter has, with their tags."""

    def find(call: Call, params: Mapping[str, Any]) -> list[NamedResource]:
        found = [fill(f"{_ARN}{kind}/{{name}}", call, identity) for identity in texts(params, [member])]
        return [NamedResource(arn, tags=own_state(call).tags.get(arn, {})) for arn in found]

    return find


def _rule_of_association(call: Call, params: Mapping[str, Any]) -> list[NamedResource]:
    """Return the rule of the association that a request names."""
    state = own_state(call)
    association = state.associations.get(str(params.get("ResolverRuleAssociationId")))
    rule = state.rules.get(association.rule) if association is not None else None
    return [NamedResource(rule.arn, tags=state.tags.get(rule.arn, {}))] if rule is not None else []


def _tags(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the permission to tag what a call creates with tags ("API operations defined by Amazon Route 53 Resolver").

    The new resource has no id yet.
    """
    kind = _CREATED.get(call.operation)
    if kind is not None and params.get("Tags"):
        yield PermissionRequest(fill(f"{_ARN}{kind}/{{name}}", call, "*"), {}, "route53resolver:TagResource")


_CREATED = {
    "AssociateFirewallRuleGroup": "firewall-rule-group-association",
    "CreateFirewallDomainList": "firewall-domain-list",
    "CreateFirewallRuleGroup": "firewall-rule-group",
    "CreateResolverEndpoint": "resolver-endpoint",
    "CreateResolverRule": "resolver-rule",
}
_ENDPOINTS = (
    "AssociateResolverEndpointIpAddress DeleteResolverEndpoint DisassociateResolverEndpointIpAddress "
    "GetResolverEndpoint ListResolverEndpointIpAddresses UpdateResolverEndpoint"
)
_RULES = "AssociateResolverRule DeleteResolverRule DisassociateResolverRule GetResolverRule UpdateResolverRule"
_DOMAIN_LISTS = (
    "CreateFirewallRule DeleteFirewallDomainList DeleteFirewallRule GetFirewallDomainList ListFirewallDomains "
    "UpdateFirewallDomains UpdateFirewallRule"
)
_GROUPS = (
    "CreateFirewallRule DeleteFirewallRule DeleteFirewallRuleGroup GetFirewallRuleGroup ListFirewallRules "
    "UpdateFirewallRule"
)
_ASSOCIATIONS = "DisassociateFirewallRuleGroup GetFirewallRuleGroupAssociation UpdateFirewallRuleGroupAssociation"
permission_requests = ActionTable(
    types=[
        (_tagged("resolver-endpoint", "ResolverEndpointId"), _ENDPOINTS),
        (_tagged("resolver-rule", "ResolverRuleId"), _RULES),
        (_rule_of_association, "GetResolverRuleAssociation"),
        (_tagged("firewall-domain-list", "FirewallDomainListId"), _DOMAIN_LISTS),
        (_tagged("firewall-rule-group", "FirewallRuleGroupId"), _GROUPS),
        (_tagged("firewall-rule-group-association", "FirewallRuleGroupAssociationId"), _ASSOCIATIONS),
        *((none_named(f"{_ARN}{kind}/{{name}}"), operation) for operation, kind in _CREATED.items()),
        (none_named(_ARN + "firewall-config/{name}"), "GetFirewallConfig UpdateFirewallConfig"),
        (arns("ResourceArn"), "ListTagsForResource TagResource UntagResource"),
    ],
    without="ListFirewallConfigs ListFirewallDomainLists ListFirewallRuleGroupAssociations ListFirewallRuleGroups "
    "ListResolverEndpoints ListResolverRuleAssociations ListResolverRules",
    further=_tags,
).permission_requests
