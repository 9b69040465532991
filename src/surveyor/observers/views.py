"""Views of a service: what ListInstances, DiscoverInstances and a DNS server answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dns.rcode
import dns.rdatatype

from surveyor.dns import DnsAddress, query_server
from surveyor.errors import NoAnswer
from surveyor.history import View, ViewMember
from surveyor.observers.service_under_test import ServiceUnderTest

__all__ = ["ViewContents", "discover_instances", "list_instances", "resolve_name", "views_of"]

MAX_DISCOVERED = 1_000
"""Maximum number of instances in a response of DiscoverInstances (servicediscovery/DiscoverMaxResults)."""


@dataclass(frozen=True)
class ViewContents:
    """What a view contained when it was polled."""

    members: Mapping[str, ViewMember]
    revision: int = 0
    ttl: float = 0.0


def views_of(service: ServiceUnderTest) -> dict[str, View]:
    """Return the views of a service, as the header of a history describes them."""
    views = {"list": View(), "discover": View(), "healthy": View(healthy=True)}
    if service.alias:
        # At most eight addresses, and only healthy ones if any is healthy (servicediscovery/DnsConfig.RoutingPolicy).
        views["names"] = View("addresses", healthy=service.health, max_members=8)
    return views


def list_instances(cloudmap: Any, service: ServiceUnderTest) -> ViewContents:
    """Return all pages of ListInstances."""
    pages = cloudmap.get_paginator("list_instances").paginate(ServiceId=service.registry)
    instances = [instance for page in pages for instance in page["Instances"]]
    return ViewContents({instance["Id"]: ViewMember(_address(instance)) for instance in instances})


def discover_instances(cloudmap: Any, service: ServiceUnderTest, health: str = "ALL") -> ViewContents:
    """Return the response of DiscoverInstances with that HealthStatus."""
    owner = {"OwnerAccount": service.owner} if service.owner else {}
    response = cloudmap.discover_instances(
        NamespaceName=service.namespace,
        ServiceName=service.name,
        HealthStatus=health,
        MaxResults=MAX_DISCOVERED,
        **owner,
    )
    members = {
        instance["InstanceId"]: ViewMember(_address(instance), instance.get("HealthStatus") or "")
        for instance in response["Instances"]
    }
    return ViewContents(members, int(response.get("InstancesRevision") or 0))


def resolve_name(server: DnsAddress, name: str, timeout: float) -> ViewContents:
    """Return the addresses that a DNS server gives for a name.

    Raises NoAnswer, also for a response code other than NOERROR and NXDOMAIN.
    """
    response = query_server(name, "A", server, timeout=timeout)
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        code = dns.rcode.to_text(response.rcode())
        raise NoAnswer(f"the resolver answered {code}", actual=f"dns: {code}")
    rrsets = [rrset for rrset in response.answer if rrset.rdtype == dns.rdatatype.A]
    members = {record.to_text(): ViewMember(record.to_text()) for rrset in rrsets for record in rrset}
    return ViewContents(members, ttl=float(min((rrset.ttl for rrset in rrsets), default=0)))


def _address(instance: Mapping[str, Any]) -> str:
    return str((instance.get("Attributes") or {}).get("AWS_INSTANCE_IPV4") or "")
