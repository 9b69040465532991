"""ChangeResourceRecordSets and ListResourceRecordSets follow their documented rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.core.errors import ServiceError

Record = dict[str, object]


def record(name: str = "a.example.net", kind: str = "A", *values: str, **more: object) -> Record:
    """Return a record set with TTL 5, by default an address."""
    shown = [{"Value": value} for value in values or ("192.0.2.1",)]
    return {"Name": name, "Type": kind, "TTL": 5, "ResourceRecords": shown} | more


def multivalue(identifier: str, **more: object) -> Record:
    """Return a multivalue answer record set of a.example.net."""
    return record() | {"SetIdentifier": identifier, "MultiValueAnswer": True} | more


def weighted(identifier: str, weight: int = 1, **more: object) -> Record:
    """Return a weighted record set of a.example.net."""
    return record() | {"SetIdentifier": identifier, "Weight": weight} | more


def alias(name: str, target: str, zone: str = "Z35SXDOTRQ7X7K", kind: str = "A", **more: object) -> Record:
    """Return an alias record set; by default of a load balancer."""
    to = {"HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": True}
    return {"Name": name, "Type": kind, "AliasTarget": to} | more


@pytest.fixture
def listed(route53: Callable[..., Any], zone: str) -> Callable[..., list[Record]]:
    """Return a function that lists the record sets of example.net, except its own SOA and NS records."""

    def ask(**request: object) -> list[Record]:
        answer = route53("ListResourceRecordSets", HostedZoneId=zone, **request)
        return [entry for entry in answer["ResourceRecordSets"] if entry["Type"] not in ("SOA", "NS")]

    return ask


def test_records_are_listed_as_created(change: Callable[..., Any], listed: Callable[..., list[Record]]) -> None:
    """Names are absolute and lower case, with octal escapes; everything else is as in the request."""
    created = [
        record("A.Example.net", "A", "192.0.2.2", "192.0.2.1"),
        record("*.example.net", "TXT", '"one"'),
        record("m.example.net", SetIdentifier="One", MultiValueAnswer=True),
        record("w.example.net", SetIdentifier="one", Weight=0),
        alias("l.example.net", "Name-1.us-east-1.elb.amazonaws.com"),
    ]
    assert change(*(("CREATE", item) for item in created))["Status"] == "PENDING"
    target = {
        "HostedZoneId": "Z35SXDOTRQ7X7K",
        "DNSName": "name-1.us-east-1.elb.amazonaws.com.",
        "EvaluateTargetHealth": True,
    }
    assert listed() == [
        {**created[1], "Name": r"\052.example.net."},
        {**created[0], "Name": "a.example.net."},
        {**created[4], "Name": "l.example.net.", "AliasTarget": target},
        {**created[2], "Name": "m.example.net."},
        {**created[3], "Name": "w.example.net."},
    ]


def test_upsert_creates_and_replaces(change: Callable[..., Any], listed: Callable[..., list[Record]]) -> None:
    """UPSERT replaces the record set with the same name, type and set identifier."""
    change(("UPSERT", record()))
    change(("UPSERT", record("a.example.net", "A", "192.0.2.9")))
    assert [entry["ResourceRecords"] for entry in listed()] == [[{"Value": "192.0.2.9"}]]


def test_a_batch_is_all_or_nothing(change: Callable[..., Any], listed: Callable[..., list[Record]]) -> None:
    """If one change is invalid, none is applied; the error names every invalid change."""
    with pytest.raises(ServiceError) as refused:
        change(
            ("CREATE", record()),
            ("CREATE", record("a.example.org")),
            ("CREATE", record("b.example.net", "A", "not an address")),
        )
    assert refused.value.code == "InvalidChangeBatch"
    assert "a.example.org" in refused.value.message
    assert "not an address" in refused.value.message
    assert listed() == []


def test_a_cname_can_give_way_to_an_address_in_one_batch(
    change: Callable[..., Any], listed: Callable[..., list[Record]]
) -> None:
    """The rules apply to the zone after the batch (route53/ChangeResourceRecordSets, change batches)."""
    change(("CREATE", record("a.example.net", "CNAME", "b.example.net")))
    change(("DELETE", record("a.example.net", "CNAME", "b.example.net")), ("CREATE", record()))
    assert [entry["Type"] for entry in listed()] == ["A"]


def test_delete_and_create_of_one_record_set_go_together(
    change: Callable[..., Any], listed: Callable[..., list[Record]]
) -> None:
    """DELETE and CREATE in one batch replace a record set, after comparing its old values."""
    change(("CREATE", record()))
    change(("DELETE", record()), ("CREATE", record("a.example.net", "A", "192.0.2.9")))
    assert [entry["ResourceRecords"] for entry in listed()] == [[{"Value": "192.0.2.9"}]]


def test_deleting_compares_values_in_any_order(change: Callable[..., Any], listed: Callable[..., list[Record]]) -> None:
    """DELETE must name all values, in any order."""
    change(("CREATE", record("a.example.net", "A", "192.0.2.1", "192.0.2.2")))
    with pytest.raises(ServiceError, match="InvalidChangeBatch"):
        change(("DELETE", record()))
    change(("DELETE", record("A.example.net.", "A", "192.0.2.2", "192.0.2.1")))
    assert listed() == []


INVALID_BATCHES: dict[str, list[tuple[str, Record]]] = {
    "created twice": [("CREATE", record()), ("CREATE", record())],
    "upserted twice": [("UPSERT", record()), ("UPSERT", record())],
    "not there to delete": [("DELETE", record())],
    "outside the zone": [("CREATE", record("anexample.net"))],
    "CNAME at the apex": [("CREATE", record("example.net", "CNAME", "a.example.org"))],
    "CNAME beside another": [("CREATE", record()), ("CREATE", record("a.example.net", "CNAME", "b.example.org"))],
    "CNAME with two values": [("CREATE", record("a.example.net", "CNAME", "b.example.org", "c.example.org"))],
    "SOA elsewhere": [("CREATE", record("a.example.net", "SOA", "ns. mail. 1 1 1 1 1"))],
    "NS with an asterisk": [("CREATE", record("*.example.net", "NS", "ns.example.org"))],
    "same value twice": [("CREATE", record("a.example.net", "A", "192.0.2.1", "192.0.2.1"))],
    "invalid value": [("CREATE", record("a.example.net", "AAAA", "192.0.2.1"))],
    "401 values": [("CREATE", record("a.example.net", "A", *(f"10.0.{n // 250}.{n % 250}" for n in range(401))))],
    "multivalue CNAME": [("CREATE", multivalue("1", Type="CNAME", ResourceRecords=[{"Value": "b.example.org"}]))],
    "weighted NS": [("CREATE", weighted("1", Type="NS", ResourceRecords=[{"Value": "b.example.org"}]))],
    "weighted with two values": [
        ("CREATE", weighted("1", ResourceRecords=[{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}]))
    ],
    "weighted beside multivalue": [("CREATE", weighted("1")), ("CREATE", multivalue("2"))],
    "simple beside weighted": [("CREATE", weighted("1")), ("CREATE", record())],
    "weighted with two TTLs": [("CREATE", weighted("1")), ("CREATE", weighted("2", TTL=6))],
    "two primaries": [("CREATE", record(SetIdentifier=name, Failover="PRIMARY")) for name in ("1", "2")],
    "alias to nothing": [("CREATE", alias("a.example.net", "web.example.org"))],
}


@pytest.mark.parametrize("batch", INVALID_BATCHES.values(), ids=INVALID_BATCHES.keys())
def test_invalid_change_batches(
    change: Callable[..., Any], listed: Callable[..., list[Record]], batch: list[tuple[str, Record]]
) -> None:
    """Each batch breaks one documented rule and changes nothing."""
    with pytest.raises(ServiceError) as refused:
        change(*batch)
    assert refused.value.code == "InvalidChangeBatch"
    assert listed() == []


INVALID_INPUT: dict[str, Record] = {
    "no TTL": {"Name": "a.example.net", "Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]},
    "no values": {"Name": "a.example.net", "Type": "A", "TTL": 5},
    "alias with TTL": alias("a.example.net", "x.us-east-1.elb.amazonaws.com", TTL=5),
    "alias of type NS": alias("a.example.net", "x.us-east-1.elb.amazonaws.com", kind="NS"),
    "multivalue alias": alias(
        "a.example.net", "x.us-east-1.elb.amazonaws.com", MultiValueAnswer=True, SetIdentifier="1"
    ),
    "identifier alone": record(SetIdentifier="1"),
    "weight without identifier": record(Weight=1),
    "weight and multivalue": record(SetIdentifier="1", Weight=1, MultiValueAnswer=True),
    "weight and failover": record(SetIdentifier="1", Weight=1, Failover="PRIMARY"),
    "latency": record(SetIdentifier="1", Region="us-east-1"),
    "no name": record("a..example.net"),
}


@pytest.mark.parametrize("shape", INVALID_INPUT.values(), ids=INVALID_INPUT.keys())
def test_record_sets_with_contradicting_members(change: Callable[..., Any], shape: Record) -> None:
    """Record sets that are invalid by themselves are InvalidInput."""
    with pytest.raises(ServiceError) as refused:
        change(("CREATE", shape))
    assert refused.value.code == "InvalidInput"


def test_a_hundred_record_sets_share_a_name_and_type(route53: Callable[..., Any]) -> None:
    """Up to 100 weighted or multivalue record sets share a name and type (route53/ResourceRecordSet.Weight)."""
    zone = route53("CreateHostedZone", Name="example.net", CallerReference="r")["HostedZone"]["Id"]
    batch = [
        {"Action": "CREATE", "ResourceRecordSet": multivalue(str(n)) | {"Name": "a.example.net"}} for n in range(101)
    ]
    with pytest.raises(ServiceError, match="cannot be more than 100"):
        route53("ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": batch})


def test_a_zone_holds_its_quota_of_records(change: Callable[..., Any]) -> None:
    """The SOA and NS records count towards the quota."""
    change(*(("CREATE", record(f"{n}.example.net")) for n in range(18)))
    with pytest.raises(ServiceError, match="Number of records limit of 20 exceeded"):
        change(("CREATE", record("one-more.example.net")))
    change(("UPSERT", record("1.example.net", "A", "192.0.2.9")))


@pytest.mark.parametrize(("action", "elements"), [("CREATE", 1001), ("UPSERT", 501)])
def test_requests_have_limits(change: Callable[..., Any], action: str, elements: int) -> None:
    """1,000 ResourceRecord elements, 32,000 characters per request; UPSERT counts twice (Developer Guide, Quotas)."""
    with pytest.raises(ServiceError, match="Number of records limit of 1000 exceeded"):
        change(*((action, record(f"{n}.example.net")) for n in range(elements)))
    long = [f'"{"x" * 250}" "{n:04}"' for n in range(130)]
    with pytest.raises(ServiceError, match="Number of characters limit of 32000 exceeded"):
        change((action, record("a.example.net", "TXT", *long)))


def test_the_apex_keeps_its_soa_and_ns(route53: Callable[..., Any], zone: str, change: Callable[..., Any]) -> None:
    """The SOA and NS records of a zone can be changed, but not deleted."""
    both = {
        entry["Type"]: entry for entry in route53("ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]
    }
    for kind in ("SOA", "NS"):
        with pytest.raises(ServiceError, match="InvalidChangeBatch"):
            change(("DELETE", both[kind]))
        change(("UPSERT", both[kind] | {"TTL": 60}))


def test_an_alias_needs_its_target(change: Callable[..., Any], zone: str) -> None:
    """Within the zone, a record set of the alias's type must exist; it may be created in the same batch."""
    own = zone.removeprefix("/hostedzone/")
    with pytest.raises(ServiceError, match="not found"):
        change(("CREATE", alias("b.example.net", "a.example.net", own)))
    with pytest.raises(ServiceError, match="does not lie within"):
        change(("CREATE", alias("b.example.net", "a.example.org", own)))
    change(("CREATE", alias("b.example.net", "a.example.net", own)), ("CREATE", record()))


def test_health_checks_must_exist(change: Callable[..., Any]) -> None:
    """An unknown HealthCheckId is NoSuchHealthCheck."""
    with pytest.raises(ServiceError, match="NoSuchHealthCheck"):
        change(("CREATE", multivalue("1", HealthCheckId="none")))


def test_lists_are_ordered_and_can_begin_anywhere(
    route53: Callable[..., Any], zone: str, change: Callable[..., Any], listed: Callable[..., list[Record]]
) -> None:
    """Lists are ordered by name with its labels reversed, type, set identifier; a page names the start of the next."""
    change(
        ("CREATE", record("b.example.net", "TXT", '"x"')),
        ("CREATE", record("b.example.net", "AAAA", "2001:db8::1")),
        ("CREATE", record("a.b.example.net")),
        ("CREATE", multivalue("2")),
        ("CREATE", multivalue("1")),
    )
    order = [(entry["Name"], entry["Type"], entry.get("SetIdentifier")) for entry in listed()]
    assert order == [
        ("a.example.net.", "A", "1"),
        ("a.example.net.", "A", "2"),
        ("b.example.net.", "AAAA", None),
        ("b.example.net.", "TXT", None),
        ("a.b.example.net.", "A", None),
    ]
    assert [entry["Name"] for entry in listed(StartRecordName="b.example.net", StartRecordType="CAA")] == [
        "b.example.net.",
        "a.b.example.net.",
    ]
    seen: list[Record] = []
    request: dict[str, object] = {"MaxItems": "2"}
    while True:
        page = route53("ListResourceRecordSets", HostedZoneId=zone, **request)
        seen += page["ResourceRecordSets"]
        if not page["IsTruncated"]:
            break
        request = {
            "MaxItems": "2",
            "StartRecordName": page["NextRecordName"],
            "StartRecordType": page["NextRecordType"],
        }
        if "NextRecordIdentifier" in page:
            request["StartRecordIdentifier"] = page["NextRecordIdentifier"]
    assert seen == route53("ListResourceRecordSets", HostedZoneId=zone)["ResourceRecordSets"]


@pytest.mark.parametrize(
    "request_",
    [
        {"StartRecordType": "A"},
        {"StartRecordName": "a.example.net", "StartRecordIdentifier": "1"},
        {"StartRecordName": "a..b"},
        {"MaxItems": "-1"},
    ],
)
def test_invalid_starts_are_refused(listed: Callable[..., list[Record]], request_: dict[str, object]) -> None:
    """A type without a name, an identifier without a type, an invalid name or size are InvalidInput."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        listed(**request_)


def test_unknown_zones_are_refused(route53: Callable[..., Any], zone: str) -> None:
    """An unknown zone and a zone of another account are NoSuchHostedZone."""
    for account, zone_id in (("111111111111", "Z1"), ("222222222222", zone)):
        with pytest.raises(ServiceError, match="NoSuchHostedZone"):
            route53("ListResourceRecordSets", account=account, HostedZoneId=zone_id)
