"""The rules of an audit about networks and registrars: each yields findings from a snapshot and its network."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator

from surveyor.audit.findings import Finding, Severity
from surveyor.audit.network import ForwardRule, Network, Vpc, covers
from surveyor.audit.registrar_rules import (
    flapping_registrations,
    leftovers,
    ports_of_some_instances,
    registries_of_external_dns,
)
from surveyor.audit.snapshot import Instance, Registry, Snapshot

__all__ = ["NETWORK_RULES", "apply_network_rules"]

NetworkRule = Callable[[Snapshot, Network], Iterator[Finding]]


def apply_network_rules(snapshot: Snapshot, network: Network) -> list[Finding]:
    """Return the findings of all rules."""
    return [finding for rule in NETWORK_RULES for finding in rule(snapshot, network)]


def _zone_not_in_vpc(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for vpc in network.vpcs:
        for namespace in _private_namespaces(snapshot):
            rule = _rule_for(vpc, namespace)
            if "route53:ListHostedZonesByVPC" in network.unread or namespace in vpc.zones:
                continue
            if rule is not None and rule.forwards:  # to a resolver that may know it
                continue
            zone = next((zone.id for zone in snapshot.zones if _plain(zone.namespace) == namespace), "ZONE")
            yield Finding(
                "zone-not-in-vpc", Severity.BREAKS, namespace,
                f"its zone is not associated with {_described(vpc)}: names of the namespace do not resolve there",
                f"aws route53 associate-vpc-with-hosted-zone --hosted-zone-id {zone} --vpc "
                f"VPCRegion={network.region},VPCId={vpc.id}, or forward the domain to an inbound endpoint where "
                "it resolves",
                "dns.private.resolves-in-its-vpc-only",
            )  # fmt: skip


def _dns_attributes_off(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    if not any(_private_namespaces(snapshot)):
        return
    for vpc in network.vpcs:
        off = [
            name for name, is_on in (("enableDnsSupport", vpc.dns_support), ("enableDnsHostnames", vpc.dns_hostnames))
            if not is_on
        ]  # fmt: skip
        if off:
            yield Finding(
                "dns-attributes-off", Severity.BREAKS, vpc.id,
                f"{' and '.join(off)} {'is' if len(off) == 1 else 'are'} off in {_described(vpc)}: private names do "
                "not resolve there",
                "; ".join(f"aws ec2 modify-vpc-attribute --vpc-id {vpc.id} --{_OPTIONS[name]}" for name in off),
                "dns.private.needs-both-vpc-attributes",
            )  # fmt: skip


_OPTIONS = {"enableDnsSupport": "enable-dns-support", "enableDnsHostnames": "enable-dns-hostnames"}


def _shadowing_zone(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for vpc in network.vpcs:
        for registry in _in_private_dns(snapshot):
            namespace, host = _plain(registry.namespace), _plain(registry.host)
            if namespace not in vpc.zones:
                continue
            nearest = max((name for name in vpc.zones if covers(name, host)), key=len)
            if nearest != namespace:
                yield Finding(
                    "shadowed-by-a-zone", Severity.BREAKS, registry.host,
                    f"the private zone {nearest} ({vpc.zones[nearest]}) is more specific and answers in "
                    f"{_described(vpc)} instead of the namespace",
                    f"add the name to that zone, or disassociate {vpc.zones[nearest]} from {vpc.id}",
                    "dns.private.most-specific-zone-wins",
                )  # fmt: skip


def _forwarded_domain(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    """A rule for the namespace's domain in a VPC with its zone: the rule wins, and the zone is asked no more."""
    for vpc in network.vpcs:
        for namespace in _private_namespaces(snapshot):
            rule = _rule_for(vpc, namespace)
            if namespace in vpc.zones and rule is not None and rule.forwards and rule.domain == namespace:
                yield Finding(
                    "forwarder-for-the-namespace", Severity.BREAKS, namespace,
                    f"the Resolver rule {rule.id} forwards the domain from {_described(vpc)} to {_targets(rule)}, and "
                    "takes precedence over the namespace's zone",
                    f"aws route53resolver disassociate-resolver-rule --resolver-rule-id {rule.id} --vpc-id {vpc.id}",
                    "dns.private.forwarding-rule-wins",
                )  # fmt: skip


def _endpoint_down(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for vpc in network.vpcs:
        for namespace in _private_namespaces(snapshot):
            rule = _rule_for(vpc, namespace)
            if rule is not None and rule.forwards and rule.endpoint_status not in ("", "OPERATIONAL", "UPDATING"):
                yield Finding(
                    "forwarding-endpoint-down", Severity.BREAKS, namespace,
                    f"the Resolver rule {rule.id} forwards {rule.domain} from {_described(vpc)} by the outbound "
                    f"endpoint {rule.endpoint}, which is {rule.endpoint_status}: names of the namespace do not resolve "
                    "there",
                    f"aws route53resolver get-resolver-endpoint --resolver-endpoint-id {rule.endpoint} has the reason; "
                    "give it addresses in subnets that exist",
                    "resolver.rules.forward-a-domain-and-its-subdomains",
                )  # fmt: skip


def _shadowing_rule(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for vpc in network.vpcs:
        for registry in _in_private_dns(snapshot):
            namespace, rule = _plain(registry.namespace), _rule_for(vpc, _plain(registry.host))
            if namespace not in vpc.zones or rule is None or not rule.forwards:
                continue
            if rule.domain != namespace and covers(namespace, rule.domain):
                yield Finding(
                    "shadowed-by-a-rule", Severity.BREAKS, registry.host,
                    f"the Resolver rule {rule.id} forwards {rule.domain} from {_described(vpc)} to {_targets(rule)}: "
                    "it is more specific than the namespace",
                    f"aws route53resolver disassociate-resolver-rule --resolver-rule-id {rule.id} --vpc-id {vpc.id}"
                    f", or add a SYSTEM rule for {_plain(registry.host)}",
                    "resolver.rules.most-specific-domain-wins",
                )  # fmt: skip


def _blocked_names(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for vpc in network.vpcs:
        for registry in _in_private_dns(snapshot):
            host = _plain(registry.host)
            rule = next((rule for rule in vpc.firewall if any(_matches(each, host) for each in rule.domains)), None)
            if rule is not None and rule.blocks:
                yield Finding(
                    "blocked-by-dns-firewall", Severity.BREAKS, registry.host,
                    f"the rule {rule.name} of the rule group {rule.group} blocks the name in {_described(vpc)}",
                    f"add a rule with a lower priority that allows {host}",
                    "resolver.firewall.lowest-priority-first",
                )  # fmt: skip


def _checks_of_private_addresses(snapshot: Snapshot, network: Network) -> Iterator[Finding]:
    for registry in snapshot.registries.values():
        if not registry.probed:
            continue
        services = [f"{each.cluster}/{each.name}" for each in snapshot.services if each.registry == registry.arn]
        private = [instance.attributes["AWS_INSTANCE_IPV4"] for instance in registry.instances if _is_private(instance)]
        if services or private:
            what = f"{services[0]} registers its tasks" if services else f"{len(private)} of its instances are"
            yield Finding(
                "health-checks-on-private-addresses", Severity.BREAKS, registry.host,
                f"it has Route 53 health checks, and {what} at private addresses{_listed(private)}, which the health "
                "checkers do not reach: such a check is refused, and with it the registration",
                "create a Cloud Map service with HealthCheckCustomConfig, and report health from inside the VPC",
                "health.route53.not-for-local-addresses",
            )  # fmt: skip


NETWORK_RULES: tuple[NetworkRule, ...] = (
    _zone_not_in_vpc,
    _dns_attributes_off,
    _shadowing_zone,
    _forwarded_domain,
    _endpoint_down,
    _shadowing_rule,
    _blocked_names,
    _checks_of_private_addresses,
    flapping_registrations,
    leftovers,
    ports_of_some_instances,
    registries_of_external_dns,
)


def _in_private_dns(snapshot: Snapshot) -> Iterator[Registry]:
    yield from (each for each in snapshot.registries.values() if each.kind == "DNS_PRIVATE" and each.records)


def _private_namespaces(snapshot: Snapshot) -> list[str]:
    return list(dict.fromkeys(_plain(registry.namespace) for registry in _in_private_dns(snapshot)))


def _rule_for(vpc: Vpc, host: str) -> ForwardRule | None:
    """Return the most specific rule of a VPC for a host; zones are another matter."""
    return max(
        (rule for rule in vpc.rules if covers(rule.domain, host)), key=lambda rule: len(rule.domain), default=None
    )


def _matches(domain: str, host: str) -> bool:
    if domain == "*":
        return True
    return host != domain[2:] and covers(domain[2:], host) if domain.startswith("*.") else domain == host


def _is_private(instance: Instance) -> bool:
    address = instance.attributes.get("AWS_INSTANCE_IPV4", "")
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return any(parsed in network for network in _PRIVATE)


_PRIVATE = tuple(
    ipaddress.IPv4Network(block)
    for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16")
)
"""Addresses without a way from the internet (RFC 1918, 6598, 3927)."""


def _listed(addresses: list[str]) -> str:
    return f" ({', '.join(addresses[:3])})" if addresses else ""


def _targets(rule: ForwardRule) -> str:
    return ", ".join(rule.targets) or "no address"


def _described(vpc: Vpc) -> str:
    inside = f" ({', '.join(vpc.services[:3])}{' …' if len(vpc.services) > 3 else ''})" if vpc.services else ""
    return f"{vpc.id}{inside}"


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
