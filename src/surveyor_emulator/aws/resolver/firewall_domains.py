"""Lists of domains that firewall rules inspect (Developer Guide, "Route 53 Resolver DNS Firewall domain lists")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import changed, find, limit_exceeded, name_in, new_id, own_state, same_request, time_text
from .paging import page
from .state import DomainList
from .tags import read_tags

__all__ = [
    "create_firewall_domain_list",
    "delete_firewall_domain_list",
    "get_firewall_domain_list",
    "list_firewall_domain_lists",
    "list_firewall_domains",
    "update_firewall_domains",
]

_KIND = "firewall-domain-list"
_ANY = "*"


def create_firewall_domain_list(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle CreateFirewallDomainList: an empty list. The same request again returns the same list."""
    state = own_state(call)
    found = same_request(state.domain_lists, request)
    if found is None:
        limit = call.world.settings.quotas.firewall_domain_lists
        if len(state.domain_lists) >= limit:
            raise limit_exceeded("domain lists", limit)
        tags = read_tags(request.get("Tags") or ())
        identity, arn = new_id(call, "rslvr-fdl", _KIND)
        found = DomainList(
            identity, arn, request["CreatorRequestId"], name_in(request, "ValidationException"), call.now, call.now
        )
        state.domain_lists[identity], state.tags[arn] = found, tags
    return {"FirewallDomainList": _shape(found)}


def get_firewall_domain_list(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetFirewallDomainList."""
    return {"FirewallDomainList": _shape(_find(call, request))}


def list_firewall_domain_lists(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallDomainLists: the account's own; lists that AWS manages do not exist here."""
    found, token = page(list(own_state(call).domain_lists.values()), request)
    members = ("Id", "Arn", "Name", "CreatorRequestId")
    shapes = [{name: _shape(each)[name] for name in members} for each in found]
    return {"FirewallDomainLists": shapes, **token}


def delete_firewall_domain_list(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteFirewallDomainList: refused while a rule uses it."""
    found, state = _find(call, request), own_state(call)
    if any(rule.domains == found.id for group in state.groups.values() for rule in group.rules.values()):
        raise ServiceError("ConflictException", f"{found.id} is used by a rule")
    del state.domain_lists[found.id]
    state.tags.pop(found.arn, None)
    return {"FirewallDomainList": {**_shape(found), "Status": "DELETING"}}


def list_firewall_domains(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListFirewallDomains; each has a dot at its end."""
    found, token = page(list(_find(call, request).domains), request)
    return {"Domains": found, **token}


def update_firewall_domains(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateFirewallDomains: ADD, REMOVE or REPLACE; the list is UPDATING until resolvers follow it."""
    found, operation = _find(call, request), request["Operation"]
    if operation not in ("ADD", "REMOVE", "REPLACE"):
        raise ServiceError("ValidationException", f"{operation} is for lists of AutoAllowlist rules")
    wanted = dict.fromkeys(_checked(request["Domains"]))
    if operation == "REMOVE":
        domains = {domain: None for domain in found.domains if domain not in wanted}
    else:
        domains = {**(found.domains if operation == "ADD" else {}), **wanted}
    limit = call.world.settings.quotas.firewall_domains
    others = sum(len(each.domains) for each in own_state(call).domain_lists.values() if each is not found)
    if others + len(domains) > limit:
        raise limit_exceeded("domains in lists", limit)
    found.status, found.modified = "UPDATING", call.now
    call.world.later(call.world.settings.resolver_association, _publish, call, found, domains)
    return {key: _shape(found)[key] for key in ("Id", "Name", "Status", "StatusMessage")}


def _find(call: Call, request: Mapping[str, Any]) -> DomainList:
    return find(own_state(call).domain_lists, request["FirewallDomainListId"], _KIND)


def _checked(domains: Iterable[str]) -> Iterable[str]:
    """Yield each domain in its canonical spelling: a name, one whose first label is an asterisk, or an asterisk."""
    for domain in domains:
        if domain == _ANY:
            yield domain
            continue
        wildcard, name = ("*.", domain[2:]) if domain.startswith("*.") else ("", domain)
        try:
            canonical = names.canonical(name)
        except ValueError as error:
            raise ServiceError("ValidationException", str(error)) from None
        if names.WILDCARD in canonical:
            raise ServiceError("ValidationException", f"an asterisk is the first label of a domain only: {domain!r}")
        yield wildcard + canonical


def _publish(call: Call, found: DomainList, domains: dict[str, None]) -> None:
    found.domains, found.status = domains, "COMPLETE"
    changed(call)


def _shape(found: DomainList) -> Document:
    return {
        "Id": found.id, "Arn": found.arn, "Name": found.name, "DomainCount": len(found.domains),
        "Status": found.status, "StatusMessage": "", "CreatorRequestId": found.request_id,
        "CreationTime": time_text(found.created), "ModificationTime": time_text(found.modified),
    }  # fmt: skip
