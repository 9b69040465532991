"""What messages are like: flags, sections, and their size over UDP and TCP."""

import dns.flags
import dns.rcode
import dns.rdatatype
import pytest

from surveyor.testing import dns_config, for_each, proves, record_values, timeouts

# Eight SRV records with these names need more than 512 bytes.
LARGE = {
    f"instance-with-a-rather-long-identifier-{n}": {"AWS_INSTANCE_IPV4": f"192.0.2.{n}", "AWS_INSTANCE_PORT": "80"}
    for n in range(8)
}
ONE = {"i-1": {"AWS_INSTANCE_IPV4": "192.0.2.1"}}
AA, CD, RA, RD, TC = dns.flags.AA, dns.flags.CD, dns.flags.RA, dns.flags.RD, dns.flags.TC


@proves("dns.flags")
@for_each("flags", {"with RD": RD, "without RD": 0, "with CD": CD})
def test_name_servers_answer_with_authority(publish, query_dns, public_namespace, flags):
    """Answers of name servers, positive or negative, have AA and the RD and CD of the query, and no RA."""
    # RFC 1035, 4.1.1: RD "is copied into the response". RFC 4035, 3.1.6: so is CD, by servers that know DNSSEC.
    name = publish(public_namespace, dns_config("A"), ONE)
    zone = public_namespace["Name"]
    for asked, rdtype in ((name, "A"), (name, "AAAA"), (f"absent.{name}", "A"), (zone, "SOA"), (zone, "NS")):
        answer = query_dns(asked, rdtype, public_namespace, flags=flags)
        assert answer.flags & (AA | CD | RA | RD | TC) == AA | flags
    refused = query_dns("example.com", "A", public_namespace, flags=flags)
    assert (refused.rcode(), refused.flags & (CD | RD)) == (dns.rcode.REFUSED, flags)


@proves("dns.flags")
def test_resolvers_offer_recursion(publish, query_dns, private_namespace):
    """Answers of a VPC's resolver, positive or negative, have RA and the RD of the query."""
    name = publish(private_namespace, dns_config("A"), ONE)
    for asked in (name, f"absent.{name}"):
        assert query_dns(asked, "A", private_namespace, flags=RD).flags & (RA | RD | TC) == RA | RD


@proves("dns.authority-has-name-servers")
def test_successful_answers_name_the_servers_of_the_zone(
    make_service, register, route53, query_dns, clock, public_namespace
):
    """Answers of each type have the zone's name servers, as GetHostedZone lists them, in the authority section."""
    # "DNS constraints and behaviors": "For successful queries, Route 53 appends name server (NS) records for the
    # relevant hosted zone to the Authority section of the DNS response."
    attributes = {**ONE["i-1"], "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "80"}
    services = {
        rdtype: make_service(public_namespace, DnsConfig=dns_config(rdtype, policy="WEIGHTED"))
        for rdtype in ("A", "AAAA", "SRV", "CNAME")
    }
    for rdtype, service in services.items():
        register(service, "i-1", {"AWS_INSTANCE_CNAME": "www.example.org"} if rdtype == "CNAME" else attributes)
    clock.wait(timeouts.DNS_CHANGE)
    zone = route53.get_hosted_zone(Id=public_namespace["Properties"]["DnsProperties"]["HostedZoneId"])
    servers = {f"{server.rstrip('.')}." for server in zone["DelegationSet"]["NameServers"]}
    for rdtype, service in services.items():
        answer = query_dns(f"{service['Name']}.{public_namespace['Name']}", rdtype, public_namespace, tcp=True)
        assert len(answer.answer) == 1
        [names] = answer.authority
        assert (names.name.to_text(), names.rdtype) == (f"{public_namespace['Name']}.", dns.rdatatype.NS)
        assert {record.to_text() for record in names} == servers


@proves("dns.apex-has-soa-and-ns")
@for_each("owner", ["Cloud Map", "the account"])
def test_zone_has_its_soa_and_name_servers(request, route53, query_dns, eventually, owner):
    """At the name of a public zone are one SOA record and four NS records: those that GetHostedZone lists."""
    # SOA-NSrecords: "It lists the four name servers that are the authoritative name servers for your hosted zone."
    namespace = request.getfixturevalue("public_namespace" if owner == "Cloud Map" else "zone")
    name = namespace["Name"]
    zone = route53.get_hosted_zone(Id=namespace["Properties"]["DnsProperties"]["HostedZoneId"])
    servers = sorted(f"{server.rstrip('.')}." for server in zone["DelegationSet"]["NameServers"])
    assert len(set(servers)) == 4
    found = eventually(lambda: record_values(query_dns(name, "NS", namespace), name, "NS"), within=timeouts.DNS_CHANGE)
    assert sorted(found) == servers
    [soa] = record_values(query_dns(name, "SOA", namespace), name, "SOA")
    assert soa.split()[0] in servers


@proves("dns.udp.truncates-at-512", "dns.tcp.answers-are-complete")
@for_each("kind", ["private", "public"])
def test_large_answers_are_truncated_over_udp(publish, namespace_of_kind, query_dns, kind):
    """Without EDNS an answer that is too large has at most 512 bytes and TC; over TCP it has all records and no TC."""
    # "DNS constraints and behaviors": "Responses exceeding 512 bytes are truncated and the resolver must re-issue the
    # request over TCP."
    namespace = namespace_of_kind(kind)
    name = publish(namespace, dns_config("SRV"), LARGE)
    for _ in range(3):
        truncated = query_dns(name, "SRV", namespace, retry_truncated=False)
        assert truncated.flags & TC
        assert len(truncated.wire) <= 512
        complete = query_dns(name, "SRV", namespace, tcp=True)
        assert not complete.flags & TC
        assert sorted(record_values(complete, name, "SRV")) == [f"1 1 80 {instance}.{name}." for instance in LARGE]
        assert query_dns(name, "SRV", namespace).answer == complete.answer


@proves("dns.udp.truncates-at-512", "dns.tcp.answers-are-complete")
def test_small_answers_are_not_truncated(publish, query_dns, public_namespace):
    """An answer of eight addresses fits into 512 bytes: it is the same over UDP and over TCP, without TC."""
    instances = {f"i-{n}": {"AWS_INSTANCE_IPV4": f"192.0.2.{n}"} for n in range(8)}
    name = publish(public_namespace, dns_config("A"), instances)
    for tcp in (False, True):
        answer = query_dns(name, "A", public_namespace, tcp=tcp, retry_truncated=False)
        assert not answer.flags & TC
        assert sorted(record_values(answer, name, "A")) == [f"192.0.2.{n}" for n in range(8)]


@pytest.fixture
def make_text(zone, change_record, query_dns, eventually):
    """Create TXT records whose answer has `size` bytes without optional sections and EDNS, and return their name."""

    def make(size):
        name = f"t{size}.{zone['Name']}"
        # Header and question; a record has a pointer to the name, ten more bytes, and its strings (RFC 1035, 4.1).
        left = size - (12 + len(name) + 2 + 4)
        values = []
        while left:
            record = left if left < 4000 else 2000
            left -= record
            lengths = [255] * ((record - 12) // 256)
            rest = (record - 12) % 256
            assert rest > 1, "a string takes at least two bytes: choose another size"
            values.append(" ".join(f'"{"x" * length}"' for length in [*lengths, rest - 1]))
        change_record({"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": v} for v in values]})
        eventually(lambda: query_dns(name, "TXT", zone, tcp=True).answer, within=timeouts.DNS_CHANGE)
        return name

    return make


@proves("dns.udp.truncates-at-512")
def test_answer_of_513_bytes_is_truncated(make_text, query_dns, zone):
    """A record whose answer has at least 513 bytes is not answered over UDP without EDNS, but over TCP."""
    name = make_text(513)
    answer = query_dns(name, "TXT", zone, retry_truncated=False)
    assert answer.flags & TC
    assert len(answer.wire) <= 512
    assert len(query_dns(name, "TXT", zone, tcp=True).answer) == 1


@proves("dns.udp.edns-allows-4096")
def test_edns_allows_large_answers(make_text, query_dns, zone):
    """Over UDP an answer of 1,300 bytes is complete for those who accept 4,096 bytes, and truncated for less."""
    # "DNS constraints and behaviors": "Route 53 permits responses up to 4096 bytes over UDP, without truncation"
    name = make_text(1300)
    answer = query_dns(name, "TXT", zone, use_edns=0, payload=4096, retry_truncated=False)
    assert not answer.flags & TC
    assert len(answer.answer) == 1
    for payload in (512, 1232, 1299):
        answer = query_dns(name, "TXT", zone, use_edns=0, payload=payload, retry_truncated=False)
        assert answer.flags & TC
        assert len(answer.wire) <= payload


@proves("dns.udp.edns-allows-4096")
def test_less_than_512_bytes_count_as_512(publish, query_dns, public_namespace):
    """Eight addresses are answered in full to those who accept 100 bytes: every client accepts 512."""
    # RFC 6891, 6.2.3: values lower than 512 are treated as 512.
    instances = {f"i-{n}": {"AWS_INSTANCE_IPV4": f"192.0.2.{n}"} for n in range(8)}
    name = publish(public_namespace, dns_config("A"), instances)
    answer = query_dns(name, "A", public_namespace, use_edns=0, payload=100, retry_truncated=False)
    assert not answer.flags & TC
    assert sorted(record_values(answer, name, "A")) == [f"192.0.2.{n}" for n in range(8)]


@proves("dns.udp.edns-allows-4096")
def test_no_answer_over_udp_has_more_than_4096_bytes(make_text, query_dns, zone):
    """An answer of 4,097 bytes is truncated over UDP even for those who accept 65,535 bytes."""
    answer = query_dns(make_text(4097), "TXT", zone, use_edns=0, payload=65535, retry_truncated=False)
    assert answer.flags & TC
    assert len(answer.wire) <= 4096


@proves("dns.edns.opt-is-returned")
def test_response_has_opt_if_the_query_has(publish, query_dns, public_namespace):
    """Each response, also a negative or truncated one, has an OPT record if the query has one, and none if not."""
    # RFC 6891, 6.1.1: "If an OPT record is present in a received request, compliant responders MUST include an OPT
    # record in their respective responses."
    name, large = publish(public_namespace, dns_config("A"), ONE), publish(public_namespace, dns_config("SRV"), LARGE)
    for asked, rdtype in ((name, "A"), (name, "AAAA"), (f"absent.{name}", "A"), (large, "SRV")):
        for tcp in (False, True):
            options = {"tcp": tcp, "retry_truncated": False}
            assert query_dns(asked, rdtype, public_namespace, **options).edns == -1
            assert query_dns(asked, rdtype, public_namespace, use_edns=0, payload=512, **options).edns == 0


@proves("dns.edns.opt-is-returned")
def test_unknown_version_of_edns_is_refused(publish, query_dns, public_namespace):
    """A query with EDNS version 1 is answered with BADVERS and version 0, without records."""
    name = publish(public_namespace, dns_config("A"), ONE)
    answer = query_dns(name, "A", public_namespace, use_edns=1)
    assert (answer.rcode(), answer.edns, answer.answer) == (dns.rcode.BADVERS, 0, [])
