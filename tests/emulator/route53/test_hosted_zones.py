"""Operations on hosted zones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import World

REGION = "us-east-1"


def records(route53: Callable[..., Any], zone: str) -> dict[str, dict[str, Any]]:
    """Return a zone's record sets by type."""
    listed = route53("ListResourceRecordSets", HostedZoneId=zone.removeprefix("/hostedzone/"))
    return {record["Type"]: record for record in listed["ResourceRecordSets"]}


def test_a_public_zone_begins_with_soa_and_ns(route53: Callable[..., Any]) -> None:
    """It has four name servers, SOA TTL 900, minimum 86400, NS TTL 172800 (Developer Guide, NS and SOA records)."""
    created = route53("CreateHostedZone", Name="Example.NET", CallerReference="r", HostedZoneConfig={"Comment": "c"})
    zone = created["HostedZone"]
    servers = created["DelegationSet"]["NameServers"]
    assert (zone["Name"], zone["Config"], zone["ResourceRecordSetCount"]) == (
        "example.net.",
        {"Comment": "c", "PrivateZone": False, "HostedZoneTier": "STANDARD"},
        2,
    )
    assert zone["Id"].startswith("/hostedzone/Z")
    assert created["Location"].endswith(zone["Id"])
    assert created["ChangeInfo"]["Status"] == "PENDING"
    # AWS was seen to take each name from the range and the top-level domain of a different series.
    assert sorted(name.split(".", 2)[2] for name in servers) == ["co.uk", "com", "net", "org"]
    assert len({name.split(".")[1] for name in servers}) == 4
    assert sorted(int(name.split(".")[0].removeprefix("ns-")) // 512 for name in servers) == [0, 1, 2, 3]
    found = records(route53, zone["Id"])
    assert found["SOA"]["TTL"] == 900
    assert found["SOA"]["ResourceRecords"] == [
        {"Value": f"{servers[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"}
    ]
    assert found["NS"]["TTL"] == 172_800
    assert [record["Value"] for record in found["NS"]["ResourceRecords"]] == [f"{name}." for name in servers]
    assert route53("GetHostedZone", Id=zone["Id"])["DelegationSet"]["NameServers"] == servers


def test_a_private_zone_has_its_vpc_and_the_common_servers(
    route53: Callable[..., Any], private_zone: str, vpc: str
) -> None:
    """All private zones have the same name servers (Developer Guide, Working with private hosted zones)."""
    shown = route53("GetHostedZone", Id=private_zone)
    assert shown["VPCs"] == [{"VPCRegion": REGION, "VPCId": vpc}]
    assert shown["HostedZone"]["Config"] == {"PrivateZone": True, "HostedZoneTier": "STANDARD"}
    assert {"Value": "ns-0.awsdns-00.com."} in records(route53, private_zone)["NS"]["ResourceRecords"]


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("InvalidDomainName", {"Name": "a..b"}),
        ("InvalidDomainName", {"Name": "com"}),
        ("InvalidDomainName", {"Name": "."}),
        ("InvalidDomainName", {"Name": "*.example.org"}),
        ("HostedZoneAlreadyExists", {"Name": "example.org", "CallerReference": "2"}),
        ("InvalidVPCId", {"Name": "example.org", "VPC": {"VPCRegion": REGION, "VPCId": "vpc-1"}}),
        ("InvalidInput", {"Name": "example.org", "VPC": {"VPCRegion": REGION}}),
        ("InvalidInput", {"Name": "example.org", "HostedZoneConfig": {"PrivateZone": True}}),
        ("NoSuchDelegationSet", {"Name": "example.org", "DelegationSetId": "N1"}),
        ("InvalidInput", {"Name": "example.org", "EnablePublicDNSFallback": True}),
        (
            "InvalidInput",
            {
                "Name": "example.org",
                "HostedZoneConfig": {"HostedZoneTier": "ADVANCED"},
                "EnablePublicDNSFallback": True,
            },
        ),
    ],
)
@pytest.mark.usefixtures("zone")
def test_zones_that_cannot_be_created(route53: Callable[..., Any], code: str, request_: dict[str, object]) -> None:
    """Each invalid request has the error that the model lists for it."""
    with pytest.raises(ServiceError) as refused:
        route53("CreateHostedZone", **{"CallerReference": "new"} | request_)
    assert refused.value.code == code


def test_private_zones_of_one_name_and_vpc_conflict(route53: Callable[..., Any], private_zone: str, vpc: str) -> None:
    """The same name is ConflictingDomainExists; names above or below it are allowed."""
    request = {"CallerReference": "r", "VPC": {"VPCRegion": REGION, "VPCId": vpc}}
    with pytest.raises(ServiceError, match="ConflictingDomainExists"):
        route53("CreateHostedZone", Name="EXAMPLE.internal", **request)
    assert route53("CreateHostedZone", Name="a.example.internal", **request)["HostedZone"]["Id"] != private_zone


def test_accounts_have_a_quota_of_zones(world: World, route53: Callable[..., Any]) -> None:
    """A zone beyond the quota is TooManyHostedZones; another account has a separate quota."""
    for number in range(world.settings.quotas.hosted_zones):
        route53("CreateHostedZone", Name="example.org", CallerReference=str(number))
    with pytest.raises(ServiceError, match="TooManyHostedZones"):
        route53("CreateHostedZone", Name="example.org", CallerReference="one more")
    route53("CreateHostedZone", account="222222222222", Name="example.org", CallerReference="one more")
    assert route53("GetHostedZoneCount") == {"HostedZoneCount": world.settings.quotas.hosted_zones}


def test_a_zone_with_records_is_not_empty(route53: Callable[..., Any], zone: str, change: Callable[..., Any]) -> None:
    """DeleteHostedZone requires a zone without records other than its SOA and NS records."""
    record = {"Name": "a.example.net", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change(("CREATE", record))
    with pytest.raises(ServiceError, match="HostedZoneNotEmpty"):
        route53("DeleteHostedZone", Id=zone)
    change(("DELETE", record))
    assert route53("DeleteHostedZone", Id=zone)["ChangeInfo"]["Status"] == "PENDING"
    with pytest.raises(ServiceError, match="NoSuchHostedZone"):
        route53("GetHostedZone", Id=zone)


@pytest.mark.parametrize("name", ["example.com", "Shop.Example.com"])
def test_public_zones_of_a_reserved_name_are_refused(route53: Callable[..., Any], vpc: str, name: str) -> None:
    """AWS was seen to refuse example.com and names below it; a private zone may have them."""
    with pytest.raises(ServiceError, match=rf"InvalidDomainName: {name.lower()} is reserved by AWS!"):
        route53("CreateHostedZone", Name=name, CallerReference="r")
    association = {"VPCId": vpc, "VPCRegion": "us-east-1"}
    created = route53("CreateHostedZone", Name=name, CallerReference="r", VPC=association)
    assert created["HostedZone"]["Name"] == f"{name.lower()}."


def test_comments_can_be_changed_and_removed(route53: Callable[..., Any], zone: str) -> None:
    """UpdateHostedZoneComment without a comment removes the existing comment."""
    assert route53("UpdateHostedZoneComment", Id=zone, Comment="c")["HostedZone"]["Config"]["Comment"] == "c"
    assert "Comment" not in route53("UpdateHostedZoneComment", Id=zone)["HostedZone"]["Config"]


def test_zones_are_listed_page_by_page(route53: Callable[..., Any], zone: str, private_zone: str) -> None:
    """Every zone is on exactly one page; a marker is the id of the next zone."""
    seen, request = [], {"MaxItems": "1"}
    while True:
        page = route53("ListHostedZones", **request)
        assert page["MaxItems"] == "1"
        assert page.get("Marker") == request.get("Marker")
        seen += [zone["Id"] for zone in page["HostedZones"]]
        if not page["IsTruncated"]:
            break
        request["Marker"] = page["NextMarker"]
    assert sorted(seen) == sorted([zone, private_zone])
    private = route53("ListHostedZones", HostedZoneType="PrivateHostedZone")["HostedZones"]
    assert [zone["Id"] for zone in private] == [private_zone]


def test_zones_by_name_have_their_labels_reversed(route53: Callable[..., Any]) -> None:
    """ListHostedZonesByName orders com.example. before com.example.a. before org.…, and pages begin at a given name."""
    for number, name in enumerate(["b.example.net", "example.org", "example.net", "a.example.net"]):
        route53("CreateHostedZone", Name=name, CallerReference=str(number))
    listed = route53("ListHostedZonesByName")
    assert [zone["Name"] for zone in listed["HostedZones"]] == [
        "example.net.",
        "a.example.net.",
        "b.example.net.",
        "example.org.",
    ]
    page = route53("ListHostedZonesByName", DNSName="a.example.net", MaxItems="2")
    assert [zone["Name"] for zone in page["HostedZones"]] == ["a.example.net.", "b.example.net."]
    assert (page["IsTruncated"], page["DNSName"], page["NextDNSName"]) == (True, "a.example.net", "example.org.")
    rest = route53("ListHostedZonesByName", DNSName=page["NextDNSName"], HostedZoneId=page["NextHostedZoneId"])
    assert [zone["Name"] for zone in rest["HostedZones"]] == ["example.org."]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("ListHostedZones", {"MaxItems": "0"}),
        ("ListHostedZones", {"MaxItems": "many"}),
        ("ListHostedZones", {"Marker": "Z1"}),
    ],
)
def test_invalid_pages_are_refused(route53: Callable[..., Any], operation: str, request_: dict[str, object]) -> None:
    """Invalid sizes and unknown markers are InvalidInput."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53(operation, **request_)


def test_refusals_have_the_words_of_aws(route53: Callable[..., Any], zone: str) -> None:
    """Tools match these texts, which users have reported."""
    absent, reference = "Z0123456789ABCDEFGHIJ", route53("GetHostedZone", Id=zone)["HostedZone"]["CallerReference"]
    record = {"Name": "x.example.net", "Type": "A", "TTL": 5, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    route53("ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)
    for operation, request, words in (
        ("GetHostedZone", {"Id": absent}, f"NoSuchHostedZone: No hosted zone found with ID: {absent}"),
        (
            "CreateHostedZone",
            {"Name": "b.test", "CallerReference": reference},
            "HostedZoneAlreadyExists: A hosted zone has already been created with the specified caller reference.",
        ),
        ("DeleteHostedZone", {"Id": zone}, "HostedZoneNotEmpty: .* contains non-required resource record sets"),
        ("GetHealthCheck", {"HealthCheckId": "1"}, "NoSuchHealthCheck: A health check with id 1 does not exist."),
    ):
        with pytest.raises(ServiceError, match=words):
            route53(operation, **request)
