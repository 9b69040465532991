"""REST-XML: paths that lead to operations, and documents that are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols.api_models import service_model
from surveyor_emulator.protocols.rest_xml import RestXmlWire
from surveyor_emulator.protocols.xml import DEEPEST, MOST_ELEMENTS

WIRE = RestXmlWire(service_model("route53"))
NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
ZONE = "/2013-04-01/hostedzone"
LAUGHS = (
    b'<!DOCTYPE CreateHostedZoneRequest [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
    b"<CreateHostedZoneRequest><Name>&c;</Name></CreateHostedZoneRequest>"
)
OUTSIDE = (
    b'<!DOCTYPE r [<!ENTITY file SYSTEM "file:///etc/hostname">]>'
    b"<CreateHostedZoneRequest><Name>&file;</Name></CreateHostedZoneRequest>"
)


def create(members: str, namespace: str = NAMESPACE, root: str = "CreateHostedZoneRequest") -> Request:
    """CreateHostedZone with these elements."""
    return Request("POST", ZONE, "", {}, f'<{root} xmlns="{namespace}">{members}</{root}>'.encode())


def refusal(request: Request) -> str:
    """The code with which a request is refused."""
    with pytest.raises(ServiceError) as caught:
        WIRE.parse(request)
    return caught.value.code


@pytest.mark.parametrize(
    "document",
    [
        b"{}",
        b"<a",
        b"<a></b>",
        b"\xff\xfe<",
        b'<?xml version="1.0" encoding="moon"?><CreateHostedZoneRequest/>',
        LAUGHS,
        LAUGHS.decode().encode("utf-16"),
        OUTSIDE,
        b"<CreateHostedZoneRequest>" + b"<a>" * DEEPEST,
        b"<CreateHostedZoneRequest>" + b"<a/>" * MOST_ELEMENTS + b"</CreateHostedZoneRequest>",
        f'<ChangeBatch xmlns="{NAMESPACE}"/>'.encode(),
    ],
    ids=[
        "JSON",
        "cut off",
        "crossed",
        "half a UTF-16",
        "unknown encoding",
        "entities",
        "entities in UTF-16",
        "external entity",
        "too deep",
        "too many elements",
        "another document",
    ],
)
def test_refuses_a_document_that_is_not_the_operations(document: bytes) -> None:
    """MalformedInput; document types are refused before an entity of theirs is looked at."""
    assert refusal(Request("POST", ZONE, "", {}, document)) == "MalformedInput"


@pytest.mark.parametrize(
    "members",
    [
        "<Moon>full</Moon>",
        "<Name>a.example</Name><Name>b.example</Name>",
        "<Name><b>a.example</b></Name>",
        "<VPC><VPCId>vpc-1</VPCId><Moon/></VPC>",
        "<HostedZoneConfig><PrivateZone>maybe</PrivateZone></HostedZoneConfig>",
    ],
)
def test_refuses_what_the_schema_does_not_allow(members: str) -> None:
    """InvalidInput, "Invalid XML", as Route 53 says of elements that it does not expect."""
    assert refusal(create(members)) == "InvalidInput"


def test_refuses_another_namespace() -> None:
    """A document without Route 53's namespace is none of its documents."""
    assert refusal(create("<Name>a.example</Name>", namespace="")) == "InvalidInput"


def test_refuses_strange_elements_in_lists() -> None:
    """A list holds elements of one name."""
    batch = "<ChangeBatch><Changes><Moon/></Changes></ChangeBatch>"
    body = f'<ChangeResourceRecordSetsRequest xmlns="{NAMESPACE}">{batch}</ChangeResourceRecordSetsRequest>'
    assert refusal(Request("POST", f"{ZONE}/Z1/rrset", "", {}, body.encode())) == "InvalidInput"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/2013-04-01"), ("PUT", ZONE), ("GET", f"{ZONE}//rrset"), ("GET", f"{ZONE}/a/b/c/d")],
)
def test_refuses_paths_that_lead_nowhere(method: str, path: str) -> None:
    """UnknownOperationException for a method or a path of no operation."""
    assert refusal(Request(method, path, "", {}, b"")) == "UnknownOperationException"


def test_words_of_a_path_come_before_labels() -> None:
    """A path that is spelled out is not read as another one's id."""
    listing = WIRE.parse(Request("GET", "/2013-04-01/trafficpolicyinstances/hostedzone", "id=Z1", {}, b""))
    assert (listing.operation, listing.params) == ("ListTrafficPolicyInstancesByHostedZone", {"HostedZoneId": "Z1"})


def test_reads_labels_and_queries_decoded() -> None:
    """An id keeps its encoded slashes; a number in the query is a number."""
    parsed = WIRE.parse(Request("GET", f"{ZONE}/%2Fhostedzone%2FZ1/rrset/", "maxitems=5&name=a%20b.", {}, b""))
    assert parsed.params == {"HostedZoneId": "/hostedzone/Z1", "MaxItems": "5", "StartRecordName": "a b."}
    assert refusal(Request("GET", "/2013-04-01/trafficpolicy/t/latest", "", {}, b"")) == "InvalidInput"


def test_text_in_pieces_is_one_text() -> None:
    """Comments and CDATA do not cut a value, and many of them cost no more than one."""
    parsed = WIRE.parse(create("<Name>" + "a<!-- -->" * 50_000 + "<![CDATA[&]]></Name>"))
    assert parsed.params == {"Name": "a" * 50_000 + "&"}


def outcome(document: bytes) -> str:
    """The operation that was read, or the code of the refusal."""
    try:
        return WIRE.parse(Request("POST", ZONE, "", {}, document)).operation
    except ServiceError as refused:
        return refused.code


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing but a ServiceError leaves the parser."""
    outcomes = {"CreateHostedZone", "MalformedInput", "InvalidInput"}
    assert outcome(body) in outcomes
    assert outcome(f'<CreateHostedZoneRequest xmlns="{NAMESPACE}">'.encode() + body) in outcomes
