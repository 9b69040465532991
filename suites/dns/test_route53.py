"""Records of a namespace in Route 53's API."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, proves, timeouts


@proves("dns.alias.ignores-service-ttl")
def test_alias_record_has_no_ttl(cloudmap, make_service, register_all, record_sets, private_namespace):
    """In a service with TTL 300 the record of an address has that TTL; an alias record has no TTL."""
    config = dns_config("A", ttl=300, policy="WEIGHTED")
    service = make_service(private_namespace, DnsConfig=config)
    load_balancer = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    register_all(service, {"lb": {"AWS_ALIAS_DNS_NAME": load_balancer}, "i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}})
    records = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    [plain] = [record for record in records if "AliasTarget" not in record]
    [alias] = [record for record in records if "AliasTarget" in record]
    assert plain["TTL"] == 300
    assert "TTL" not in alias


@pytest.fixture
def make_record(make_namespace, make_service, register):
    """Create a namespace of a kind with an instance at 192.0.2.1, and return the parameters for TestDNSAnswer."""

    def make(kind):
        namespace = make_namespace(kind)
        config = dns_config("A")
        service = make_service(namespace, DnsConfig=config)
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
        zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
        return {"HostedZoneId": zone, "RecordName": f"{service['Name']}.{namespace['Name']}", "RecordType": "A"}

    return make


@proves("dns.test-dns-answer-is-for-public-zones")
def test_only_public_zones_are_answered(route53, eventually, make_record):
    """TestDNSAnswer returns the address of an instance in a public namespace, and is refused for a private one."""
    public, private = make_record("public"), make_record("private")
    eventually(lambda: route53.test_dns_answer(**public)["RecordData"] == ["192.0.2.1"], within=timeouts.DNS_CHANGE)
    with pytest.raises(ClientError) as refusal:
        route53.test_dns_answer(**private)
    # Not documented: which of the call's two errors it is.
    assert refusal.value.response["Error"]["Code"] in ("InvalidInput", "NoSuchHostedZone")
