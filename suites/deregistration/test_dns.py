"""DNS after an instance was deregistered."""

import dns.rcode
import dns.rdatatype
import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts

TTL = 15
A = dns_config("A", ttl=TTL)
FIRST, SECOND = {"AWS_INSTANCE_IPV4": "192.0.2.1"}, {"AWS_INSTANCE_IPV4": "192.0.2.2"}


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
@pytest.mark.parametrize(("kind", "within"), [("public", timeouts.DNS_CHANGE), ("private", timeouts.DNS_CHANGE + TTL)])
def test_address_leaves_and_does_not_return(
    make_namespace, make_service, register_all, deregister, query_dns, eventually, always, clock, kind, within
):
    """Name servers drop the address within 60 seconds, a VPC's resolver one TTL later; the other address stays."""
    namespace = make_namespace(kind)
    service = make_service(namespace, DnsConfig=A)
    register_all(service, {"i-1": FIRST, "i-2": SECOND})
    name = f"{service['Name']}.{namespace['Name']}"

    def addresses():
        return sorted(record_values(query_dns(name, "A", namespace), name, "A"))

    clock.wait(timeouts.DNS_CHANGE)  # a resolver that is queried too early caches the negative answer
    eventually(lambda: addresses() == ["192.0.2.1", "192.0.2.2"], within=timeouts.DNS_CHANGE)
    deregister(service, "i-1")
    eventually(lambda: addresses() == ["192.0.2.2"], within=within)
    always(lambda: addresses() == ["192.0.2.2"], during=60)


@proves("deregistration.gone-from-dns-within-a-minute-and-ttl")
def test_answers_carry_the_ttl_of_the_service(make_service, register, query_dns, eventually, public_namespace):
    """An answer carries the TTL of the service, after which a cache must query again."""
    service = make_service(public_namespace, DnsConfig=A)
    register(service, "i-1", FIRST)
    name = f"{service['Name']}.{public_namespace['Name']}"
    [answer] = eventually(lambda: query_dns(name, "A", public_namespace).answer, within=timeouts.DNS_CHANGE)
    assert answer.ttl == TTL


@proves("deregistration.last-record-leaves-negative-answer")
def test_name_without_instances_is_answered_with_the_soa(
    make_namespace, make_service, register, deregister, query_dns, eventually
):
    """Without instances the answer has no address, and an SOA record with the namespace's SOA TTL."""
    namespace = make_namespace("public", Properties={"DnsProperties": {"SOA": {"TTL": 77}}})
    service = make_service(namespace, DnsConfig=A)
    name = f"{service['Name']}.{namespace['Name']}"
    register(service, "i-1", FIRST)
    eventually(
        lambda: record_values(query_dns(name, "A", namespace), name, "A") == ["192.0.2.1"], within=timeouts.DNS_CHANGE
    )
    deregister(service, "i-1")
    eventually(lambda: not record_values(query_dns(name, "A", namespace), name, "A"), within=timeouts.DNS_CHANGE)
    answer = query_dns(name, "A", namespace)
    # Two pages disagree on which of the two rcodes a name gets that has had records.
    assert answer.rcode() in (dns.rcode.NXDOMAIN, dns.rcode.NOERROR)
    assert not answer.answer
    [soa] = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
    assert min(soa.ttl, soa[0].minimum) == 77
