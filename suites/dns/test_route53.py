"""Records of a namespace in Route 53's API."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves, record_values


@proves("dns.alias.ignores-service-ttl")
@for_each("types", {"A": ("A",), "AAAA": ("AAAA",), "A and AAAA": ("A", "AAAA")})
def test_alias_record_has_no_ttl(cloudmap, make_service, register_all, record_sets, private_namespace, types):
    """In a service with TTL 300 the records of an address have that TTL; its alias records have no TTL."""
    # DnsRecord.TTL: "If you include the AWS_ALIAS_DNS_NAME attribute when you submit a RegisterInstance request, the
    # TTL value is ignored."
    service = make_service(private_namespace, DnsConfig=dns_config(*types, ttl=300, policy="WEIGHTED"))
    load_balancer = f"surveyor-1234567890.{cloudmap.meta.region_name}.elb.amazonaws.com"
    addresses = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"}
    register_all(service, {"lb": {"AWS_ALIAS_DNS_NAME": load_balancer}, "i-1": addresses})
    records = record_sets(private_namespace, f"{service['Name']}.{private_namespace['Name']}")
    plain = [record for record in records if "AliasTarget" not in record]
    alias = [record for record in records if "AliasTarget" in record]
    assert [record["Type"] for record in plain] == [record["Type"] for record in alias] == list(types)
    assert [record["TTL"] for record in plain] == [300] * len(types)
    assert all("TTL" not in record for record in alias)


@proves("dns.alias.answers-as-its-target")
def test_alias_is_answered_with_the_addresses_of_its_target(
    make_load_balancer, make_namespace, publish, query_dns, task_vpc, network
):
    """A service whose instance is a load balancer has its addresses, for at most 60 seconds, and no CNAME record."""
    # ResourceRecordSet.TTL: "Amazon Route 53 uses the value of TTL for the alias target."
    balancer = make_load_balancer(task_vpc, network["awsvpcConfiguration"]["subnets"]).name
    namespace = make_namespace("private", Vpc=task_vpc)
    config = dns_config("A", ttl=300, policy="WEIGHTED")
    name = publish(namespace, config, {"lb": {"AWS_ALIAS_DNS_NAME": balancer}})
    addresses = sorted(record_values(query_dns(balancer, "A", vpc=task_vpc), balancer, "A"))
    assert addresses
    [answer] = query_dns(name, "A", namespace).answer
    assert (answer.name.to_text(), answer.rdtype.name) == (f"{name}.", "A")
    assert sorted(record.address for record in answer) == addresses
    assert answer.ttl <= 60


@pytest.fixture
def call_test_dns_answer(route53):
    """Call TestDNSAnswer for a name of a namespace."""

    def call(namespace, name, rdtype="A"):
        zone = namespace["Properties"]["DnsProperties"]["HostedZoneId"]
        return route53.test_dns_answer(HostedZoneId=zone, RecordName=name, RecordType=rdtype)

    return call


@proves("dns.test-dns-answer-is-for-public-zones")
def test_only_public_zones_are_answered(publish, call_test_dns_answer, public_namespace, private_namespace):
    """TestDNSAnswer returns the address of an instance in a public namespace, and is refused for a private one."""
    # TestDNSAnswer: "This call only supports querying public hosted zones."
    one = {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}
    public, private = (publish(space, dns_config("A"), one) for space in (public_namespace, private_namespace))
    assert call_test_dns_answer(public_namespace, public)["RecordData"] == ["192.0.2.1"]
    with pytest.raises(ClientError) as refusal:
        call_test_dns_answer(private_namespace, private)
    # Not documented: which of the call's two errors it is.
    assert refusal.value.response["Error"]["Code"] in ("InvalidInput", "NoSuchHostedZone")


@proves("dns.test-dns-answer.returns-the-answer")
def test_answer_is_that_of_the_name_servers(publish, route53, call_test_dns_answer, public_namespace):
    """TestDNSAnswer returns rcode, values, name, type, protocol and a name server of the zone, also for no records."""
    zone = route53.get_hosted_zone(Id=public_namespace["Properties"]["DnsProperties"]["HostedZoneId"])
    servers = zone["DelegationSet"]["NameServers"]
    addresses = {
        f"i-{n}": {"AWS_INSTANCE_IPV4": f"192.0.2.{n}", "AWS_INSTANCE_IPV6": f"2001:db8::{n}"} for n in range(1, 4)
    }
    name = publish(public_namespace, dns_config("A", "AAAA"), addresses)
    alias = publish(
        public_namespace, dns_config("CNAME", policy="WEIGHTED"), {"i-1": {"AWS_INSTANCE_CNAME": "www.example.org"}}
    )
    for asked, rdtype, rcode, expected in (
        (name, "A", "NOERROR", [f"192.0.2.{n}" for n in range(1, 4)]),
        (name, "AAAA", "NOERROR", [f"2001:db8::{n}" for n in range(1, 4)]),
        (alias, "CNAME", "NOERROR", ["www.example.org"]),
        (name, "TXT", "NOERROR", []),
        (f"absent.{name}", "A", "NXDOMAIN", []),
    ):
        answer = call_test_dns_answer(public_namespace, asked, rdtype)
        assert sorted(value.rstrip(".") for value in answer["RecordData"]) == expected
        assert (answer["ResponseCode"], answer["RecordType"]) == (rcode, rdtype)
        assert answer["RecordName"].rstrip(".") == asked
        assert answer["Nameserver"].rstrip(".") in servers
        assert answer["Protocol"] in ("UDP", "TCP")
