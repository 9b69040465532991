"""Names under which a service is answered."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.testing import (
    Clock,
    Eventually,
    MakeNamespace,
    MakeService,
    NamespaceKind,
    QueryDns,
    Register,
    proves,
    record_values,
    timeouts,
)


@proves("dns.names-are-service-and-namespace")
@pytest.mark.parametrize("kind", ["private", "public"])
@pytest.mark.parametrize(
    ("rdtype", "key", "address"),
    [("A", "AWS_INSTANCE_IPV4", "192.0.2.44"), ("AAAA", "AWS_INSTANCE_IPV6", "2001:db8::44")],
)
def test_service_is_found_in_its_namespace(
    make_namespace: MakeNamespace,
    make_service: MakeService,
    register: Register,
    query_dns: QueryDns,
    eventually: Eventually,
    kind: NamespaceKind,
    rdtype: str,
    key: str,
    address: str,
) -> None:
    """Service backend in example.com is answered as backend.example.com, with the TTL of the service."""
    namespace = make_namespace(kind)
    config = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": rdtype, "TTL": 60}]}
    service = make_service(namespace, "backend", DnsConfig=config)
    register(service, "i-1", {key: address})
    name = f"backend.{namespace['Name']}"
    assert eventually(
        lambda: record_values(query_dns(name, rdtype, namespace), name, rdtype), within=timeouts.DNS_CHANGE
    ) == [address]


@proves("dns.unchecked-instances-count-as-healthy")
@pytest.mark.parametrize("policy", ["MULTIVALUE", "WEIGHTED"])
def test_address_without_a_listener_is_answered(
    make_service: MakeService,
    register: Register,
    query_dns: QueryDns,
    eventually: Eventually,
    clock: Clock,
    public_namespace: dict[str, Any],
    policy: str,
) -> None:
    """Without a health check an address at which nothing listens is answered, and still is two minutes later."""
    config = {"RoutingPolicy": policy, "DnsRecords": [{"Type": "A", "TTL": 0}]}
    service = make_service(public_namespace, DnsConfig=config)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80"})  # RFC 5737: no host has it
    name = f"{service['Name']}.{public_namespace['Name']}"

    def addresses() -> list[str]:
        return record_values(query_dns(name, "A", public_namespace), name, "A")

    assert eventually(addresses, within=timeouts.DNS_CHANGE) == ["192.0.2.1"]
    clock.wait(120)
    assert addresses() == ["192.0.2.1"]
