"""REST-XML: paths select operations, invalid documents are rejected with the documented codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.rest_xml import RestXmlProtocol
from surveyor_emulator.protocols.xml import MAX_DEPTH, MAX_ELEMENTS

WIRE = RestXmlProtocol(load_service_model("route53"))
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
    """Return a CreateHostedZone request with these elements."""
    return Request("POST", ZONE, "", {}, f'<{root} xmlns="{namespace}">{members}</{root}>'.encode())


def error_code(request: Request) -> str:
    """Return the code of the error with which a request is rejected."""
    with pytest.raises(ServiceError) as raised:
        WIRE.parse(request)
    return raised.value.code


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
        b"<CreateHostedZoneRequest>" + b"<a>" * MAX_DEPTH,
        b"<CreateHostedZoneRequest>" + b"<a/>" * MAX_ELEMENTS + b"</CreateHostedZoneRequest>",
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
def test_rejects_a_document_of_another_kind(document: bytes) -> None:
    """It is MalformedInput; document types are rejected before any entity is expanded."""
    assert error_code(Request("POST", ZONE, "", {}, document)) == "MalformedInput"


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
def test_rejects_a_document_that_violates_the_schema(members: str) -> None:
    """It is InvalidInput, "Invalid XML", as Route 53 answers for unexpected elements."""
    assert error_code(create(members)) == "InvalidInput"


def test_rejects_another_namespace() -> None:
    """A document without Route 53's namespace is InvalidInput."""
    assert error_code(create("<Name>a.example</Name>", namespace="")) == "InvalidInput"


def test_rejects_unknown_elements_in_lists() -> None:
    """A list contains elements of a single name."""
    batch = "<ChangeBatch><Changes><Moon/></Changes></ChangeBatch>"
    body = f'<ChangeResourceRecordSetsRequest xmlns="{NAMESPACE}">{batch}</ChangeResourceRecordSetsRequest>'
    assert error_code(Request("POST", f"{ZONE}/Z1/rrset", "", {}, body.encode())) == "InvalidInput"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/2013-04-01"), ("PUT", ZONE), ("GET", f"{ZONE}//rrset"), ("GET", f"{ZONE}/a/b/c/d")],
)
def test_rejects_unknown_paths(method: str, path: str) -> None:
    """A method or path of no operation is UnknownOperationException."""
    assert error_code(Request(method, path, "", {}, b"")) == "UnknownOperationException"


def test_fixed_parts_of_a_path_precede_labels() -> None:
    """A path that matches literally is not read as another operation's id."""
    listing = WIRE.parse(Request("GET", "/2013-04-01/trafficpolicyinstances/hostedzone", "id=Z1", {}, b""))
    assert (listing.operation, listing.params) == ("ListTrafficPolicyInstancesByHostedZone", {"HostedZoneId": "Z1"})


def test_reads_labels_and_queries_decoded() -> None:
    """An id may contain encoded slashes; a number in the query is a number."""
    parsed = WIRE.parse(Request("GET", f"{ZONE}/%2Fhostedzone%2FZ1/rrset/", "maxitems=5&name=a%20b.", {}, b""))
    assert parsed.params == {"HostedZoneId": "/hostedzone/Z1", "MaxItems": "5", "StartRecordName": "a b."}
    assert error_code(Request("GET", "/2013-04-01/trafficpolicy/t/latest", "", {}, b"")) == "InvalidInput"


def test_text_in_pieces_is_one_text() -> None:
    """Comments and CDATA do not split a value, and many of them are not slow."""
    parsed = WIRE.parse(create("<Name>" + "a<!-- -->" * 50_000 + "<![CDATA[&]]></Name>"))
    assert parsed.params == {"Name": "a" * 50_000 + "&"}


def outcome(document: bytes) -> str:
    """Return the operation that was read, or the code of the error."""
    try:
        return WIRE.parse(Request("POST", ZONE, "", {}, document)).operation
    except ServiceError as error:
        return error.code


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_rejected(body: bytes) -> None:
    """The parser raises no exception except ServiceError."""
    outcomes = {"CreateHostedZone", "MalformedInput", "InvalidInput"}
    assert outcome(body) in outcomes
    assert outcome(f'<CreateHostedZoneRequest xmlns="{NAMESPACE}">'.encode() + body) in outcomes
