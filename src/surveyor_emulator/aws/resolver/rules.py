"""Rules, which say where a VPC's resolver asks for a domain, and their association with VPCs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from surveyor_emulator.aws.ec2 import vpcs_of
from surveyor_emulator.aws.route53 import names
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .lookup import changed, find, invalid, limit_exceeded, name_in, new_id, own_state, same_request, time_text
from .paging import filtered, page
from .state import ResolverRule, ResolverState, RuleAssociation, RuleTarget
from .tags import read_tags

__all__ = [
    "associate_resolver_rule",
    "create_resolver_rule",
    "delete_resolver_rule",
    "disassociate_resolver_rule",
    "get_resolver_rule",
    "get_resolver_rule_association",
    "list_resolver_rule_associations",
    "list_resolver_rules",
    "update_resolver_rule",
]

_KIND = "resolver-rule"
_FILTERS = {
    "CreatorRequestId": lambda rule: rule.request_id,
    "DomainName": lambda rule: rule.domain,
    "Name": lambda rule: rule.name,
    "ResolverEndpointId": lambda rule: rule.endpoint,
    "Status": lambda rule: rule.status,
    "Type": lambda rule: rule.type,
}
_ASSOCIATION_FILTERS = {
    "Name": lambda association: association.name,
    "ResolverRuleId": lambda association: association.rule,
    "Status": lambda association: association.status,
    "VPCId": lambda association: association.vpc,
}


def create_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle CreateResolverRule: FORWARD with an outbound endpoint and targets, or SYSTEM without."""
    state, kind = own_state(call), request["RuleType"]
    if kind not in ("FORWARD", "SYSTEM"):
        raise invalid(f"The embedded target has rules of type FORWARD and SYSTEM, not {kind}", "RuleType")
    if same_request(state.rules, request) is not None:
        raise ServiceError("ResourceExistsException", "a rule with this CreatorRequestId exists", ResourceType=_KIND)
    limit = call.world.settings.quotas.resolver_rules
    if len(state.rules) >= limit:
        raise limit_exceeded("resolver rules", limit)
    domain = _domain(request.get("DomainName"))
    endpoint, targets = request.get("ResolverEndpointId"), _targets(call, request.get("TargetIps") or ())
    if kind == "SYSTEM" and (endpoint or targets):
        raise ServiceError("InvalidRequestException", "A SYSTEM rule has no endpoint and no targets")
    if kind == "FORWARD" and not (endpoint and targets):
        raise ServiceError("InvalidRequestException", "A FORWARD rule needs ResolverEndpointId and TargetIps")
    if endpoint:
        _require_outbound(call, endpoint)
    tags = read_tags(request.get("Tags") or ())
    identity, arn = new_id(call, "rslvr-rr", _KIND)
    rule = ResolverRule(
        identity, arn, request["CreatorRequestId"], name_in(request), domain, kind, targets, endpoint or None,
        call.now, call.now,
    )  # fmt: skip
    state.rules[identity], state.tags[arn] = rule, tags
    call.note("resolver.rule.created", identity, domain)
    return {"ResolverRule": _shape(call, rule)}


def get_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetResolverRule."""
    return {"ResolverRule": _shape(call, _find(call, request))}


def list_resolver_rules(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListResolverRules, with filters. The rules that AWS defines by itself are not among them here."""
    found, token = page(filtered(own_state(call).rules.values(), request, _FILTERS), request)
    shapes = [_shape(call, rule) for rule in found]
    return {"MaxResults": int(request.get("MaxResults") or 10), "ResolverRules": shapes, **token}


def update_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle UpdateResolverRule: its name, targets and endpoint; the domain stays."""
    rule, config = _find(call, request), request["Config"]
    targets = _targets(call, config.get("TargetIps") or ())
    endpoint = config.get("ResolverEndpointId")
    if rule.type == "SYSTEM" and (endpoint or targets):
        raise ServiceError("InvalidRequestException", "A SYSTEM rule has no endpoint and no targets")
    name = name_in(config)
    if endpoint:
        _require_outbound(call, endpoint)
        rule.endpoint = endpoint
    rule.targets, rule.name, rule.modified = targets or rule.targets, name or rule.name, call.now
    changed(call)
    return {"ResolverRule": _shape(call, rule)}


def delete_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DeleteResolverRule: refused while the rule is associated with a VPC."""
    rule, state = _find(call, request), own_state(call)
    if any(association.rule == rule.id for association in state.associations.values()):
        raise ServiceError(
            "ResourceInUseException", f"{rule.id} is associated with a VPC: disassociate it first", ResourceType=_KIND
        )
    del state.rules[rule.id]
    state.tags.pop(rule.arn, None)
    call.note("resolver.rule.deleted", rule.id, rule.domain)
    return {"ResolverRule": {**_shape(call, rule), "Status": "DELETING"}}


def associate_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle AssociateResolverRule: one rule for a domain in a VPC; it is CREATING, then COMPLETE."""
    state = own_state(call)
    rule, vpc = _find(call, request), request["VPCId"]
    if vpc not in vpcs_of(call.world, call.account, call.region):
        raise ServiceError("ResourceNotFoundException", f"VPC '{vpc}' does not exist", ResourceType="vpc")
    present = [association for association in state.associations.values() if association.vpc == vpc]
    if any(association.rule == rule.id for association in present):
        raise ServiceError(
            "ResourceExistsException", f"{rule.id} is associated with {vpc} already", ResourceType="association"
        )
    if any(state.rules[association.rule].domain == rule.domain for association in present):
        raise ServiceError("InvalidRequestException", f"Another rule for {rule.domain} is associated with {vpc}")
    _require_no_loop(state, rule, vpc)
    limit = call.world.settings.quotas.resolver_rule_associations
    if len(state.associations) >= limit:
        raise limit_exceeded("associations of rules", limit)
    identity, _ = new_id(call, "rslvr-rrassoc", "association")
    association = RuleAssociation(identity, rule.id, name_in(request), vpc)
    state.associations[identity] = association
    call.world.later(call.world.settings.resolver_association, _complete, call, association)
    call.note("resolver.rule.associated", rule.id, vpc)
    return {"ResolverRuleAssociation": _association(association)}


def disassociate_resolver_rule(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle DisassociateResolverRule: the VPC stops following the rule, and the association goes after a while."""
    state, rule = own_state(call), _find(call, request)
    for association in state.associations.values():
        if (association.rule, association.vpc) == (rule.id, request["VPCId"]) and association.status != "DELETING":
            association.status = "DELETING"
            call.world.later(call.world.settings.resolver_association, _remove, call, association)
            changed(call)
            call.note("resolver.rule.disassociated", rule.id, association.vpc)
            return {"ResolverRuleAssociation": _association(association)}
    raise ServiceError(
        "ResourceNotFoundException", f"{rule.id} is not associated with {request['VPCId']}", ResourceType="association"
    )


def get_resolver_rule_association(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle GetResolverRuleAssociation."""
    found = find(own_state(call).associations, request["ResolverRuleAssociationId"], "resolver-rule-association")
    return {"ResolverRuleAssociation": _association(found)}


def list_resolver_rule_associations(call: Call, request: Mapping[str, Any]) -> Document:
    """Handle ListResolverRuleAssociations, with filters."""
    found, token = page(filtered(own_state(call).associations.values(), request, _ASSOCIATION_FILTERS), request)
    shapes = list(map(_association, found))
    return {"MaxResults": int(request.get("MaxResults") or 10), "ResolverRuleAssociations": shapes, **token}


def _find(call: Call, request: Mapping[str, Any]) -> ResolverRule:
    return find(own_state(call).rules, request["ResolverRuleId"], _KIND)


def _domain(text: object) -> str:
    if not text:
        raise invalid("DomainName is required", "DomainName")
    try:
        return names.canonical(str(text))
    except ValueError as error:
        raise invalid(str(error), "DomainName") from None


def _targets(call: Call, wanted: Sequence[Mapping[str, Any]]) -> tuple[RuleTarget, ...]:
    limit = call.world.settings.quotas.resolver_rule_targets
    if len(wanted) > limit:
        raise limit_exceeded("targets of a rule", limit)
    found = []
    for each in wanted:
        try:
            address = IPv4Address(each.get("Ip", ""))
        except AddressValueError:
            raise invalid(f"'{each.get('Ip') or each.get('Ipv6')}' is not an IPv4 address", "TargetIps") from None
        if each.get("Protocol", "Do53") != "Do53":
            raise invalid("The embedded target forwards over Do53", "TargetIps")
        found.append(RuleTarget(str(address), int(each.get("Port") or 53)))
    return tuple(found)


def _require_outbound(call: Call, endpoint: str) -> None:
    found = find(own_state(call).endpoints, endpoint, "resolver-endpoint")
    if found.direction != "OUTBOUND":
        raise ServiceError(
            "InvalidRequestException", f"{endpoint} is an inbound endpoint: a rule needs an outbound one"
        )
    if found.status not in ("OPERATIONAL", "UPDATING"):
        raise ServiceError(
            "ResourceUnavailableException", f"{endpoint} is {found.status}", ResourceType="resolver-endpoint"
        )


def _require_no_loop(state: ResolverState, rule: ResolverRule, vpc: str) -> None:
    """Refuse a rule whose target is an inbound endpoint of the VPC itself.

    Answer of AWS in aws-samples/aws-network-hub-for-terraform#26; longer loops are not noticed.
    """
    inbound = {
        address.ip
        for endpoint in state.endpoints.values() if (endpoint.direction, endpoint.vpc) == ("INBOUND", vpc)
        for address in endpoint.addresses.values()
    }  # fmt: skip
    if any(target.ip in inbound for target in rule.targets):
        raise ServiceError(
            "InvalidRequestException",
            f"[RSLVR-00804] Cannot associate rule {rule.id} to VPC {vpc} because the VPC include an INBOUND resolver"
            " endpoints with rule's target IP. Please try a different rule or update rule's target IP.",
        )


def _complete(call: Call, association: RuleAssociation) -> None:
    if association.status == "CREATING":
        association.status = "COMPLETE"
        changed(call)


def _remove(call: Call, association: RuleAssociation) -> None:
    own_state(call).associations.pop(association.id, None)


def _shape(call: Call, rule: ResolverRule) -> Document:
    targets = [{"Ip": target.ip, "Port": target.port, "Protocol": "Do53"} for target in rule.targets]
    return {
        "Id": rule.id, "CreatorRequestId": rule.request_id, "Arn": rule.arn, "DomainName": rule.domain,
        "Status": rule.status, "StatusMessage": "", "RuleType": rule.type, "Name": rule.name,
        "OwnerId": call.account, "ShareStatus": "NOT_SHARED", "CreationTime": time_text(rule.created),
        "ModificationTime": time_text(rule.modified),
        **({"TargetIps": targets, "ResolverEndpointId": rule.endpoint} if rule.type == "FORWARD" else {}),
    }  # fmt: skip


def _association(association: RuleAssociation) -> Document:
    return {
        "Id": association.id, "ResolverRuleId": association.rule, "Name": association.name, "VPCId": association.vpc,
        "Status": association.status, "StatusMessage": "",
    }  # fmt: skip
