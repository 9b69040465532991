"""Read how the VPCs of clients resolve names: what may not be read is named, and not judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from surveyor.audit.network import BlockRule, ForwardRule, Network, Vpc
from surveyor.audit.reader import ReadOnlyClients
from surveyor.audit.snapshot import Snapshot

__all__ = ["PERIOD", "read_network"]

PERIOD = 3_600.0
"""Seconds: how far back operations are read."""

_MAX_OPERATIONS = 200
"""Operations of one service of which the instance is read: each is a call."""

_RESOLVER = "route53resolver"


def read_network(snapshot: Snapshot, clients: ReadOnlyClients, vpcs: Collection[str], now: float) -> Network:
    """Return what decides how clients in the VPCs of the services, and in further `vpcs`, find what is in scope.

    `now`: the time in seconds since the epoch.
    """
    clients = replace(clients, refused={}, is_tolerant=True)
    by_vpc = _services_by_vpc(snapshot, clients)
    # By a filter: a call that names a VPC which does not exist is repeated, since it may be a new one.
    filters = [{"Name": "vpc-id", "Values": sorted(vpcs)}]
    for described in clients.entries("ec2", "describe_vpcs", "Vpcs", Filters=filters) if vpcs else ():
        by_vpc.setdefault(str(described["VpcId"]), [])
    read = [_vpc(clients, each, by_vpc[each]) for each in sorted(by_vpc)]
    found = tuple(vpc for vpc in read if vpc is not None)
    clients.report_progress(f"VPCs: {len(found)}")
    registrations = {
        registry.arn: _registrations(clients, registry.id, now) for registry in snapshot.registries.values()
    }
    unknown = frozenset(_unknown_services(snapshot, clients))
    region = str(clients.client("ec2").meta.region_name)
    return Network(found, registrations, PERIOD, unknown, dict(clients.refused), region)


def _services_by_vpc(snapshot: Snapshot, clients: ReadOnlyClients) -> dict[str, list[str]]:
    subnets = sorted({subnet for service in snapshot.services for subnet in service.subnets})
    vpcs: dict[str, str] = {}
    for start in range(0, len(subnets), 100):
        described = clients.get("ec2", "describe_subnets", "Subnets", SubnetIds=subnets[start : start + 100])
        vpcs |= {subnet["SubnetId"]: str(subnet["VpcId"]) for subnet in described or ()}
    found: dict[str, list[str]] = {}
    for service in snapshot.services:
        for vpc in dict.fromkeys(vpcs[subnet] for subnet in service.subnets if subnet in vpcs):
            found.setdefault(vpc, []).append(f"{service.cluster}/{service.name}")
    return found


def _vpc(clients: ReadOnlyClients, vpc: str, services: Collection[str]) -> Vpc | None:
    attributes = [
        clients.get("ec2", "describe_vpc_attribute", member, VpcId=vpc, Attribute=name)
        for name, member in (("enableDnsSupport", "EnableDnsSupport"), ("enableDnsHostnames", "EnableDnsHostnames"))
    ]
    if None in attributes:
        return None
    region = clients.client("ec2").meta.region_name
    zones = _zones(clients, vpc, region)
    support, hostnames = (bool(attribute["Value"]) for attribute in attributes if attribute is not None)
    return Vpc(
        vpc, support, hostnames, zones, tuple(_rules(clients, vpc)), tuple(_firewall(clients, vpc)), tuple(services)
    )


def _zones(clients: ReadOnlyClients, vpc: str, region: str) -> dict[str, str]:
    zones: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        page = clients.answer("route53", "list_hosted_zones_by_vpc", VPCId=vpc, VPCRegion=region, **token)
        for summary in (page or {}).get("HostedZoneSummaries") or ():
            zones[_plain(summary["Name"])] = str(summary["HostedZoneId"])
        if not page or not page.get("NextToken"):
            return zones
        token = {"NextToken": str(page["NextToken"])}


def _rules(clients: ReadOnlyClients, vpc: str) -> Iterator[ForwardRule]:
    """Yield the rules of a VPC that users made: those that AWS defines say what happens without them."""
    filters = [{"Name": "VPCId", "Values": [vpc]}]
    associations = clients.entries(
        _RESOLVER, "list_resolver_rule_associations", "ResolverRuleAssociations", Filters=filters
    )
    for association in associations:
        identity = association["ResolverRuleId"]
        if association.get("Status") not in ("COMPLETE", "CREATING"):
            continue
        rule = clients.get(_RESOLVER, "get_resolver_rule", "ResolverRule", ResolverRuleId=identity)
        if rule is not None and rule.get("RuleType") in ("FORWARD", "SYSTEM"):
            targets = tuple(str(target.get("Ip") or target.get("Ipv6")) for target in rule.get("TargetIps") or ())
            endpoint = str(rule.get("ResolverEndpointId") or "")
            yield ForwardRule(
                identity, _plain(rule.get("DomainName", "")), rule["RuleType"] == "FORWARD", targets,
                endpoint, _endpoint_status(clients, endpoint),
            )  # fmt: skip


def _endpoint_status(clients: ReadOnlyClients, endpoint: str) -> str:
    """Return the status of an endpoint: "" if it is of another account, or may not be read."""
    params = {"ResolverEndpointId": endpoint}
    found = clients.get(_RESOLVER, "get_resolver_endpoint", "ResolverEndpoint", **params) if endpoint else None
    return "" if found is None else str(found.get("Status") or "")


def _firewall(clients: ReadOnlyClients, vpc: str) -> Iterator[BlockRule]:
    groups = list(
        clients.entries(_RESOLVER, "list_firewall_rule_group_associations", "FirewallRuleGroupAssociations", VpcId=vpc)
    )
    for association in sorted(groups, key=lambda each: int(each["Priority"])):
        group = str(association["FirewallRuleGroupId"])
        rules = list(clients.entries(_RESOLVER, "list_firewall_rules", "FirewallRules", FirewallRuleGroupId=group))
        for rule in sorted(rules, key=lambda each: int(each["Priority"])):
            identity = rule.get("FirewallDomainListId")
            if identity is None or rule.get("Qtype") not in (None, "A", "AAAA", "SRV"):
                continue
            domains = clients.entries(_RESOLVER, "list_firewall_domains", "Domains", FirewallDomainListId=identity)
            yield BlockRule(rule["Name"], group, rule["Action"] == "BLOCK", tuple(_plain(domain) for domain in domains))


def _registrations(clients: ReadOnlyClients, service: str, now: float) -> Mapping[str, int]:
    """Return how often each instance of a service was registered within the period."""
    filters = [
        {"Name": "SERVICE_ID", "Values": [service], "Condition": "EQ"},
        {"Name": "TYPE", "Values": ["REGISTER_INSTANCE"], "Condition": "EQ"},
        {"Name": "UPDATE_DATE", "Values": [str(int(now - PERIOD)), str(int(now + PERIOD))], "Condition": "BETWEEN"},
    ]
    listed = list(clients.entries("servicediscovery", "list_operations", "Operations", Filters=filters))
    counts: Counter[str] = Counter()
    for entry in listed[-_MAX_OPERATIONS:]:
        operation = clients.get("servicediscovery", "get_operation", "Operation", OperationId=entry["Id"])
        instance = ((operation or {}).get("Targets") or {}).get("INSTANCE")
        if instance:
            counts[str(instance)] += 1
    return counts


def _unknown_services(snapshot: Snapshot, clients: ReadOnlyClients) -> Iterator[str]:
    """Yield CLUSTER/SERVICE of instances that name a service of ECS which does not exist."""
    named = {
        (attributes["ECS_CLUSTER_NAME"], attributes["ECS_SERVICE_NAME"])
        for registry in snapshot.registries.values()
        for attributes in (instance.attributes for instance in registry.instances)
        if attributes.get("ECS_CLUSTER_NAME") and attributes.get("ECS_SERVICE_NAME")
    }
    known = {(service.cluster, service.name) for service in snapshot.services}
    for cluster, service in sorted(named - known):
        described = clients.answer("ecs", "describe_services", cluster=cluster, services=[service])
        if described is None and "ecs:DescribeServices" in clients.refused:
            continue
        services = (described or {}).get("services") or ()  # none in a cluster that does not exist
        if all(each["status"] == "INACTIVE" for each in services):
            yield f"{cluster}/{service}"


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
