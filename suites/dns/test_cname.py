"""CNAME records: one target of those registered, followed within the zone."""

import dns.rcode

from surveyor.testing import dns_config, for_each, proves, record_values

CNAME = dns_config("CNAME", policy="WEIGHTED")


def chain(answer):
    """Return the answer section as (owner, type and value) of each record, in order."""
    return [(rrset.name.to_text(), record.rdtype.name, record.to_text()) for rrset in answer.answer for record in rrset]


@proves("dns.cname.returns-the-target")
@for_each("kind", ["private", "public"])
def test_alias_is_answered_for_every_type(publish, namespace_of_kind, query_dns, kind):
    """A query for CNAME returns the only target and nothing else; one for another type begins with it."""
    # DnsRecord.Type: "Route 53 returns the domain name of the resource, such as www.example.com."
    namespace = namespace_of_kind(kind)
    name = publish(namespace, CNAME, {"i-1": {"AWS_INSTANCE_CNAME": "www.surveyor.invalid"}})
    expected = (f"{name}.", "CNAME", "www.surveyor.invalid.")
    assert chain(query_dns(name, "CNAME", namespace)) == [expected]
    if kind == "public":  # a resolver may fail for want of the target
        for rdtype in ("A", "AAAA", "SRV", "TXT"):
            assert chain(query_dns(name, rdtype, namespace)) == [expected]


@proves("dns.cname.returns-the-target")
def test_each_answer_has_one_target_of_several(publish, query_dns_repeatedly, public_namespace):
    """With three instances each answer has one target, and in 100 answers each target occurs.

    With equal chances one of the three is missing from 100 answers once in 10^17 runs.
    """
    # RFC 2181, 10.1: there may be at most one CNAME record at a name.
    targets = [f"www-{number}.example.org." for number in range(3)]
    instances = {f"i-{n}": {"AWS_INSTANCE_CNAME": target.rstrip(".")} for n, target in enumerate(targets)}
    name = publish(public_namespace, CNAME, instances)
    found = query_dns_repeatedly(name, "CNAME", public_namespace, times=100)
    answers = [record_values(answer, name, "CNAME") for answer in found]
    assert sorted({target for [target] in answers}) == targets


@proves("dns.cname.is-followed-in-the-zone")
def test_targets_in_the_zone_are_answered_too(publish, query_dns, make_resolver, public_namespace):
    """A query for an address returns the CNAME records in order, then the addresses of the last target."""
    # RFC 1034, 3.6.2: "the name server includes the CNAME record in the response and restarts the query at the domain
    # name specified in the data field"
    addresses = {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1"}
    target = publish(public_namespace, dns_config("A", "AAAA", ttl=17), {"i-1": addresses})
    middle = publish(public_namespace, CNAME, {"i-1": {"AWS_INSTANCE_CNAME": target}})
    name = publish(public_namespace, CNAME, {"i-1": {"AWS_INSTANCE_CNAME": middle}})
    aliases = [(f"{name}.", "CNAME", f"{middle}."), (f"{middle}.", "CNAME", f"{target}.")]
    for rdtype, address in (("A", "192.0.2.1"), ("AAAA", "2001:db8::1")):
        answer = query_dns(name, rdtype, public_namespace)
        assert chain(answer) == [*aliases, (f"{target}.", rdtype, address)]
        assert [rrset.ttl for rrset in answer.answer] == [60, 60, 17]
    assert chain(query_dns(name, "CNAME", public_namespace)) == aliases[:1]
    found = make_resolver(public_namespace).resolve(f"{name}.", "A")
    assert (found.canonical_name.to_text(), [record.address for record in found]) == (f"{target}.", ["192.0.2.1"])


@proves("dns.cname.resolver-follows-it-to-another-zone")
@for_each("target", ["A", "absent"])
def test_resolver_follows_an_alias_to_another_zone(make_namespace, publish, query_dns, private_namespace, target):
    """The resolver of a VPC answers an alias with the address in another private zone of the VPC, or NXDOMAIN."""
    # RFC 1034, 5.3.3: a resolver restarts the search at the canonical name.
    other = make_namespace("private")
    host = publish(other, dns_config("A"), {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}})
    host = host if target == "A" else f"absent.{host}"
    name = publish(private_namespace, CNAME, {"i-1": {"AWS_INSTANCE_CNAME": host}})
    answer = query_dns(name, "A", private_namespace)
    address = [(f"{host}.", "A", "192.0.2.1")] if target == "A" else []
    assert chain(answer) == [(f"{name}.", "CNAME", f"{host}."), *address]
    assert dns.rcode.to_text(answer.rcode()) == ("NOERROR" if target == "A" else "NXDOMAIN")
