"""Routing policies of records that are created through Route 53: weights, failover, and aliases within a zone.

A health check that is disabled counts as healthy, and as unhealthy if it is inverted too: nothing is probed.
"""

from collections import Counter

import dns.message
import dns.rcode
import pytest

from surveyor.testing import for_each, proves, record_values, timeouts

VALUES = {"A": "192.0.2.{}", "AAAA": "2001:db8::{}"}


@pytest.fixture
def make_check(route53, unique_name):
    """Create a health check that sends no requests, and return its id."""

    def create(*, healthy):
        config = {"Type": "TCP", "IPAddress": "205.251.192.1", "Port": 53, "Disabled": True, "Inverted": not healthy}
        answer = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return answer["HealthCheck"]["Id"]

    return create


@pytest.fixture
def create(route53, zone, make_check):
    """Create the record sets of a name, whose address ends with their number; `healthy` of one adds a health check."""

    def create_records(name, *policies, rdtype="A", ttl=60):
        sets = []
        for number, policy in enumerate(policies, 1):
            members = {"TTL": ttl, "ResourceRecords": [{"Value": VALUES[rdtype].format(number)}]}
            if "AliasTarget" in policy:
                members = {}
            if "healthy" in policy:
                members["HealthCheckId"] = make_check(healthy=policy["healthy"])
            others = {member: value for member, value in policy.items() if member != "healthy"}
            sets.append({"Name": name, "Type": rdtype, "SetIdentifier": str(number), **members, **others})
        changes = [{"Action": "CREATE", "ResourceRecordSet": record_set} for record_set in sets]
        zone_id = zone["Properties"]["DnsProperties"]["HostedZoneId"]
        route53.change_resource_record_sets(HostedZoneId=zone_id, ChangeBatch={"Changes": changes})
        return [record_set.get("HealthCheckId") for record_set in sets]

    return create_records


@pytest.fixture
def answers(query_dns_repeatedly, zone):
    """Query a name, and return the last numbers of the addresses in each answer."""

    def query(name, count=1, rdtype="A"):
        asked = query_dns_repeatedly(name, rdtype, zone, times=count)
        found = [record_values(answer, name, rdtype) for answer in asked]
        return [[int(value.replace(":", ".").rpartition(".")[2]) for value in values] for values in found]

    return query


@pytest.fixture
def drawn(answers):
    """Query a name several times, and return the numbers in all answers together."""
    return lambda name, count: {number for values in answers(name, count) for number in values}


@pytest.fixture
def set_health(route53):
    """Make a health check healthy or unhealthy."""
    return lambda check, healthy: route53.update_health_check(HealthCheckId=check, Inverted=not healthy)


@proves("dns.records.weights-decide-shares")
def test_share_is_the_weight(create, answers, eventually, zone):
    """Of three records with weights 9, 1 and 0 the first is in nine of ten answers, and the last in none.

    Of 120 answers less than 91 or all have the first record once in 300,000 runs.
    """
    # ResourceRecordSet.Weight: "if you set Weight to 0 for a resource record set, Route 53 never responds to queries
    # with the applicable value"
    name = f"www.{zone['Name']}"
    create(name, {"Weight": 9}, {"Weight": 1}, {"Weight": 0})
    eventually(lambda: answers(name) != [[]], within=timeouts.DNS_CHANGE)
    counts = Counter(number for [number] in answers(name, 120))
    assert counts.keys() == {1, 2}
    assert counts[1] >= 91


@proves("dns.records.weights-decide-shares")
def test_equal_probability_if_all_weights_are_zero(create, answers, drawn, eventually, zone):
    """Of three records with weight 0 each is answered; one of them is missing from 60 answers once in 10^10 runs."""
    # ResourceRecordSet.Weight: "traffic is routed to all resources with equal probability"
    name = f"www.{zone['Name']}"
    create(name, *[{"Weight": 0}] * 3)
    eventually(lambda: answers(name) != [[]], within=timeouts.DNS_CHANGE)
    assert drawn(name, 60) == {1, 2, 3}


@proves("dns.records.weights-and-health")
def test_zero_weight_is_the_last_resort(create, drawn, eventually, set_health, zone):
    """Unhealthy records are left out; zero weights count only while no other is healthy, others if none is."""
    # health-checks-how-route-53-chooses-records: "If all the records that have a weight greater than 0 are unhealthy,
    # then Route 53 considers the zero-weighted records."
    name = f"www.{zone['Name']}"
    policies = [{"Weight": weight, "healthy": True} for weight in (2, 1, 0)]
    checks = create(name, *policies)
    for health, expected in (
        ((True, True, True), {1, 2}),
        ((False, True, True), {2}),
        ((False, False, True), {3}),
        ((False, False, False), {1, 2}),
    ):
        for check, healthy in zip(checks, health, strict=True):
            set_health(check, healthy)
        # With weights of two to one both are in 20 answers but for one time in 3,000.
        eventually(lambda expected=expected: drawn(name, 20) == expected, within=timeouts.DNS_CHANGE, poll_every=5)


@proves("dns.records.failover")
@for_each("rdtype", ["A", "AAAA"])
def test_primary_unless_only_the_secondary_is_healthy(create, answers, eventually, set_health, zone, rdtype):
    """The secondary is answered while the primary is unhealthy and it is healthy; without a check it is healthy."""
    # ResourceRecordSet.Failover: "When the secondary resource record set is unhealthy, Route 53 responds to DNS queries
    # with the applicable value … regardless of the health of the primary"
    checked, unchecked = f"www.{zone['Name']}", f"other.{zone['Name']}"
    secondary, primary = {"Failover": "SECONDARY"}, {"Failover": "PRIMARY", "healthy": True}
    second, first = create(checked, {**secondary, "healthy": True}, primary, rdtype=rdtype)
    _, lone = create(unchecked, secondary, {**primary, "healthy": False}, rdtype=rdtype)
    for first_healthy, second_healthy, expected in (
        (True, True, 2),
        (False, True, 1),
        (False, False, 2),
        (True, False, 2),
    ):
        set_health(first, first_healthy)
        set_health(second, second_healthy)
        eventually(
            lambda expected=expected: answers(checked, 3, rdtype) == [[expected]] * 3, within=timeouts.DNS_CHANGE
        )
    eventually(lambda: answers(unchecked, 3, rdtype) == [[1]] * 3, within=timeouts.DNS_CHANGE)
    set_health(lone, True)
    eventually(lambda: answers(unchecked, 3, rdtype) == [[2]] * 3, within=timeouts.DNS_CHANGE)


def alias(zone, target, *, evaluate):
    """Return an alias target in the zone."""
    zone_id = zone["Properties"]["DnsProperties"]["HostedZoneId"]
    return {"AliasTarget": {"HostedZoneId": zone_id, "DNSName": target, "EvaluateTargetHealth": evaluate}}


@proves("dns.records.alias-in-the-zone")
def test_alias_is_answered_as_its_target(create, change_record, query_dns, eventually, zone):
    """An alias of an alias has the records of the last target with their TTL, under its own name, and no CNAME."""
    # ResourceRecordSet.TTL: "Amazon Route 53 uses the value of TTL for the alias target."
    target, middle, name = (f"{label}.{zone['Name']}" for label in ("target", "middle", "alias"))
    create(target, *[{"MultiValueAnswer": True}] * 3, ttl=17)
    change_record({"Name": middle, "Type": "A", **alias(zone, target, evaluate=False)}, "CREATE")
    change_record({"Name": name, "Type": "A", **alias(zone, middle, evaluate=False)}, "CREATE")
    eventually(lambda: query_dns(name, "A", zone).answer, within=timeouts.DNS_CHANGE)
    [answer] = query_dns(name, "A", zone).answer
    assert (answer.name.to_text(), answer.rdtype.name, answer.ttl) == (f"{name}.", "A", 17)
    assert sorted(record.to_text() for record in answer) == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
    other = query_dns(name, "AAAA", zone)
    assert (other.rcode(), other.answer) == (dns.rcode.NOERROR, [])


@proves("dns.records.alias-in-the-zone")
def test_alias_of_weighted_records_has_one_of_them(create, change_record, answers, drawn, eventually, zone):
    """An alias of two weighted records is answered with either; one is missing from 60 answers once in 10^17 runs."""
    target, name = f"target.{zone['Name']}", f"alias.{zone['Name']}"
    create(target, {"Weight": 1}, {"Weight": 1})
    change_record({"Name": name, "Type": "A", **alias(zone, target, evaluate=False)}, "CREATE")
    eventually(lambda: answers(name) != [[]], within=timeouts.DNS_CHANGE)
    assert drawn(name, 60) == {1, 2}


@proves("dns.records.alias-inherits-health")
@for_each("evaluate", [True, False])
def test_alias_inherits_the_health_of_its_target(create, answers, drawn, eventually, set_health, zone, evaluate):
    """With EvaluateTargetHealth an alias is unhealthy when all records of its target are, without it never."""
    # AliasTarget.EvaluateTargetHealth: "an alias resource record set inherits the health of the referenced … resource"
    top = zone["Name"]
    group = [{"MultiValueAnswer": True, "healthy": True}] * 2
    checks = create(f"group.{top}", *group)
    last_resort = {"Weight": 0, "ResourceRecords": [{"Value": "192.0.2.9"}]}
    create(f"www.{top}", {"Weight": 1, **alias(zone, f"group.{top}", evaluate=evaluate)}, last_resort)

    eventually(lambda: drawn(f"www.{top}", 6) == {1, 2}, within=timeouts.DNS_CHANGE)
    set_health(checks[0], False)
    eventually(lambda: drawn(f"www.{top}", 6) == {2}, within=timeouts.DNS_CHANGE)
    set_health(checks[1], False)
    expected = [[9]] if evaluate else [[1, 2]]
    eventually(
        lambda: [sorted(values) for values in answers(f"www.{top}", 6)] == expected * 6, within=timeouts.DNS_CHANGE
    )


@proves("dns.cname.loop-ends")
def test_loop_of_cname_records_ends(change_record, query_dns, eventually, zone):
    """A query for two CNAME records that name each other is answered, with each at most once and without an address."""
    # RFC 1034, 3.6.2: "domain software should not fail when presented with CNAME chains or loops"
    names = [f"{label}.{zone['Name']}." for label in ("one", "two")]
    for name, target in zip(names, names[::-1], strict=True):
        record = {"Name": name, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": target}]}
        change_record(record, "CREATE")
    eventually(lambda: query_dns(names[1], "CNAME", zone).answer, within=timeouts.DNS_CHANGE)
    wire = query_dns(names[0], "A", zone).wire
    answer = dns.message.from_wire(wire, one_rr_per_rrset=True).answer
    owners = [rrset.name.to_text() for rrset in answer]
    assert owners in (names, names[:1], [])  # RFC 1034 allows an error too
    assert {rrset.rdtype.name for rrset in answer} <= {"CNAME"}


@proves("dns.additional-addresses-of-mx-and-ns")
@for_each("rdtype, label", [("MX", "www."), ("NS", "")])
def test_addresses_of_mail_exchanges_and_name_servers(change_record, query_dns, eventually, zone, rdtype, label):
    """The additional section of an MX or NS answer has the addresses of the hosts in it that are in the zone."""
    # "DNS constraints and behaviors": "appends A or AAAA records for any target of an MX, CNAME, NS, or SRV record
    # cited in the Answer section"
    top, owner = zone["Name"], f"{label}{zone['Name']}"
    hosts = {"A": (f"a.{top}", "192.0.2.1"), "AAAA": (f"b.{top}", "2001:db8::1"), "TXT": (f"c.{top}", '"no host"')}
    for kind, (host, value) in {**hosts, "PTR": (f"d.{top}", f"a.{top}")}.items():
        change_record({"Name": host, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}, "CREATE")
    prefix = "10 " if rdtype == "MX" else ""
    values = [f"{prefix}{host}" for host in (f"a.{top}", f"b.{top}", f"c.{top}", f"absent.{top}", "www.example.org")]
    change_record({"Name": owner, "Type": rdtype, "TTL": 60, "ResourceRecords": [{"Value": v} for v in values]})
    eventually(lambda: f"a.{top}" in str(query_dns(owner, rdtype, zone).answer), within=timeouts.DNS_CHANGE)
    answer = query_dns(owner, rdtype, zone, tcp=True)
    found = {(rrset.name.to_text(), record.to_text()) for rrset in answer.additional for record in rrset}
    assert found == {(f"a.{top}.", "192.0.2.1"), (f"b.{top}.", "2001:db8::1")}


@proves("dns.multivalue.records-with-several-values")
def test_multivalue_records_have_all_their_values(create, answers, eventually, zone):
    """Of two multivalue record sets, one of which has two values, every answer has the three values."""
    two = {"MultiValueAnswer": True, "ResourceRecords": [{"Value": "192.0.2.7"}, {"Value": "192.0.2.8"}]}
    create(f"www.{zone['Name']}", {"MultiValueAnswer": True}, two)
    eventually(lambda: answers(f"www.{zone['Name']}") != [[]], within=timeouts.DNS_CHANGE)
    assert [sorted(values) for values in answers(f"www.{zone['Name']}", 5)] == [[1, 7, 8]] * 5


@proves("dns.records.of-each-type")
def test_record_of_each_type_is_answered(change_record, query_dns, eventually, zone):
    """A query for each type that Route 53 supports is answered with the record of this type."""
    # ResourceRecordSet.Type: "Valid values for basic resource record sets: A | AAAA | CAA | CNAME | DS | MX | NAPTR …"
    name = f"www.{zone['Name']}"
    values = {
        "A": "192.0.2.1",
        "AAAA": "2001:db8::1",
        "CAA": '0 issue "ca.example.org"',
        "HTTPS": '1 www.example.org. alpn="h2"',
        "MX": "10 mail.example.org.",
        "NAPTR": '100 50 "u" "sip+E2U" "!^.*$!sip:info@example.org!" .',
        "PTR": "www.example.org.",
        "SPF": '"v=spf1 -all"',
        "SRV": "1 2 3 www.example.org.",
        "SSHFP": f"1 1 {'ab' * 20}",
        "SVCB": '2 www.example.org. port="8443"',
        "TLSA": f"3 1 1 {'cd' * 32}",
        "TXT": '"text"',
    }
    for rdtype, value in values.items():
        change_record({"Name": name, "Type": rdtype, "TTL": 60, "ResourceRecords": [{"Value": value}]})
    eventually(lambda: query_dns(name, "TXT", zone).answer, within=timeouts.DNS_CHANGE)
    assert {rdtype: record_values(query_dns(name, rdtype, zone), name, rdtype) for rdtype in values} == {
        rdtype: [value] for rdtype, value in values.items()
    }
