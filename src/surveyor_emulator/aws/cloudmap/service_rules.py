"""Rules for services: combinations of records, routing policies and health checks.

Sources: servicediscovery CreateServiceRequest, DnsConfig, DnsRecord.Type, HealthCheckConfig, and the operation
UpdateService. Where AWS's words are known from reports, errors have them, since tools match words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lookup import invalid_input
from .state import CloudMapService, DnsConfig, Namespace, ServiceHealthCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_servicediscovery.type_defs import (
        DnsConfigUnionTypeDef,
        DnsRecordTypeDef,
        HealthCheckConfigTypeDef,
    )

__all__ = ["read_dns_config", "read_health_check", "update_dns_config", "update_health_check"]

# DnsRecord.Type lists the first five. Amazon ECS Developer Guide, Service discovery: "you can create any combination of
# A or SRV records", and AAAA records beside them; services with both are in use (aws/aws-cdk#18894).
_COMBINATIONS = [
    {"A"}, {"AAAA"}, {"A", "AAAA"}, {"SRV"}, {"CNAME"}, {"A", "SRV"}, {"AAAA", "SRV"}, {"A", "AAAA", "SRV"}
]  # fmt: skip
_NO_DNS = "When you specify an HTTP service, you can't include a DnsConfig element."


def read_dns_config(
    namespace: Namespace, requested: DnsConfigUnionTypeDef | None, *, api_only: bool
) -> DnsConfig | None:
    """Return the DNS settings of a new service. Raise InvalidInput."""
    if requested is None:
        return None
    if namespace.type == "HTTP":
        raise invalid_input(_NO_DNS)
    if api_only:
        raise invalid_input(_NO_DNS)
    records = list(requested["DnsRecords"])
    types = {record["Type"] for record in records}
    if types not in _COMBINATIONS or len(types) != len(records):
        raise invalid_input("DnsRecords must be CNAME, or one or more of A, AAAA and SRV, each type once")
    policy = requested.get("RoutingPolicy") or "MULTIVALUE"
    if types == {"CNAME"} and policy != "WEIGHTED":
        raise invalid_input("WEIGHTED routing policy must be used with DNS Record Type CNAME")
    return DnsConfig({record["Type"]: record["TTL"] for record in records}, policy)


def read_health_check(
    namespace: Namespace,
    dns: DnsConfig | None,
    requested: HealthCheckConfigTypeDef | None,
    *,
    custom: bool,
) -> ServiceHealthCheck | None:
    """Return the Route 53 health check settings of a service. Raise InvalidInput."""
    if requested is None:
        return None
    if custom:
        raise invalid_input("a service has HealthCheckConfig or HealthCheckCustomConfig, not both")
    if namespace.type == "DNS_PRIVATE":
        raise invalid_input("HealthCheckConfig is for public DNS and HTTP namespaces")
    if dns is not None and "CNAME" in dns.ttls:
        raise invalid_input("a service with a CNAME record takes no HealthCheckConfig")
    path = requested.get("ResourcePath")
    if requested["Type"] == "TCP":
        if path is not None:
            raise invalid_input("a TCP health check has no ResourcePath")
    elif path is None:
        path = "/"
    return ServiceHealthCheck(requested["Type"], path, requested.get("FailureThreshold"))


def update_dns_config(service: CloudMapService, records: Sequence[DnsRecordTypeDef] | None) -> DnsConfig | None:
    """Return the DNS settings after an update: TTLs may change, omitted records are removed, new types are refused."""
    if not records:
        return None
    before = service.dns.ttls if service.dns is not None else {}
    for record in records:
        if record["Type"] not in before:
            requested = ", ".join(other["Type"] for other in records)
            raise invalid_input(
                "The record types in the request must be the same as those present in the existing service. Records in"
                f" the existing service are [{', '.join(before)}], but the records in the request are [{requested}]."
                " The record types of a service cannot be changed."
            )
    if len({record["Type"] for record in records}) != len(records):
        raise invalid_input("DnsRecords names a type twice")
    assert service.dns is not None
    return DnsConfig({record["Type"]: record["TTL"] for record in records}, service.dns.policy)


def update_health_check(
    service: CloudMapService, dns: DnsConfig | None, requested: HealthCheckConfigTypeDef | None
) -> ServiceHealthCheck | None:
    """Return the health check settings after an update; omitted settings are removed."""
    if requested is not None and service.health is not None and requested["Type"] != service.health.type:
        raise invalid_input("Type of health check cannot be changed")
    return read_health_check(service.namespace, dns, requested, custom=service.custom_health)
