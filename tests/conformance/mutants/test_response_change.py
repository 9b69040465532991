"""Response mutants: every change that is listed for an answer changes it, and nothing else does."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.conformance.mutants.dns_response_change import change_dns_answer, changes_of_dns
from surveyor.conformance.mutants.response_change import ResponseChange, change_answer, changes_of
from surveyor.proxies import ProxyRequest, ProxyResponse

LIST = ProxyRequest("servicediscovery", "ListServices", b"{}", {})
ZONES = ProxyRequest("route53", "ListHostedZones", b"", None)
XML = b"""<?xml version="1.0"?><ListHostedZonesResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><HostedZones>
<HostedZone><Id>/hostedzone/Z1</Id><ResourceRecordSetCount>2</ResourceRecordSetCount><Config><PrivateZone>false</PrivateZone>
</Config></HostedZone><HostedZone><Id>/hostedzone/Z2</Id></HostedZone></HostedZones><At>2026-11-28T10:00:00Z</At>
</ListHostedZonesResponse>"""

VALUES = st.recursive(
    st.one_of(st.integers(-5, 5), st.booleans(), st.text("ab", min_size=1, max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ABC"), inner, max_size=3)),
    max_leaves=8,
)


def answer(value: Mapping[str, object], status: int = 200) -> ProxyResponse:
    """Return a JSON answer."""
    return ProxyResponse.from_json(status, value)


@given(st.dictionaries(st.sampled_from(["Services", "NextToken"]), VALUES, min_size=1))
def test_each_change_of_json_changes_the_answer(value: dict[str, object]) -> None:
    """The changed answer differs, except that a list may read the same backwards."""
    found = changes_of(LIST, answer(value))
    assert found
    for change in found:
        changed = change_answer(change, LIST, answer(copy.deepcopy(value)))
        if change.change != "reverse":
            assert json.dumps(changed.value) != json.dumps(value), change


def test_paths_follow_the_model() -> None:
    """The keys of a map are the caller's, so their path is `*`; those of a structure are members."""
    request = ProxyRequest("servicediscovery", "GetInstance", b"{}", {})
    value = {"Instance": {"Id": "i-1", "Attributes": {"colour": "red"}}}
    paths = {change.path for change in changes_of(request, answer(value))}
    assert "Instance.Attributes.*" not in paths or "Instance.Attributes.colour" not in paths
    assert "Instance.Id" in paths
    assert "Instance.Attributes.colour" not in paths


def test_errors_are_apart_from_answers() -> None:
    """A change of an operation's answer leaves its errors alone."""
    change = ResponseChange("ListServices", "Message", "drop")
    refused = answer({"__type": "InvalidInput", "Message": "no"}, 400)
    assert change_answer(change, LIST, refused).value == {"__type": "InvalidInput", "Message": "no"}
    assert {found.answer for found in changes_of(LIST, refused)} == {"ListServices InvalidInput"}


@pytest.mark.parametrize(
    ("path", "change", "text"),
    [
        ("HostedZones.HostedZone.ResourceRecordSetCount", "more", ">3<"),
        ("HostedZones.HostedZone.ResourceRecordSetCount", "less", ">1<"),
        ("HostedZones.HostedZone.ResourceRecordSetCount", "retype", ">2x<"),
        ("HostedZones.HostedZone.Config.PrivateZone", "invert", "<PrivateZone>true<"),
        ("HostedZones.HostedZone.Id", "rename", "<IdX>/hostedzone/Z1</IdX>"),
        ("At", "more", ">2026-11-28T10:00:01Z<"),
    ],
)
def test_changes_of_xml(path: str, change: str, text: str) -> None:
    """Numbers and times are shifted by one, names and types are changed, in the same namespace."""
    page = ProxyResponse(200, {"Content-Type": "text/xml", "Content-Length": "1"}, XML)
    found = ResponseChange("ListHostedZones", path, change)
    assert found in changes_of(ZONES, page)
    changed = change_answer(found, ZONES, page)
    assert text in changed.body.decode()
    assert 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"' in changed.body.decode()
    assert "Content-Length" not in changed.headers


def test_entries_of_xml_are_dropped_and_reversed() -> None:
    """A list in XML is elements of one name."""
    page = ProxyResponse(200, {"Content-Type": "text/xml"}, XML)
    reversed_zones = change_answer(ResponseChange("ListHostedZones", "HostedZones", "reverse"), ZONES, page).body
    assert reversed_zones.index(b"/Z2") < reversed_zones.index(b"/Z1")
    assert b"/Z1" not in change_answer(ResponseChange("ListHostedZones", "HostedZones", "drop-one"), ZONES, page).body


@pytest.mark.parametrize("body", [b"", b"<html", b"\xff", b"{"])
def test_what_is_no_answer_has_no_changes(body: bytes) -> None:
    """Neither a broken document nor another format can be changed."""
    for kind in ("text/xml", "application/json", "text/plain"):
        page = ProxyResponse(200, {"Content-Type": kind}, body)
        assert changes_of(ZONES, page) == set() or kind == "application/json"
        assert change_answer(ResponseChange("ListHostedZones", "A", "drop"), ZONES, page).encode() is not None


def test_each_change_of_dns_changes_the_answer() -> None:
    """Flags, codes, records, their data and their TTLs can be changed, each alone."""
    query = dns.message.make_query("web.example.com.", "A")
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.answer = [dns.rrset.from_text("web.example.com.", 60, "IN", "A", "192.0.2.1", "192.0.2.2")]
    soa = "ns.example.com. host.example.com. 1 7200 900 1209600 60"
    reply.authority = [dns.rrset.from_text("example.com.", 15, "IN", "SOA", soa)]
    before = reply.to_wire()
    found = changes_of_dns(reply)
    assert {"answer.A.ttl", "authority.SOA.minimum", "header.AA", "rcode"} <= {change.path for change in found}
    for change in found:
        changed = dns.message.from_wire(before)
        change_dns_answer(change, changed)
        assert changed.to_wire() != before, change
