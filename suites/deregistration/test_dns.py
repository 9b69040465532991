"""DNS after an instance was deregistered."""

import dns.name
import dns.rcode
import dns.rdatatype

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

TTL = 15
FIRST = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "80"}
SECOND = {"AWS_INSTANCE_IPV4": "192.0.2.2", "AWS_INSTANCE_IPV6": "2001:db8::2", "AWS_INSTANCE_PORT": "80"}
# Record type -> the values of both instances; host names without the service's name.
VALUES = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "AAAA": ["2001:db8::1", "2001:db8::2"],
    "SRV": ["1 1 80 i-1.", "1 1 80 i-2."],
}


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
@for_each("kind", ["public", "private"])
@for_each("types", {"A AAAA": ["A", "AAAA"], "SRV": ["SRV"]})
def test_address_leaves_and_does_not_return(
    make_namespace, make_service, register_all, deregister, query_dns, eventually, always, clock, kind, types
):
    """Name servers drop the records within 60 seconds, a VPC's resolver one TTL later; the other instance's stay."""
    # route53/ChangeResourceRecordSets: "Changes generally propagate to all Route 53 name servers managing the hosted
    # zone within 60 seconds."
    namespace = make_namespace(kind)
    service = make_service(namespace, DnsConfig=dns_config(*types, ttl=TTL))
    register_all(service, {"i-1": FIRST, "i-2": SECOND})
    name = f"{service['Name']}.{namespace['Name']}"

    def answers():
        values = {rdtype: record_values(query_dns(name, rdtype, namespace), name, rdtype) for rdtype in types}
        return {rdtype: sorted(text.removesuffix(f"{name}.") for text in values[rdtype]) for rdtype in types}

    def addresses_of(host):
        return record_values(query_dns(f"{host}.{name}", "A", namespace), f"{host}.{name}", "A")

    clock.wait(timeouts.DNS_CHANGE)  # a resolver that is queried too early caches the negative answer
    eventually(lambda: answers() == {rdtype: VALUES[rdtype] for rdtype in types}, within=timeouts.DNS_CHANGE)
    deregister(service, "i-1")
    remaining = {rdtype: VALUES[rdtype][1:] for rdtype in types}
    eventually(lambda: answers() == remaining, within=timeouts.DNS_CHANGE + (TTL if kind == "private" else 0))
    always(lambda: answers() == remaining, during=60)
    if types == ["SRV"]:
        assert (addresses_of("i-1"), addresses_of("i-2")) == ([], ["192.0.2.2"])


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
def test_weighted_answers_leave(
    make_service, register_all, deregister, query_dns_repeatedly, eventually, public_namespace
):
    """With WEIGHTED routing twenty answers in a row have only the address of the remaining instance."""
    service = make_service(public_namespace, DnsConfig=dns_config("A", ttl=TTL, policy="WEIGHTED"))
    register_all(service, {"i-1": FIRST, "i-2": SECOND})
    name = f"{service['Name']}.{public_namespace['Name']}"

    def addresses():
        found = query_dns_repeatedly(name, "A", public_namespace, times=20)
        answers = [record_values(answer, name, "A") for answer in found]
        return {address for answer in answers for address in answer or ["none"]}

    # With two equal weights twenty answers lack an address once in 500,000 times.
    eventually(lambda: addresses() == {"192.0.2.1", "192.0.2.2"}, within=timeouts.DNS_CHANGE)
    deregister(service, "i-1")
    eventually(lambda: addresses() == {"192.0.2.2"}, within=timeouts.DNS_CHANGE)


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
@for_each("rdtype", ["A", "AAAA", "SRV"])
def test_answers_carry_the_ttl_of_the_service(make_service, register, query_dns, eventually, public_namespace, rdtype):
    """An answer carries the TTL of the service, after which a cache must query again."""
    service = make_service(public_namespace, DnsConfig=dns_config(rdtype, ttl=TTL))
    register(service, "i-1", FIRST)
    name = f"{service['Name']}.{public_namespace['Name']}"
    answer = eventually(lambda: query_dns(name, rdtype, public_namespace).answer, within=timeouts.DNS_CHANGE)
    assert [rrset.ttl for rrset in answer] == [TTL]


@proves("deregistration.last-record-leaves-negative-answer")
@for_each("types", {"A AAAA": ["A", "AAAA"], "SRV": ["SRV"]})
def test_name_without_instances_is_answered_with_the_soa(
    make_namespace, make_service, register_all, deregister, query_dns, eventually, types
):
    """Without instances, not before, the answer has no record but the zone's SOA, with the namespace's SOA TTL."""
    namespace = make_namespace("public", Properties={"DnsProperties": {"SOA": {"TTL": 77}}})
    service = make_service(namespace, DnsConfig=dns_config(*types, ttl=TTL))
    name = f"{service['Name']}.{namespace['Name']}"
    register_all(service, {"i-1": FIRST, "i-2": SECOND})

    def counts():
        return [len(record_values(query_dns(name, rdtype, namespace), name, rdtype)) for rdtype in types]

    for left, instance in ((2, "i-1"), (1, "i-2"), (0, None)):
        eventually(lambda left=left: counts() == [left] * len(types), within=timeouts.DNS_CHANGE)
        if instance:
            deregister(service, instance)
    for rdtype in types:
        answer = query_dns(name, rdtype, namespace)
        # Two pages disagree on which of the two rcodes a name gets that has had records.
        assert answer.rcode() in (dns.rcode.NXDOMAIN, dns.rcode.NOERROR)
        assert not answer.answer
        [soa] = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
        assert (soa.name, soa.ttl) == (dns.name.from_text(namespace["Name"]), 77)
