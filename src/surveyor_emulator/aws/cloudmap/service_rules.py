"""What a service may be: the documented combinations of records, routing policies and health checks.

Sources: servicediscovery CreateServiceRequest, DnsConfig, DnsRecord.Type, HealthCheckConfig, and the operation
UpdateService.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .find import invalid
from .state import DnsConfig, HealthCheckConfig, Namespace, Service

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_servicediscovery.type_defs import (
        DnsConfigUnionTypeDef,
        DnsRecordTypeDef,
        HealthCheckConfigTypeDef,
    )

__all__ = ["changed_dns", "changed_health", "dns_config", "health_check_config"]

_COMBINATIONS = [{"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"}]


def dns_config(namespace: Namespace, given: DnsConfigUnionTypeDef | None, *, api_only: bool) -> DnsConfig | None:
    """The DNS settings of a new service, or InvalidInput."""
    if given is None:
        return None
    if namespace.type == "HTTP":
        raise invalid("DnsConfig is for public and private DNS namespaces; this one is HTTP")
    if api_only:
        raise invalid("a service of Type HTTP has no DNS records; leave DnsConfig out")
    records = list(given["DnsRecords"])
    types = {record["Type"] for record in records}
    if types not in _COMBINATIONS or len(types) != len(records):
        raise invalid("DnsRecords is to be A, AAAA, A and AAAA, SRV, or CNAME, each type once")
    policy = given.get("RoutingPolicy") or "MULTIVALUE"
    if types == {"CNAME"} and policy != "WEIGHTED":
        raise invalid("a CNAME record needs the routing policy WEIGHTED")
    return DnsConfig({record["Type"]: record["TTL"] for record in records}, policy)


def health_check_config(
    namespace: Namespace,
    dns: DnsConfig | None,
    given: HealthCheckConfigTypeDef | None,
    *,
    custom: bool,
) -> HealthCheckConfig | None:
    """The Route 53 health check settings of a service, or InvalidInput."""
    if given is None:
        return None
    if custom:
        raise invalid("a service has HealthCheckConfig or HealthCheckCustomConfig, not both")
    if namespace.type == "DNS_PRIVATE":
        raise invalid("HealthCheckConfig is for public DNS and HTTP namespaces")
    if dns is not None and "CNAME" in dns.ttls:
        raise invalid("a service with a CNAME record takes no HealthCheckConfig")
    path = given.get("ResourcePath")
    if given["Type"] == "TCP":
        if path is not None:
            raise invalid("a TCP health check has no ResourcePath")
    elif path is None:
        path = "/"
    return HealthCheckConfig(given["Type"], path, given.get("FailureThreshold"))


def changed_dns(service: Service, records: Sequence[DnsRecordTypeDef] | None) -> DnsConfig | None:
    """The DNS settings after an update: TTLs may change, records left out are removed, new types are refused."""
    if not records:
        return None
    before = service.dns.ttls if service.dns is not None else {}
    for record in records:
        if record["Type"] not in before:
            raise invalid(f"the service has no {record['Type']} record; record types cannot be changed or added")
    if len({record["Type"] for record in records}) != len(records):
        raise invalid("DnsRecords names a type twice")
    assert service.dns is not None
    return DnsConfig({record["Type"]: record["TTL"] for record in records}, service.dns.policy)


def changed_health(
    service: Service, dns: DnsConfig | None, given: HealthCheckConfigTypeDef | None
) -> HealthCheckConfig | None:
    """The health check settings after an update; left out, they are removed."""
    if given is not None and service.health is not None and given["Type"] != service.health.type:
        raise invalid("the Type of a health check cannot be changed")
    return health_check_config(service.namespace, dns, given, custom=service.custom_health)
