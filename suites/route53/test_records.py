"""Record sets: what ChangeResourceRecordSets accepts, and what ListResourceRecordSets shows."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import NotOffered, for_each, proves, raises

WEIGHTED = {"SetIdentifier": "1", "Weight": 1}
MULTIVALUE = {"SetIdentifier": "1", "MultiValueAnswer": True}
PRIMARY = {"SetIdentifier": "1", "Failover": "PRIMARY"}
SECONDARY = {"SetIdentifier": "2", "Failover": "SECONDARY"}
LOAD_BALANCER = "surveyor-1234567890.us-east-1.elb.amazonaws.com."
# By type: values in Route 53's formats, and others that are not ("Supported DNS record types").
VALUES = {
    "A": (["192.0.2.1", "192.0.2.255"], ["192.0.2.256", "2001:db8::1", "www.example.org"]),
    "AAAA": (["2001:db8::1", "::ffff:192.0.2.1"], ["192.0.2.1", "2001:db8::g"]),
    "CNAME": (["www.example.org"], ["a..example.org", f"{'a' * 64}.example.org", "two names"]),
    "PTR": (["www.example.org."], ["a..example.org"]),
    "NS": (["ns.example.org"], ["a..example.org"]),
    "SRV": (
        ["0 65535 65535 www.example.org", "10 5 80 www.example.org."],
        ["65536 1 80 www.example.org", "1 1 65536 www.example.org", "1 1 www.example.org", "1 1 80 a..example.org"],
    ),
    "MX": (["10 mail.example.org"], ["mail.example.org", "65536 mail.example.org"]),
    "TXT": ([f'"{"x" * 255}" "y"', r'"\344"'], [f'"{"x" * 256}"', '"no end']),
    "CAA": (['0 issue "ca.example.org"'], ["0 issue"]),
}


def record(name, rdtype="A", *values, **more):
    """Return a record set, with the address 192.0.2.1 by default."""
    values = values or ("192.0.2.1",)
    return {"Name": name, "Type": rdtype, "TTL": 60, "ResourceRecords": [{"Value": value} for value in values], **more}


def alias(name, target, zone_id, rdtype="A", evaluate=False, **more):
    """Return an alias record set."""
    target = {"HostedZoneId": zone_id, "DNSName": target, "EvaluateTargetHealth": evaluate}
    return {"Name": name, "Type": rdtype, "AliasTarget": target, **more}


@pytest.fixture
def listed(route53, zone):
    """Return the record sets of the zone, without those at its name."""

    def find():
        pages = route53.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone["Id"])
        found = [found for page in pages for found in page["ResourceRecordSets"]]
        return [record_set for record_set in found if record_set["Name"] != zone["Name"]]

    return find


@pytest.fixture
def refuses(change, zone):
    """Check that a batch of changes is refused as invalid."""

    def check(*changes, zone=zone):
        with pytest.raises(ClientError) as refusal:
            change(zone, *changes)
        assert not isinstance(refusal.value, NotOffered)
        # Not documented: which of the call's two errors about the change itself it is.
        assert refusal.value.response["Error"]["Code"] in ("InvalidChangeBatch", "InvalidInput")

    return check


@proves("route53.records.create-upsert-delete")
def test_actions_create_replace_and_delete(change, listed, refuses, zone):
    """CREATE needs an absent record set and DELETE an existing one with the same values; UPSERT takes either."""
    # ChangeResourceRecordSets: "To delete a resource record set, you must specify all the same values that you
    # specified when you created it."
    name = f"www.{zone['Name']}"
    first, second = record(name, "A", "192.0.2.1", "192.0.2.2"), record(name, "A", "192.0.2.3", TTL=61)
    refuses(("DELETE", first))
    change(zone, ("CREATE", first))
    refuses(("CREATE", second))
    for other in (record(name, "A", "192.0.2.1"), record(name, "A", "192.0.2.1", "192.0.2.2", TTL=61)):
        refuses(("DELETE", other))
    assert listed() == [first]
    for _ in range(2):
        change(zone, ("UPSERT", second))
        assert listed() == [second]
    change(zone, ("UPSERT", record(name, "AAAA", "2001:db8::1")))
    assert len(listed()) == 2
    change(zone, ("UPSERT", first), ("DELETE", record(name, "AAAA", "2001:db8::1")))
    change(zone, ("DELETE", record(name.rstrip("."), "A", "192.0.2.2", "192.0.2.1")))  # a set has no order
    assert listed() == []


@proves("route53.records.batches-are-transactions")
def test_batch_is_applied_as_a_whole(route53, change, listed, refuses, clock, zone):
    """Of a batch with an invalid change nothing is applied; a record set can be deleted and created in one batch."""
    # ChangeResourceRecordSets: "either makes all or none of the changes in the change batch request"
    name = f"www.{zone['Name']}"
    address, cname = record(name), record(name, "CNAME", "www.example.org")
    refuses(("CREATE", address), ("CREATE", record("www.surveyor.invalid")))
    refuses(("CREATE", address), ("CREATE", address))
    assert listed() == []
    change(zone, ("CREATE", address))
    refuses(("DELETE", address), ("DELETE", address))
    refuses(("CREATE", cname))
    assert listed() == [address]
    before = clock.now()
    first = change(zone, ("DELETE", address), ("CREATE", cname), Comment="alias")
    assert before - 60 <= first["SubmittedAt"].timestamp() <= clock.now() + 60
    assert listed() == [cname]
    other = record(name, "CNAME", "mail.example.org")
    change(zone, ("DELETE", cname), ("CREATE", other))
    assert listed() == [other]
    assert first["Comment"] == route53.get_change(Id=first["Id"])["ChangeInfo"]["Comment"] == "alias"
    assert route53.get_hosted_zone(Id=zone["Id"])["HostedZone"]["ResourceRecordSetCount"] == 3
    with raises("NoSuchChange"):
        route53.get_change(Id="C0123456789ABCDEFGHIJ")
    with raises("NoSuchHostedZone"):
        change({"Id": "Z0123456789ABCDEFGHIJ"}, ("CREATE", address))


@proves("route53.records.values-fit-their-type")
@for_each("rdtype", list(VALUES))
def test_values_fit_their_type(change, listed, refuses, zone, rdtype):
    """Each valid value is accepted and shown as it was sent, each other one is refused, and so is one twice."""
    valid, invalid = VALUES[rdtype]
    for number, value in enumerate(valid):
        change(zone, ("CREATE", record(f"{number}.{zone['Name']}", rdtype, value)))
    assert [found["ResourceRecords"] for found in listed()] == [[{"Value": value}] for value in valid]
    for value in invalid:
        refuses(("CREATE", record(f"x.{zone['Name']}", rdtype, value)))
    refuses(("CREATE", record(f"x.{zone['Name']}", rdtype, valid[0], valid[0])))


@proves("route53.records.names-of-the-zone")
def test_names_are_in_the_zone(change, listed, refuses, zone):
    """Names with and without a final dot, in upper and lower case, are the same; others must be below the zone."""
    # ResourceRecordSet.Name: "This means that Route 53 treats www.example.com (without a trailing dot) and
    # www.example.com. (with a trailing dot) as identical."
    top = zone["Name"].rstrip(".")
    change(zone, ("CREATE", record(f"WWW.{top}")))
    refuses(("CREATE", record(f"www.{top}.")))
    # ListHostedZonesByName: names are listed with escape codes, such as ex\344mple.com.
    change(zone, ("CREATE", record(rf"ex\344mple.{top}")), ("CREATE", record(f"*.{top}")))
    assert [found["Name"] for found in listed()] == [
        rf"\052.{top}.",
        rf"ex\344mple.{top}.",
        f"www.{top}.",
    ]
    for name in (f"x{top}", "surveyor.test", f"www.{top}.x"):
        refuses(("CREATE", record(name)))
    for label in ("a.", "a" * 64, "a b", "ä"):
        refuses(("CREATE", record(f"{label}.{top}")))
    change(zone, ("CREATE", record(f"{'a' * 63}.{top}")))
    # "DNS domain name format": "The total length of a domain name cannot exceed 255 bytes, including the dots."
    refuses(("CREATE", record(f"{'a.' * 127}{top}")))


@proves("route53.records.apex")
def test_name_of_the_zone_keeps_its_records(change, refuses, zone):
    """At the name of a zone are no CNAME record and always NS and SOA records; elsewhere is no SOA record."""
    name = zone["Name"]
    soa = "ns.example.org hostmaster.example.org 1 7200 900 1209600 86400"
    change(zone, ("CREATE", record(name)), ("UPSERT", record(name, "SOA", soa)))
    ns = record(name, "NS", "ns.example.org")
    change(zone, ("UPSERT", ns))
    refuses(("DELETE", ns))
    refuses(("DELETE", record(name, "SOA", soa)))
    refuses(("DELETE", record(name)), ("CREATE", record(name, "CNAME", "www.example.org")))
    refuses(("CREATE", record(f"sub.{name}", "SOA", soa)))
    refuses(("UPSERT", record(name, "SOA", f"{soa} 1")))
    refuses(("UPSERT", record(name, "SOA", soa.replace("1209600", "4294967296"))))
    # ResourceRecordSet.Name: "You can't use the * wildcard for resource records sets that have a type of NS."
    refuses(("CREATE", record(f"*.{name}", "NS", "ns.example.org")))
    change(zone, ("CREATE", record(f"sub.{name}", "NS", "ns.example.org")))


MEMBERS = {
    "policy without identifier": {"Weight": 1},
    "identifier without policy": {"SetIdentifier": "1"},
    "two policies": {**WEIGHTED, "MultiValueAnswer": True},
    "weight and failover": {**WEIGHTED, "Failover": "PRIMARY"},
    "TTL without values": {"ResourceRecords": None},
    "values without TTL": {"TTL": None},
    "neither": {"TTL": None, "ResourceRecords": None},
}


@proves("route53.records.members-fit-together")
@for_each("members", MEMBERS)
def test_contradictory_members_are_refused(refuses, zone, members):
    """A routing policy needs an identifier, an identifier exactly one policy, and values need a TTL."""
    # ResourceRecordSet.SetIdentifier: "Resource record sets that have a routing policy other than simple"
    whole = {**record(f"www.{zone['Name']}"), **members}
    refuses(("CREATE", {member: value for member, value in whole.items() if value is not None}))


@proves("route53.records.members-fit-together")
@for_each("policy", {"weighted": WEIGHTED, "multivalue": MULTIVALUE, "failover": PRIMARY, "simple": {}})
def test_members_are_shown_as_sent(change, listed, zone, policy):
    """A record set of each routing policy, with TTL 0 and with the maximum, is shown with exactly its members."""
    sets = [{**record(f"{n}.{zone['Name']}", **policy), "TTL": ttl} for n, ttl in enumerate((0, 2147483647))]
    if "Weight" in policy:
        sets += [{**record(f"{weight}.{zone['Name']}", **WEIGHTED), "Weight": weight} for weight in (2, 255)]
        sets[0]["Weight"] = 0
    change(zone, *[("CREATE", record_set) for record_set in sets])
    assert listed() == sets


@proves("route53.records.policies-and-types")
@for_each("rdtype, value", [("CNAME", "www.example.org"), ("DS", f"1 13 2 {'00' * 32}"), ("NS", "ns.example.org")])
def test_types_without_multivalue(refuses, change, zone, rdtype, value):
    """There are no multivalue answer records of type CNAME, DS and NS; of DS and NS there is simple routing only."""
    # ResourceRecordSet.Type: "Valid values for multivalue answer resource record sets: A | AAAA | MX | NAPTR | …"
    name = f"sub.{zone['Name']}"
    refuses(("CREATE", record(name, rdtype, value, **MULTIVALUE)))
    if rdtype == "CNAME":
        change(zone, ("CREATE", record(name, rdtype, value, **WEIGHTED)))
    else:
        refuses(("CREATE", record(name, rdtype, value, **WEIGHTED)))
        refuses(("CREATE", record(name, rdtype, value, **PRIMARY)))
        change(zone, ("CREATE", record(name, rdtype, value)))


@proves("route53.records.policies-and-types")
def test_soa_has_no_policy(refuses, zone):
    """The SOA record of a zone has simple routing only."""
    soa = "ns.example.org hostmaster.example.org 1 7200 900 1209600 86400"
    for policy in (WEIGHTED, MULTIVALUE):
        refuses(("CREATE", record(zone["Name"], "SOA", soa, **policy)))


@proves("route53.records.number-of-values")
def test_weighted_and_cname_records_have_one_value(change, refuses, zone):
    """A weighted or CNAME record set has one value, a simple one up to 400."""
    # ResourceRecordSet.Weight: "You can only specify one ResourceRecord per weighted resource record set."
    # ResourceRecord.Value: "You can specify more than one value for all record types except CNAME and SOA."
    name = f"www.{zone['Name']}"
    refuses(("CREATE", record(name, "A", "192.0.2.1", "192.0.2.2", **WEIGHTED)))
    refuses(("CREATE", record(name, "CNAME", "a.example.org", "b.example.org")))
    values = [f"10.0.{number // 200}.{number % 200}" for number in range(401)]
    refuses(("CREATE", record(name, "A", *values)))
    change(zone, ("CREATE", record(name, "A", *values[1:])))


@proves("route53.records.one-policy-for-a-name-and-type")
def test_record_sets_of_a_group_have_one_policy(change, refuses, zone):
    """Of one name and type all record sets have one policy; weighted ones one TTL, failover ones one of each role."""
    # ResourceRecordSet.TTL: "All of the resource record sets in a group of weighted resource record sets must have
    # the same value for TTL."
    name, other = f"www.{zone['Name']}", f"other.{zone['Name']}"
    second = {**WEIGHTED, "SetIdentifier": "2"}
    change(zone, ("CREATE", record(name, **WEIGHTED)))
    for policy in ({}, {**MULTIVALUE, "SetIdentifier": "2"}, SECONDARY):
        refuses(("CREATE", record(name, **policy)))
        change(zone, ("CREATE", record(other, **policy)))
        change(zone, ("DELETE", record(other, **policy)))
    refuses(("CREATE", {**record(name, **second), "TTL": 61}))
    change(zone, ("CREATE", record(name, **second)), ("CREATE", record(name, "AAAA", "2001:db8::1")))
    refuses(("CREATE", record(name, "CNAME", "www.example.org", **{**WEIGHTED, "SetIdentifier": "3"})))
    failover = f"failover.{zone['Name']}"
    change(zone, ("CREATE", record(failover, **PRIMARY)))
    refuses(("CREATE", record(failover, **{**PRIMARY, "SetIdentifier": "3"})))
    change(zone, ("CREATE", record(failover, **SECONDARY)))


@proves("route53.records.alias-targets")
def test_alias_names_a_record_of_its_zone_or_an_aws_resource(make_zone, change, listed, refuses, zone):
    """An alias targets a record of the same zone and type, or a load balancer; it has neither TTL nor values."""
    # AliasTarget.HostedZoneId: "(An alias resource record set can't reference a resource record set in a different
    # hosted zone.)"
    top, plain_id = zone["Name"], zone["Id"].rpartition("/")[2]
    name, target = f"alias.{top}", f"www.{top}"
    other = make_zone()["HostedZone"]
    change(zone, ("CREATE", record(target)), ("CREATE", record(f"ns.{top}", "NS", "ns.example.org")))
    change(other, ("CREATE", record(f"www.{other['Name']}")))
    elsewhere = other["Id"].rpartition("/")[2]
    invalid = [
        alias(name, f"absent.{top}", plain_id),
        alias(name, target, plain_id, "AAAA"),
        alias(name, f"www.{other['Name']}", plain_id),
        alias(name, f"www.{other['Name']}", elsewhere),
        alias(name, "www.example.org", "Z35SXDOTRQ7X7K"),
        alias(name, f"ns.{top}", plain_id, "NS"),
        alias(name, f"a..{top}", plain_id),
        alias(name, target, plain_id, TTL=60),
        {**record(name), **alias(name, target, plain_id)},
        # ResourceRecordSet.MultiValueAnswer: "You can't create multivalue answer alias records."
        alias(name, target, plain_id, **MULTIVALUE),
        # ResourceRecordSet.Failover: "you must also include the EvaluateTargetHealth element and set the value to true"
        alias(name, target, plain_id, **PRIMARY),
    ]
    for record_set in invalid:
        refuses(("CREATE", record_set))
    valid = [
        alias(f"1.{top}", target, plain_id),
        alias(f"2.{top}", LOAD_BALANCER, "Z35SXDOTRQ7X7K", evaluate=True),
        alias(f"3.{top}", target, plain_id, evaluate=True, **PRIMARY),
        alias(f"4.{top}", target, plain_id, **WEIGHTED),
        alias(f"5.{top}", "d111111abcdef8.cloudfront.net.", "Z2FDTNDATAQYW2"),
    ]
    change(zone, *[("CREATE", record_set) for record_set in valid])
    assert [found for found in listed() if "AliasTarget" in found] == valid


@proves("route53.records.alias-targets")
def test_private_zone_has_no_alias_to_cloudfront(make_zone, in_vpc, change, refuses):
    """In a private zone an alias to a CloudFront distribution is refused, and one to a load balancer accepted."""
    # AliasTarget.HostedZoneId: "Alias resource record sets for CloudFront can't be created in a private zone."
    private = make_zone(VPC=in_vpc)["HostedZone"]
    name = f"www.{private['Name']}"
    refuses(("CREATE", alias(name, "d111111abcdef8.cloudfront.net", "Z2FDTNDATAQYW2")), zone=private)
    change(private, ("CREATE", alias(name, LOAD_BALANCER, "Z35SXDOTRQ7X7K")))


@proves("route53.records.health-check-exists")
def test_health_check_of_a_record_exists(route53, change, listed, zone, unique_name):
    """A record set with the id of an absent health check is refused, with that of an existing one it is shown."""
    config = {"Type": "TCP", "IPAddress": "205.251.192.1", "Port": 53, "Disabled": True}
    check = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
    check_id = check["HealthCheck"]["Id"]
    checked = record(f"www.{zone['Name']}", **WEIGHTED, HealthCheckId=check_id)
    with raises("NoSuchHealthCheck"):
        change(zone, ("CREATE", {**checked, "HealthCheckId": "01234567-89ab-cdef-0123-456789abcdef"}))
    change(zone, ("CREATE", checked))
    assert listed() == [checked]
    route53.delete_health_check(HealthCheckId=check_id)
    change(zone, ("DELETE", checked))


@proves("route53.records.size-of-a-batch")
def test_batch_has_at_most_a_thousand_values(change, refuses, zone):
    """A batch has up to 1,000 values, and up to 500 in UPSERT changes, of which each counts twice."""
    # DNSLimitations: UPSERT elements count twice.
    addresses = [f"10.0.{number // 200}.{number % 200}" for number in range(401)]

    def changes(action, *counts):
        return [(action, record(f"{n}.{zone['Name']}", "A", *addresses[:count])) for n, count in enumerate(counts)]

    refuses(*changes("CREATE", 400, 400, 201))
    change(zone, *changes("CREATE", 400, 400, 200))
    refuses(*changes("UPSERT", 400, 101))
    change(zone, *changes("UPSERT", 400, 100))
    refuses(*changes("UPSERT", *[1] * 501))


@proves("route53.records.size-of-a-batch")
def test_values_of_a_batch_have_at_most_32000_characters(change, refuses, zone):
    """The values of a batch have up to 32,000 characters, and up to 16,000 in UPSERT changes."""
    # DNSLimitations: the characters of all Value elements, twice for UPSERT.
    name = f"www.{zone['Name']}"

    def text(count, more=0):
        values = [f'"{number:03}{"x" * 245}"' for number in range(count - 1)]
        return record(name, "TXT", *values, f'"{"y" * (248 + more)}"')

    for action, count in (("CREATE", 128), ("UPSERT", 64)):
        refuses((action, text(count, 1)))
        change(zone, (action, text(count)))
