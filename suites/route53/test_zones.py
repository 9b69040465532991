"""Hosted zones: create, read, list and delete them."""

from surveyor.testing import for_each, is_refused, proves, raises

COMMENT = {"HostedZoneConfig": {"Comment": "first"}}


def record(name, rdtype="A", value="192.0.2.1"):
    """Return a simple record set."""
    return {"Name": name, "Type": rdtype, "TTL": 60, "ResourceRecords": [{"Value": value}]}


@proves("route53.zones.shown-as-created")
def test_public_zone_is_shown_as_it_was_created(route53, make_zone, unique_name):
    """CreateHostedZone and GetHostedZone show name, reference, comment, two record sets and the same name servers."""
    # CreateHostedZone: "For public hosted zones, Route 53 automatically creates a default SOA record and four NS
    # records for the zone."
    name, reference = f"{unique_name('zone')}.surveyor.test", unique_name("reference")
    created = make_zone(f"{name.title()}.", CallerReference=reference, **COMMENT)
    zone = created["HostedZone"]
    assert (zone["Name"], zone["CallerReference"], zone["ResourceRecordSetCount"]) == (f"{name}.", reference, 2)
    assert zone["Config"].items() >= {"Comment": "first", "PrivateZone": False}.items()
    assert created["Location"].endswith(zone["Id"].rpartition("/")[2])
    assert len(set(created["DelegationSet"]["NameServers"])) == 4
    assert route53.get_change(Id=created["ChangeInfo"]["Id"])["ChangeInfo"]["Status"] in ("PENDING", "INSYNC")
    found = route53.get_hosted_zone(Id=zone["Id"])
    assert (found["HostedZone"], found["DelegationSet"]) == (zone, created["DelegationSet"])
    assert "VPCs" not in found
    assert "Comment" not in make_zone(f"{unique_name('zone')}.test")["HostedZone"]["Config"]


@proves("route53.zones.shown-as-created")
def test_private_zone_is_shown_with_its_vpc(route53, make_zone, in_vpc):
    """A zone that is created with a VPC is private, with PrivateZone or without, and is shown with that VPC."""
    for config in ({}, {"HostedZoneConfig": {"PrivateZone": True}}):
        created = make_zone(VPC=in_vpc, **config)
        assert created["HostedZone"]["Config"]["PrivateZone"] is True
        assert "Comment" not in created["HostedZone"]["Config"]
        assert created["VPC"] == in_vpc
        found = route53.get_hosted_zone(Id=created["HostedZone"]["Id"])
        assert found["HostedZone"] == {**found["HostedZone"], **created["HostedZone"]}
        assert found["VPCs"] == [in_vpc]


@proves("route53.zones.comment-can-be-changed")
def test_comment_is_replaced_and_deleted(route53, make_zone):
    """UpdateHostedZoneComment replaces the comment, and deletes it if the request has none; the rest stays."""
    # UpdateHostedZoneCommentRequest.Comment: "If you don't specify a value for Comment, Amazon Route 53 deletes the
    # existing value of the Comment element, if any."
    zone = make_zone(**COMMENT)["HostedZone"]
    others = {name: value for name, value in zone["Config"].items() if name != "Comment"}
    for comment in ({"Comment": "second"}, {}):
        expected = {**zone, "Config": {**others, **comment}}
        assert route53.update_hosted_zone_comment(Id=zone["Id"], **comment)["HostedZone"] == expected
        assert route53.get_hosted_zone(Id=zone["Id"])["HostedZone"] == expected


@proves("route53.zones.caller-reference-is-unique")
def test_caller_reference_is_used_once(make_zone, unique_name):
    """A second zone with the reference of the first is refused, also under another name; with another it is created."""
    # HostedZoneAlreadyExists: "when a hosted zone has already been created with the specified CallerReference"
    name, reference = f"{unique_name('zone')}.surveyor.test", unique_name("reference")
    make_zone(name, CallerReference=reference)
    for repeated in (name, f"other.{name}"):
        with raises("HostedZoneAlreadyExists"):
            make_zone(repeated, CallerReference=reference)
    make_zone(name)


@proves("route53.zones.invalid-requests")
@for_each(
    "name",
    {
        "top-level domain": "test",
        "asterisk": "*.{}",
        "label of 64": f"{'a' * 64}.{{}}",
        "empty label": "a..{}",
        "space": "a b.{}",
        "256 bytes": f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}.{{}}",
    },
)
def test_invalid_name_is_refused(make_zone, unique_name, name):
    """A top-level domain, and a name that is no valid domain name, is refused."""
    # CreateHostedZone: "You can't create a hosted zone for a top-level domain (TLD) such as .com."
    with raises("InvalidDomainName"):
        make_zone(name.format(f"{unique_name('zone')}.surveyor.test"))


@proves("route53.zones.invalid-requests")
def test_invalid_vpc_or_delegation_set_is_refused(make_zone, in_vpc):
    """A VPC that does not exist or lacks a member, PrivateZone without a VPC, and an unknown delegation set."""
    # CreateHostedZoneRequest.VPC: VPCId and VPCRegion "are also required"
    with raises("InvalidVPCId"):
        make_zone(VPC={**in_vpc, "VPCId": "vpc-0123456789abcdef0"})
    assert is_refused(lambda: make_zone(VPC={"VPCId": in_vpc["VPCId"]}))
    assert is_refused(lambda: make_zone(VPC={"VPCRegion": in_vpc["VPCRegion"]}))
    assert is_refused(lambda: make_zone(HostedZoneConfig={"PrivateZone": True}))
    with raises("NoSuchDelegationSet"):
        make_zone(DelegationSetId="N0123456789ABCDEFGHIJ")


@proves("route53.zones.one-private-zone-of-a-name-in-a-vpc")
def test_vpc_has_one_private_zone_of_a_name(route53, ec2, make_zone, unique_name, in_vpc, second_vpc):
    """A second private zone of a name is refused in the same VPC and not in another, until both would be in one VPC."""
    # ConflictingDomainExists: a zone with the specified name exists and is associated with the VPC already.
    name, other = f"{unique_name('zone')}.surveyor.test", {**in_vpc, "VPCId": second_vpc}
    make_zone(name, VPC=in_vpc)
    with raises("ConflictingDomainExists"):
        make_zone(name, VPC=in_vpc)
    second = make_zone(name, VPC=other)["HostedZone"]
    with raises("ConflictingDomainExists"):
        route53.associate_vpc_with_hosted_zone(HostedZoneId=second["Id"], VPC=in_vpc)
    make_zone(f"sub.{name}", VPC=in_vpc)
    make_zone(name)


@proves("route53.zones.deleted-when-empty")
def test_zone_with_records_is_not_deleted(route53, make_zone, change):
    """A zone with a record beside its own NS and SOA records is not deleted; without it is deleted and not listed."""
    # DeleteHostedZone: "Attempting to delete a hosted zone with additional records or DNSSEC enabled returns a
    # HostedZoneNotEmpty error."
    zone = make_zone()["HostedZone"]
    name = zone["Name"]
    for extra in (record(name), record(f"sub.{name}", "NS", "ns.example.org.")):
        change(zone, ("CREATE", extra))
        with raises("HostedZoneNotEmpty"):
            route53.delete_hosted_zone(Id=zone["Id"])
        change(zone, ("DELETE", extra))
    answer = route53.delete_hosted_zone(Id=zone["Id"])["ChangeInfo"]
    assert route53.get_change(Id=answer["Id"])["ChangeInfo"]["SubmittedAt"] == answer["SubmittedAt"]
    for call in (route53.get_hosted_zone, route53.delete_hosted_zone):
        with raises("NoSuchHostedZone"):
            call(Id=zone["Id"])
    pages = route53.get_paginator("list_hosted_zones").paginate()
    assert zone["Id"] not in [found["Id"] for page in pages for found in page["HostedZones"]]


@proves("route53.zones.listed-in-pages")
def test_zones_are_listed_in_pages(route53, make_zone, in_vpc, undisturbed):
    """Pages of MaxItems begin with the marker, own zones are in the list once, and only private ones on demand."""
    # ListHostedZonesRequest.MaxItems: NextMarker "is the hosted zone ID of the first hosted zone that Route 53 will
    # return if you submit another request"
    zones = [make_zone()["HostedZone"], make_zone()["HostedZone"], make_zone(VPC=in_vpc)["HostedZone"]]

    def check_two_pages(_):
        page = route53.list_hosted_zones(MaxItems="1")
        assert (len(page["HostedZones"]), page["IsTruncated"], page["MaxItems"]) == (1, True, "1")
        following = route53.list_hosted_zones(MaxItems="2", Marker=page["NextMarker"])
        assert following["HostedZones"][0]["Id"].endswith(page["NextMarker"].rpartition("/")[2])
        assert page["HostedZones"][0] not in following["HostedZones"]
        assert (len(following["HostedZones"]), following["Marker"]) == (2, page["NextMarker"])

    def listed():
        pages = route53.get_paginator("list_hosted_zones").paginate()
        return {zone["Id"] for page in pages for zone in page["HostedZones"]}

    undisturbed(listed, check_two_pages)
    for kind, expected in (({}, zones), ({"HostedZoneType": "PrivateHostedZone"}, zones[2:])):
        pages = list(route53.get_paginator("list_hosted_zones").paginate(**kind))
        assert [page["IsTruncated"] for page in pages] == [*[True] * (len(pages) - 1), False]
        assert "NextMarker" not in pages[-1]
        found = [zone for page in pages for zone in page["HostedZones"]]
        own = [zone for zone in found if zone["Id"] in [created["Id"] for created in zones]]
        assert sorted(own, key=lambda zone: zone["Id"]) == sorted(expected, key=lambda zone: zone["Id"])
    assert route53.get_hosted_zone_count()["HostedZoneCount"] >= len(zones)
    with raises("NoSuchDelegationSet"):
        route53.list_hosted_zones(DelegationSetId="N0123456789ABCDEFGHIJ")
    with raises("InvalidInput"):
        route53.list_hosted_zones(MaxItems="many")


@proves("route53.zones.listed-by-name")
def test_zones_are_listed_by_name(route53, make_zone, unique_name):
    """From DNSName on the zones are sorted by their labels in reverse, also across pages."""
    # ListHostedZonesByName: "sorts hosted zones by name with the labels reversed. For example: com.example.www. Note
    # the trailing dot, which can change the sort order in some circumstances."
    top = f"{unique_name('zone')}.surveyor.test"
    names = [top, f"a-b.{top}", f"a.{top}", f"x.a.{top}", f"b.{top}"]
    zones = {name: make_zone(name)["HostedZone"] for name in names[::-1]}
    page = route53.list_hosted_zones_by_name(DNSName=top, MaxItems="3")
    assert page["HostedZones"] == [zones[name] for name in names[:3]]
    assert (page["IsTruncated"], page["DNSName"], page["MaxItems"]) == (True, top, "3")
    assert page["NextDNSName"] == f"{names[3]}."
    following = {"DNSName": page["NextDNSName"], "HostedZoneId": page["NextHostedZoneId"]}
    answer = route53.list_hosted_zones_by_name(**following, MaxItems="2")
    assert answer["HostedZones"] == [zones[name] for name in names[3:]]
    assert {name: answer[name] for name in following} == following
    with raises("InvalidDomainName"):
        route53.list_hosted_zones_by_name(DNSName=f"{'a' * 64}.{top}")


@proves("route53.zones.listed-by-name")
def test_zones_of_one_name_are_on_separate_pages(route53, make_zone, unique_name):
    """Two zones of one name are found one after the other with NextDNSName and NextHostedZoneId."""
    name = f"{unique_name('zone')}.surveyor.test"
    ids = {make_zone(name)["HostedZone"]["Id"] for _ in range(2)}
    first = route53.list_hosted_zones_by_name(DNSName=name, MaxItems="1")
    second = route53.list_hosted_zones_by_name(
        DNSName=first["NextDNSName"], HostedZoneId=first["NextHostedZoneId"], MaxItems="1"
    )
    assert {page["HostedZones"][0]["Id"] for page in (first, second)} == ids
    if not second["IsTruncated"]:  # in an account with further zones it is
        assert not {"NextDNSName", "NextHostedZoneId"} & second.keys()
