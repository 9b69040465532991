"""What Route 53 Resolver knows of one VPC: the rules that its resolver follows, and its DNS Firewall.

Domains: Developer Guide, "How VPC Resolver determines whether the domain name in a query matches any rules", and
"DNS Firewall domain lists". Order of firewall rules: by the priority of their group in the VPC, then by their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from surveyor_emulator.aws.route53 import names
from surveyor_emulator.aws.route53.answers import DnsAnswer, DnsRecord
from surveyor_emulator.aws.route53.rdata import TYPE_NAMES
from surveyor_emulator.core.world import World

from .state import DomainList, EndpointAddress, FirewallRule, ResolverRule, ResolverState, resolver_state

__all__ = ["Route", "VpcPolicy", "make_route", "vpc_policy"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the questions of a rule are sent: addresses on this machine. Nothing is sent from an endpoint that is gone.

    ``source`` is the address of the outbound endpoint.
    """

    source: str | None
    targets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class VpcPolicy:
    """The rules by domain, and the firewall rules in the order in which they are tried, each with its list."""

    rules: Mapping[str, ResolverRule]
    firewall: tuple[tuple[FirewallRule, DomainList], ...]
    is_filtered: bool
    fails_open: bool

    @property
    def forwarded(self) -> Mapping[str, bool]:
        """Return whether the rule for a domain forwards."""
        return {domain: rule.type == "FORWARD" for domain, rule in self.rules.items()}

    def rule_for(self, name: str) -> ResolverRule:
        """Return the most specific rule for a name that has one."""
        return next(self.rules[domain] for domain in (name, *names.ancestors(name), names.ROOT) if domain in self.rules)

    def matching(self, name: str, kind: str) -> FirewallRule | None:
        """Return the first firewall rule for a question."""
        return next((rule for rule, domains in self.firewall if _matches(rule, domains, name, kind)), None)

    def blocked(self, name: str, kind: str, chain: tuple[str, ...] = ()) -> DnsAnswer | None:
        """Return the answer to a question that a firewall rule blocks, by its name or one that it redirects to."""
        rule = self.matching(name, kind)
        for redirected in chain:
            if rule is not None and (rule.action == "BLOCK" or rule.redirection == "TRUST_REDIRECTION_DOMAIN"):
                break
            rule = self.matching(redirected, kind)
        return _block(rule, name) if rule is not None and rule.action == "BLOCK" else None

    def alerts(self, name: str, kind: str) -> FirewallRule | None:
        """Return the firewall rule that lets a question pass and reports it."""
        rule = self.matching(name, kind)
        return rule if rule is not None and rule.action == "ALERT" else None


def vpc_policy(world: World, account: str, region: str, vpc: str) -> VpcPolicy:
    """Return what applies in a VPC now."""
    state = resolver_state(world, account, region)
    rules = [
        state.rules[association.rule] for association in state.associations.values()
        if (association.vpc, association.status) == (vpc, "COMPLETE")
    ]  # fmt: skip
    groups = [each for each in state.firewalls.values() if each.vpc == vpc and each.status == "COMPLETE"]
    firewall = tuple(
        (rule, state.domain_lists[rule.domains])
        for association in sorted(groups, key=lambda each: each.priority)
        for rule in sorted(state.groups[association.group].rules.values(), key=lambda rule: rule.priority)
    )
    fails_open = state.fail_open.get(vpc) == "ENABLED"
    return VpcPolicy({rule.domain: rule for rule in rules}, firewall, bool(groups), fails_open)


def make_route(world: World, account: str, region: str, rule: ResolverRule) -> Route:
    """Return where the questions of a rule are sent.

    A target in a network of VPCs is an inbound endpoint of this account, or else of any. Of other addresses only those
    of this machine are reached: packets to all others are lost.
    """
    endpoint = resolver_state(world, account, region).endpoints.get(rule.endpoint or "")
    ready = [address for address in endpoint.addresses.values() if address.status == "ATTACHED"] if endpoint else []
    if endpoint is None or endpoint.status not in ("OPERATIONAL", "UPDATING") or not ready:
        return Route(None, ())
    is_sandbox = world.settings.task_addresses == "subnet"
    found = []
    for target in rule.targets:
        listener = _listener(world, account, endpoint.vpc, target.ip) if target.port == 53 else None
        if listener is not None:
            found.append(listener)
        elif IPv4Address(target.ip).is_loopback or is_sandbox:
            found.append((target.ip, target.port))
    return Route(ready[0].ip if is_sandbox else None, tuple(found))


def _listener(world: World, account: str, vpc: str, ip: str) -> tuple[str, int] | None:
    """Return where the inbound endpoint with this address listens: several VPCs may have the same network."""
    found = [
        (owner != account, endpoint_vpc != vpc, address.listens_at)
        for owner, endpoint_vpc, address in _inbound_addresses(world)
        if address.ip == ip and address.listens_at is not None
    ]
    return min(found)[2] if found else None


def _inbound_addresses(world: World) -> Iterator[tuple[str, str, EndpointAddress]]:
    for account, _, state in world.everywhere(ResolverState):
        for endpoint in state.endpoints.values():
            for address in endpoint.addresses.values():
                yield account, endpoint.vpc, address


def _matches(rule: FirewallRule, domains: DomainList, name: str, kind: str) -> bool:
    if rule.qtype is not None and _type_name(rule.qtype) != kind:
        return False
    known = domains.domains
    if name in known or "*" in known:
        return True
    return any(f"*.{above}" in known for above in (*names.ancestors(name), names.ROOT))


def _type_name(qtype: str) -> str:
    """Return the name of a type of question, which a rule may also have as TYPE and its number."""
    number = qtype.removeprefix("TYPE")
    return TYPE_NAMES.get(int(number), qtype) if number != qtype and number.isdecimal() else qtype


def _block(rule: FirewallRule, name: str) -> DnsAnswer:
    if rule.response == "OVERRIDE" and rule.override is not None:
        record = DnsRecord(name, "CNAME", rule.override_ttl, rule.override)
        return DnsAnswer(fixed=(record,), authoritative=False)
    return DnsAnswer("NXDOMAIN" if rule.response == "NXDOMAIN" else "NOERROR", authoritative=False)
