"""ListResourceRecordSets: order, start and pages."""

import pytest

from surveyor.testing import for_each, proves, raises


@pytest.fixture
def filled(change, zone):
    """Create record sets in another order than the list has, and return (name, type, identifier) in the order of it."""
    top = zone["Name"]
    routed = {"TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}], "MultiValueAnswer": True}
    sets = [{"Name": f"b.{top}", "Type": "A", "SetIdentifier": str(number), **routed} for number in (2, 1)]
    simple = [(f"b.{top}", "TXT", '"x"'), (f"x.a.{top}", "A", "192.0.2.2"), (f"a.{top}", "AAAA", "2001:db8::1")]
    simple += [(f"a.{top}", "A", "192.0.2.3"), (f"a-b.{top}", "A", "192.0.2.4")]
    sets += [{"Name": n, "Type": t, "TTL": 60, "ResourceRecords": [{"Value": v}]} for n, t, v in simple]
    change(zone, *[("CREATE", record_set) for record_set in sets])
    return [
        (top, "NS", None),
        (top, "SOA", None),
        (f"a-b.{top}", "A", None),
        (f"a.{top}", "A", None),
        (f"a.{top}", "AAAA", None),
        (f"x.a.{top}", "A", None),
        (f"b.{top}", "A", "1"),
        (f"b.{top}", "A", "2"),
        (f"b.{top}", "TXT", None),
    ]


@pytest.fixture
def list_page(route53, zone):
    """List a page, and return the record sets as (name, type, identifier), and the answer."""

    def call(**params):
        page = route53.list_resource_record_sets(HostedZoneId=zone["Id"], **params)
        found = page["ResourceRecordSets"]
        return [(entry["Name"], entry["Type"], entry.get("SetIdentifier")) for entry in found], page

    return call


@proves("route53.list-records.order")
def test_record_sets_are_sorted(filled, list_page):
    """Record sets are sorted by their names with the labels reversed, then by type; changes are listed at once."""
    # ListResourceRecordSets: "sorts results first by DNS name with the labels reversed … Note the trailing dot"
    found, page = list_page()
    assert found == filled
    assert page["IsTruncated"] is False
    assert not {"NextRecordName", "NextRecordType", "NextRecordIdentifier"} & page.keys()


@proves("route53.list-records.start")
def test_list_begins_at_name_and_type(filled, list_page, zone):
    """The list begins at StartRecordName, or at the next name, and there at StartRecordType; a type needs a name."""
    # ListResourceRecordSetsRequest.StartRecordType: "Specifying type without specifying name returns an InvalidInput
    # error."
    top = zone["Name"]
    for start, expected in (
        ({"StartRecordName": f"a.{top}"}, filled[3:]),
        ({"StartRecordName": f"aa.{top}".rstrip(".")}, filled[6:]),
        ({"StartRecordName": f"A.{top}", "StartRecordType": "AAAA"}, filled[4:]),
        ({"StartRecordName": f"a.{top}", "StartRecordType": "TXT"}, filled[5:]),
        ({"StartRecordName": f"z.{top}"}, []),
    ):
        assert list_page(**start)[0] == expected
    with raises("InvalidInput"):
        list_page(StartRecordType="A")
    with raises("InvalidInput"):
        list_page(StartRecordName=f"{'a' * 64}.{top}")
    with raises("NoSuchHostedZone"):
        zone["Id"] = "Z0123456789ABCDEFGHIJ"
        list_page()


@proves("route53.list-records.pages")
@for_each("size", [1, 2, 7, 8])
def test_pages_continue_where_the_last_one_ended(filled, list_page, size):
    """Pages of MaxItems, each of which begins at the Next members of the last, hold each record set once."""
    found = []
    start: dict[str, str] = {}
    while True:
        entries, page = list_page(MaxItems=str(size), **start)
        found += entries
        assert page["MaxItems"] == str(size)
        if not page["IsTruncated"]:
            break
        assert len(entries) == size
        following = filled[len(found)]
        assert (page["NextRecordName"], page["NextRecordType"], page.get("NextRecordIdentifier")) == following
        members = zip(("StartRecordName", "StartRecordType", "StartRecordIdentifier"), following, strict=True)
        start = {name: value for name, value in members if value}
    assert found == filled


@proves("route53.list-records.pages")
def test_page_has_at_most_300_record_sets(change, list_page, zone):
    """By default, and if more are asked for, a page has 300 record sets; MaxItems must be a number."""
    # ListResourceRecordSets: "returns up to 300 resource record sets at a time in ASCII order"
    values = {"Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change(zone, *[("CREATE", {"Name": f"{number}.{zone['Name']}", **values}) for number in range(299)])
    for size in ({}, {"MaxItems": "301"}):
        found, page = list_page(**size)
        assert (len(found), page["IsTruncated"]) == (300, True)
    with raises("InvalidInput"):
        list_page(MaxItems="many")
