"""Route 53 Resolver: rules, endpoints and DNS Firewall. Associations take a while to end, and block what they join."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.ledger import Resource
from surveyor.account.refusals import DENIED
from surveyor.account.removal.account import Account, Problems, error_code, ignore_absent, retry_while

__all__ = [
    "delete_domain_lists",
    "delete_endpoints",
    "delete_rule_group_associations",
    "delete_rule_groups",
    "delete_rules",
    "disassociate_rules",
    "find_resolver",
]

_ABSENT = "ResourceNotFoundException"
_LISTS = {
    "Resolver endpoint": ("list_resolver_endpoints", "ResolverEndpoints"),
    "Resolver rule": ("list_resolver_rules", "ResolverRules"),
    "rule association": ("list_resolver_rule_associations", "ResolverRuleAssociations"),
    "domain list": ("list_firewall_domain_lists", "FirewallDomainLists"),
    "rule group": ("list_firewall_rule_groups", "FirewallRuleGroups"),
    "rule group association": ("list_firewall_rule_group_associations", "FirewallRuleGroupAssociations"),
}


def find_resolver(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return what the call created; without an answer, what has the name or the request id of the call."""
    if resource.ids:
        return resource.ids
    entries = _list(account.client("route53resolver", resource.region), resource.kind)
    wanted = resource.parameters
    if "CreatorRequestId" in wanted:
        return tuple(entry["Id"] for entry in entries if entry.get("CreatorRequestId") == wanted["CreatorRequestId"])
    place = wanted.get("ResolverRuleId"), wanted.get("VPCId")
    return tuple(entry["Id"] for entry in entries if (entry.get("ResolverRuleId"), entry.get("VPCId")) == place)


def disassociate_rules(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Take rules from VPCs, and wait until they are gone there."""
    resolver = account.client("route53resolver", region)

    def delete(identity: str) -> None:
        found = resolver.get_resolver_rule_association(ResolverRuleAssociationId=identity)["ResolverRuleAssociation"]
        _disassociate(resolver, found)
        read = partial(resolver.get_resolver_rule_association, ResolverRuleAssociationId=identity)
        _wait_until_gone(account, read)

    return _each(resolver, "rule association", ids, delete)


def delete_rules(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete rules, also from VPCs that they are associated with still."""
    resolver = account.client("route53resolver", region)

    def delete(identity: str) -> None:
        filters: Any = [{"Name": "ResolverRuleId", "Values": [identity]}]
        pages = resolver.get_paginator("list_resolver_rule_associations").paginate(Filters=filters)
        for association in [entry for page in pages for entry in page["ResolverRuleAssociations"]]:
            _disassociate(resolver, association)
        call = partial(resolver.delete_resolver_rule, ResolverRuleId=identity)
        retry_while(account, call, "ResourceInUseException", within=timeouts.REMOVAL)

    return _each(resolver, "Resolver rule", ids, delete)


def delete_endpoints(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete endpoints, and wait until their network interfaces are gone, which block subnets and groups."""
    resolver = account.client("route53resolver", region)

    def begin(identity: str) -> None:
        call = partial(resolver.delete_resolver_endpoint, ResolverEndpointId=identity)
        retry_while(account, call, "InvalidRequestException", within=timeouts.REMOVAL)

    def end(identity: str) -> None:
        _wait_until_gone(account, partial(resolver.get_resolver_endpoint, ResolverEndpointId=identity))

    kind = "Resolver endpoint"
    problems = dict(_each(resolver, kind, ids, begin))
    return {**problems, **_each(resolver, kind, [identity for identity in ids if identity not in problems], end)}


def delete_rule_group_associations(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Take rule groups from VPCs, and wait until they are gone there."""
    resolver = account.client("route53resolver", region)

    def delete(identity: str) -> None:
        with ignore_absent(_ABSENT, "ConflictException"):  # it is being deleted
            resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=identity)
        read = partial(resolver.get_firewall_rule_group_association, FirewallRuleGroupAssociationId=identity)
        _wait_until_gone(account, read)

    return _each(resolver, "rule group association", ids, delete)


def delete_rule_groups(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete rule groups with their rules, also from VPCs that they are associated with still."""
    resolver = account.client("route53resolver", region)

    def delete(identity: str) -> None:
        pages = resolver.get_paginator("list_firewall_rule_group_associations").paginate(FirewallRuleGroupId=identity)
        for association in [entry for page in pages for entry in page["FirewallRuleGroupAssociations"]]:
            with ignore_absent(_ABSENT, "ConflictException"):
                resolver.disassociate_firewall_rule_group(FirewallRuleGroupAssociationId=association["Id"])
        rules = resolver.get_paginator("list_firewall_rules").paginate(FirewallRuleGroupId=identity)
        for rule in [entry for page in rules for entry in page["FirewallRules"]]:
            chosen: Any = {"Qtype": rule["Qtype"]} if "Qtype" in rule else {}
            with ignore_absent(_ABSENT):
                resolver.delete_firewall_rule(
                    FirewallRuleGroupId=identity, FirewallDomainListId=rule["FirewallDomainListId"], **chosen
                )
        call = partial(resolver.delete_firewall_rule_group, FirewallRuleGroupId=identity)
        retry_while(account, call, "ConflictException", within=timeouts.REMOVAL)

    return _each(resolver, "rule group", ids, delete)


def delete_domain_lists(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete domain lists, which no rule uses any more."""
    resolver = account.client("route53resolver", region)

    def delete(identity: str) -> None:
        call = partial(resolver.delete_firewall_domain_list, FirewallDomainListId=identity)
        retry_while(account, call, "ConflictException", within=timeouts.REMOVAL)

    return _each(resolver, "domain list", ids, delete)


def _disassociate(resolver: Any, association: Any) -> None:
    if association.get("Status") != "DELETING":
        with ignore_absent(_ABSENT):
            resolver.disassociate_resolver_rule(
                ResolverRuleId=association["ResolverRuleId"], VPCId=association["VPCId"]
            )


def _wait_until_gone(account: Account, read: Callable[[], object]) -> None:
    def is_gone() -> bool:
        try:
            read()
        except ClientError as error:
            if error_code(error) == _ABSENT:
                return True
            raise
        return False

    account.clock.eventually(is_gone, within=timeouts.REMOVAL)


def _each(resolver: Any, kind: str, ids: Sequence[str], delete: Callable[[str], None]) -> Problems:
    """Delete one after the other; what does not exist is deleted."""
    problems: dict[str, str] = {}
    for identity in ids:
        try:
            with ignore_absent(_ABSENT):
                delete(identity)
        except (ClientError, AssertionError) as error:
            if reason := _why_left(resolver, kind, identity, error):
                problems[identity] = reason
    return problems


def _why_left(resolver: Any, kind: str, identity: str, error: ClientError | AssertionError) -> str:
    """Return why something could not be deleted; "" if it is gone.

    A role that may change only what has a tag is denied what is gone, too: it has no tags.
    """
    if isinstance(error, ClientError) and error_code(error) in DENIED:
        try:
            return str(error) if any(entry["Id"] == identity for entry in _list(resolver, kind)) else ""
        except ClientError as unread:
            return str(unread)
    return str(error)


def _list(resolver: Any, kind: str) -> list[Any]:
    operation, member = _LISTS[kind]
    return [entry for page in resolver.get_paginator(operation).paginate() for entry in page[member]]
