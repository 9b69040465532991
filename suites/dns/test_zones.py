"""Hosted zones created through Route 53: how long negative answers are cached, how fast changes are published."""

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from surveyor.testing import dns_config, exchange_messages, for_each, proves, record_values, timeouts


@pytest.fixture
def negative_ttls(query_dns, zone):
    """Query the TTLs of the SOA records in the authority sections of NXDOMAIN and NODATA."""

    def query():
        answers = [query_dns(f"absent.{zone['Name']}", "A", zone), query_dns(zone["Name"], "A", zone)]
        assert [answer.rcode() for answer in answers] == [dns.rcode.NXDOMAIN, dns.rcode.NOERROR]
        return [rrset.ttl for answer in answers for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]

    return query


@proves("dns.negative.cached-for-lesser-of-two")
def test_new_zone_has_900_and_86400(negative_ttls, eventually, record_sets, zone):
    """The SOA record of a new zone has TTL 900 and minimum 86400, and in negative answers it has TTL 900."""
    [soa] = [record for record in record_sets(zone, zone["Name"]) if record["Type"] == "SOA"]
    [record] = soa["ResourceRecords"]
    assert (soa["TTL"], record["Value"].split()[-1]) == (900, "86400")
    assert eventually(negative_ttls, within=timeouts.DNS_CHANGE) == [900, 900]


@proves("dns.negative.cached-for-lesser-of-two")
@for_each("ttl, minimum", {"TTL": (60, 61), "minimum": (61, 60), "0": (0, 86400)})
def test_lesser_of_ttl_and_minimum_counts(
    change_record, negative_ttls, eventually, record_sets, make_resolver, zone, ttl, minimum
):
    """After a change of the SOA record its TTL in negative answers is its TTL or its minimum, whichever is less."""
    # RFC 2308, 3: "The TTL of this record is set from the minimum of the MINIMUM field of the SOA record and the TTL of
    # the SOA itself"
    expected = 60 if ttl else 0
    [soa] = [record for record in record_sets(zone, zone["Name"]) if record["Type"] == "SOA"]
    fields = soa["ResourceRecords"][0]["Value"].split()[:-1]
    change_record({**soa, "TTL": ttl, "ResourceRecords": [{"Value": " ".join([*fields, str(minimum)])}]})
    eventually(lambda: negative_ttls() == [expected, expected], within=timeouts.DNS_CHANGE)
    absent = f"absent.{zone['Name']}."
    with pytest.raises(dns.resolver.NXDOMAIN) as negative:
        make_resolver(zone).resolve(absent, "A")
    response = negative.value.response(dns.name.from_text(absent))
    assert response.resolve_chaining().minimum_ttl == expected  # for so long dnspython would cache it


@proves("dns.propagation.within-a-minute")
def test_changes_are_answered_once_they_are_in_sync(route53, change_record, query_dns, eventually, zone):
    """A change is PENDING at first, INSYNC within 60 seconds, and answered from then on: of each kind of action."""
    name = f"www.{zone['Name']}"
    for action, expected in (("CREATE", ["192.0.2.1"]), ("UPSERT", ["192.0.2.2"]), ("DELETE", [])):
        value = expected or ["192.0.2.2"]
        records = [{"Value": address} for address in value]
        change = change_record({"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": records}, action)
        # INSYNC at once is allowed too: a change may take no time.
        assert change["Status"] in ("PENDING", "INSYNC")
        eventually(
            lambda change=change["Id"]: route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC",
            within=timeouts.DNS_CHANGE,
        )
        assert record_values(query_dns(name, "A", zone), name, "A") == expected


@proves("dns.propagation.within-a-minute")
@for_each("rdtype", ["A", "SRV"])
def test_registered_instance_is_answered_within_a_minute(
    make_service, register, deregister, query_dns, eventually, public_namespace, rdtype
):
    """A registered instance is answered no later than 60 seconds after its operation has succeeded, then no more."""
    service = make_service(public_namespace, DnsConfig=dns_config(rdtype))
    name = f"{service['Name']}.{public_namespace['Name']}"

    def count():
        return len(record_values(query_dns(name, rdtype, public_namespace), name, rdtype))

    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_PORT": "80"})
    eventually(lambda: count() == 1, within=timeouts.DNS_CHANGE)
    deregister(service, "i-1")
    eventually(lambda: count() == 0, within=timeouts.DNS_CHANGE)


def address(name, value):
    """Return an A record set."""
    return {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}


@proves("dns.wildcard-answers-for-absent-names")
def test_wildcard_answers_for_names_that_do_not_exist(change_record, query_dns, eventually, zone):
    """A wildcard record answers, under the name in question, for absent names at any depth, and not for other names."""
    # ResourceRecordSet.Name: "You can use the asterisk (*) wildcard to replace the leftmost label in a domain name"
    top = zone["Name"]
    change_record(address(f"www.{top}", "192.0.2.1"))
    change_record(address(f"c.b.{top}", "192.0.2.2"))
    change_record(address(f"*.{top}", "192.0.2.3"))

    def found(name, rdtype="A"):
        answer = query_dns(f"{name}.{top}", rdtype, zone)
        return dns.rcode.to_text(answer.rcode()), record_values(answer, f"{name}.{top}", rdtype)

    eventually(lambda: found("absent") == ("NOERROR", ["192.0.2.3"]), within=timeouts.DNS_CHANGE)
    assert found("deep.absent") == ("NOERROR", ["192.0.2.3"])
    assert found("www") == ("NOERROR", ["192.0.2.1"])
    # RFC 4592, 2.2: the names b and www exist, so that the wildcard is for neither them nor names below them.
    assert found("b") == found("www", "AAAA") == found("absent", "AAAA") == ("NOERROR", [])
    assert found("x.www") == found("x.b") == ("NXDOMAIN", [])


@proves("dns.delegation-is-referred")
def test_delegated_names_are_referred(change_record, query_dns, eventually, zone):
    """A name at or below an NS record is answered with that record in the authority section, without authority."""
    delegated = f"sub.{zone['Name']}"
    servers = ["ns1.surveyor.invalid.", "ns2.surveyor.invalid."]
    values = [{"Value": server} for server in servers]
    change_record({"Name": delegated, "Type": "NS", "TTL": 61, "ResourceRecords": values})
    change_record(address(f"beside-{delegated}", "192.0.2.1"))
    eventually(lambda: query_dns(f"beside-{delegated}", "A", zone).answer, within=timeouts.DNS_CHANGE)
    for name in (delegated, f"www.{delegated}", f"a.b.{delegated}"):
        answer = query_dns(name, "A", zone)
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
        assert not answer.flags & dns.flags.AA
        [referral] = answer.authority
        assert (referral.name.to_text(), referral.ttl) == (f"{delegated}.", 61)
        assert sorted(record.to_text() for record in referral) == servers
    assert query_dns(f"beside-{delegated}", "A", zone).flags & dns.flags.AA


@proves("dns.delegation-is-referred")
def test_ds_record_is_on_the_side_of_the_parent(change_record, query_dns, eventually, zone):
    """The DS record of a delegated name is answered with authority, and one below it is referred."""
    # RFC 4035, 3.1.4.1: DS records are at the parent's side of a zone cut.
    delegated, value = f"sub.{zone['Name']}", f"1 13 2 {'ab' * 32}"
    for rdtype, data in (("NS", "ns1.surveyor.invalid."), ("DS", value)):
        change_record({"Name": delegated, "Type": rdtype, "TTL": 60, "ResourceRecords": [{"Value": data}]})
    eventually(lambda: query_dns(delegated, "DS", zone).answer, within=timeouts.DNS_CHANGE)
    answer = query_dns(delegated, "DS", zone)
    assert record_values(answer, delegated, "DS") == [value]
    assert answer.flags & dns.flags.AA
    assert not query_dns(f"www.{delegated}", "DS", zone).flags & dns.flags.AA


@proves("dns.deleted-zone-is-not-answered")
def test_deleted_zone_is_not_answered(route53, find_dns_server, eventually, zone):
    """Within 60 seconds after DeleteHostedZone the name servers of the zone have no answer for its name."""
    # DeleteHostedZone: "If you delete a hosted zone, you can't undelete it."
    server = find_dns_server(zone)  # a deleted zone has none

    def answered():
        query = dns.message.make_query(zone["Name"], "SOA").to_wire()
        steps = [len(query).to_bytes(2, "big") + query, None]
        [[answer]] = exchange_messages(server, steps, name=zone["Name"], tcp=True)
        return bool(dns.message.from_wire(answer).answer)

    eventually(answered, within=timeouts.DNS_CHANGE)
    route53.delete_hosted_zone(Id=zone["Properties"]["DnsProperties"]["HostedZoneId"])
    eventually(lambda: not answered(), within=timeouts.DNS_CHANGE)
