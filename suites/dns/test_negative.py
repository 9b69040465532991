"""Negative answers: names that do not exist, and names without records of the type."""

import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from surveyor.testing import dns_config, for_each, proves, timeouts

A = dns_config("A")
ONE = {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}
TYPES = ["A", "AAAA", "SRV", "CNAME", "TXT", "MX", "PTR", "NS", "SOA", "CAA", "HTTPS", "TYPE65280"]


def outcome(answer):
    """Return the rcode as text, NODATA for a successful answer without records, and the number of records."""
    rcode = dns.rcode.to_text(answer.rcode())
    count = sum(len(rrset) for rrset in answer.answer)
    return "NODATA" if (rcode, count) == ("NOERROR", 0) else rcode, count


@proves("dns.negative.nxdomain-and-nodata")
def test_absent_names_are_nxdomain(publish, query_dns, public_namespace):
    """A name beside, above or below that of a service does not exist, whatever the type: there is no wildcard."""
    name = publish(public_namespace, A, ONE)
    zone = public_namespace["Name"]
    for absent in (f"absent.{zone}", f"x.{name}", f"i-1.{name}", f"x{name}", name.replace(f".{zone}", f"x.{zone}")):
        for rdtype in [*TYPES, "ANY"]:
            assert outcome(query_dns(absent, rdtype, public_namespace)) == ("NXDOMAIN", 0)


@proves("dns.negative.nxdomain-and-nodata")
@for_each("own", ["A", "AAAA", "SRV", "CNAME"])
def test_existing_names_have_no_other_types(publish, query_dns, public_namespace, own):
    """A query for another type than the service has is answered without error and without records.

    It does not matter that the instance has attributes for another type.
    """
    # RFC 2308, 2.2: NODATA has the rcode NOERROR and no relevant answers.
    attributes = {**ONE["i-1"], "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "8080"}
    if own == "CNAME":
        attributes = {"AWS_INSTANCE_CNAME": "www.example.org"}
    name = publish(public_namespace, dns_config(own, policy="WEIGHTED"), {"i-1": attributes})
    assert outcome(query_dns(name, own, public_namespace)) == ("NOERROR", 1)
    for rdtype in TYPES:
        answer = query_dns(name, rdtype, public_namespace)
        if own == "CNAME":  # RFC 1034, 3.6.2: the alias answers every type
            assert outcome(answer) == ("NOERROR", 1)
        elif rdtype != own:
            assert outcome(answer) == ("NODATA", 0)


@proves("dns.negative.nxdomain-and-nodata")
def test_dnspython_distinguishes_both(publish, make_resolver, public_namespace):
    """dnspython's resolver raises NXDOMAIN for an absent name and NoAnswer for another type."""
    name = publish(public_namespace, A, ONE)
    resolver = make_resolver(public_namespace)
    assert [record.address for record in resolver.resolve(f"{name}.", "A")] == ["192.0.2.1"]
    with pytest.raises(dns.resolver.NoAnswer):
        resolver.resolve(f"{name}.", "AAAA")
    with pytest.raises(dns.resolver.NXDOMAIN):
        resolver.resolve(f"absent.{name}.", "A")


@proves("dns.negative.names-above-others-exist")
@for_each("rdtype", ["A", "SRV"])
def test_name_above_an_existing_one_is_not_nxdomain(
    make_service, register, deregister, query_dns, eventually, unique_name, public_namespace, rdtype
):
    """Of the service b.a the name a exists without records; when its instance is gone, a does not exist either."""
    # RFC 8020: "an NXDOMAIN response for a domain name means that no child domains underneath the queried name exist"
    above = unique_name("a")
    service = make_service(public_namespace, f"c.b.{above}", DnsConfig=dns_config(rdtype))
    register(service, "i-1", {**ONE["i-1"], "AWS_INSTANCE_PORT": "80"})
    zone = public_namespace["Name"]

    def outcomes(name):
        return {outcome(query_dns(f"{name}.{zone}", kind, public_namespace)) for kind in ("A", "AAAA", "SRV", "TXT")}

    eventually(lambda: ("NOERROR", 1) in outcomes(f"c.b.{above}"), within=timeouts.DNS_CHANGE)
    assert outcomes(f"b.{above}") == outcomes(above) == {("NODATA", 0)}
    assert outcomes(f"x.b.{above}") == {("NXDOMAIN", 0)}
    deregister(service, "i-1")
    eventually(lambda: outcomes(above) == {("NXDOMAIN", 0)}, within=timeouts.DNS_CHANGE)


@proves("dns.negative.has-soa")
def test_negative_answers_have_the_soa_of_the_zone(publish, query_dns, unique_name, public_namespace):
    """The authority section of each kind of negative answer has the SOA record of the zone and nothing else."""
    # RFC 2308, 3: "MUST include the SOA record of the zone in the authority section of the response when reporting an
    # NXDOMAIN or indicating that no data … exists"
    name = publish(public_namespace, A, ONE, f"b.{unique_name('a')}")
    zone = public_namespace["Name"]
    [soa] = query_dns(zone, "SOA", public_namespace).answer
    absent, above = f"absent.{name}", name.partition(".")[2]
    for negative, rdtype in ((absent, "A"), (absent, "SRV"), (name, "AAAA"), (name, "TXT"), (above, "A"), (zone, "A")):
        answer = query_dns(negative, rdtype, public_namespace)
        assert not answer.answer
        assert answer.authority == [soa]


@proves("dns.negative.has-soa")
def test_nxdomain_of_a_resolver_has_the_soa(publish, query_dns, private_namespace):
    """NXDOMAIN of a VPC's resolver has the SOA record of the private zone."""
    publish(private_namespace, A, ONE)
    zone = private_namespace["Name"]
    answer = query_dns(f"absent.{zone}", "A", private_namespace)
    assert outcome(answer) == ("NXDOMAIN", 0)
    assert [(rrset.name.to_text(), rrset.rdtype) for rrset in answer.authority] == [(f"{zone}.", dns.rdatatype.SOA)]
