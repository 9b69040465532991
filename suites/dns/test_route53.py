"""Records of a namespace in Route 53's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import (
    Eventually,
    MakeNamespace,
    MakeService,
    NamespaceKind,
    RecordSets,
    Register,
    RegisterAll,
    proves,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_route53 import Route53Client
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


@proves("dns.alias.ignores-service-ttl")
def test_alias_record_has_no_ttl(
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    register_all: RegisterAll,
    record_sets: RecordSets,
    private_namespace: dict[str, Any],
) -> None:
    """In a service with TTL 300 the record of an address has that TTL; an alias record has no TTL."""
    config = {"RoutingPolicy": "WEIGHTED", "DnsRecords": [{"Type": "A", "TTL": 300}]}
    service = make_service(private_namespace, DnsConfig=config)
    load_balancer = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    register_all(service, {"lb": {"AWS_ALIAS_DNS_NAME": load_balancer}, "i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}})
    records = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    [plain] = [record for record in records if "AliasTarget" not in record]
    [alias] = [record for record in records if "AliasTarget" in record]
    assert plain["TTL"] == 300
    assert "TTL" not in alias


@pytest.fixture
def make_record(make_namespace: MakeNamespace, make_service: MakeService, register: Register) -> Any:
    """Create a namespace of a kind with an instance at 192.0.2.1, and return the parameters for TestDNSAnswer."""

    def make(kind: NamespaceKind) -> dict[str, str]:
        namespace = make_namespace(kind)
        config = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 60}]}
        service = make_service(namespace, DnsConfig=config)
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
        zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
        return {"HostedZoneId": zone, "RecordName": f"{service['Name']}.{namespace['Name']}", "RecordType": "A"}

    return make


@proves("dns.test-dns-answer-is-for-public-zones")
def test_only_public_zones_are_answered(route53: Route53Client, eventually: Eventually, make_record: Any) -> None:
    """TestDNSAnswer returns the address of an instance in a public namespace, and is refused for a private one."""
    public, private = make_record("public"), make_record("private")
    eventually(lambda: route53.test_dns_answer(**public)["RecordData"] == ["192.0.2.1"], within=timeouts.DNS_CHANGE)
    with pytest.raises(ClientError) as refusal:
        route53.test_dns_answer(**private)
    # Not documented: which of the call's two errors it is.
    assert refusal.value.response["Error"]["Code"] in ("InvalidInput", "NoSuchHostedZone")
