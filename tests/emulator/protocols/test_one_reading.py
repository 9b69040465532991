"""The JSON protocols refuse what could be read otherwise, and give handlers nothing that the model does not have."""

from __future__ import annotations

import gzip
import json

import cbor2
import pytest

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols import WireProtocol
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.cbor import CborProtocol
from surveyor_emulator.protocols.json import JsonProtocol
from surveyor_emulator.protocols.plain_requests import MAX_DECOMPRESSED
from surveyor_emulator.protocols.query import QueryProtocol
from surveyor_emulator.protocols.rest_json import RestJsonProtocol
from surveyor_emulator.protocols.rest_xml import RestXmlProtocol

LOGS = JsonProtocol(load_service_model("logs"))
METRICS = load_service_model("cloudwatch")
RAM = RestJsonProtocol(load_service_model("ram"))
ROUTE53 = RestXmlProtocol(load_service_model("route53"))
JSON = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "Logs_20140328.DeleteLogGroup"}
CBOR = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
PATH = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
BODY = b'{"logGroupName": "g"}'


def refusal(wire: WireProtocol, request: Request) -> str:
    """Return the code of the error with which a request is refused."""
    with pytest.raises(ServiceError) as raised:
        wire.parse(request)
    return raised.value.code


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", "", JSON, BODY),
        Request("POST", "/logs", "", JSON, BODY),
        Request("POST", "/", "Action=ListTagsLogGroup", JSON, BODY),
        Request("POST", "/", "", {**JSON, "content-type": "text/plain"}, BODY),
        Request("POST", "/", "", {**JSON, "content-type": "application/x-amz-json-1.1; charset=utf-16"}, BODY),
        Request("POST", "/", "", {"x-amz-target": JSON["x-amz-target"]}, BODY),
        Request("POST", "/", "", {**JSON, "smithy-protocol": "rpc-v2-cbor"}, BODY),
        Request("POST", "/", "", {**JSON, "x-amz-target": "Logs_20140328.deleteloggroup"}, BODY),
        Request("POST", "/", "", {**JSON, "x-amz-target": "DeleteLogGroup"}, BODY),
    ],
)
def test_json_is_a_post_to_the_root(request_: Request) -> None:
    """Another method, path, query, type or target names no operation."""
    assert refusal(LOGS, request_) == "UnknownOperationException"


@pytest.mark.parametrize(
    "body", [b"\xef\xbb\xbf" + BODY, BODY.decode().encode("utf-16"), b"[]", b"{} {}", b'{"a": NaN}']
)
def test_json_is_one_object_in_utf_8(body: bytes) -> None:
    """Other encodings and texts are not JSON."""
    assert refusal(LOGS, Request("POST", "/", "", JSON, body)) == "SerializationException"
    assert (
        refusal(LOGS, Request("POST", "/", "", {**JSON, "content-encoding": "gzip"}, body)) == "SerializationException"
    )


def test_unknown_members_and_null_are_dropped() -> None:
    """A tag that the operation does not have cannot satisfy a condition on tags."""
    body = {"logGroupName": "g", "Tags": [{"Key": "team", "Value": "red"}], "LOGGROUPNAME": "h", "logGroupClass": None}
    assert LOGS.parse(Request("POST", "/", "", JSON, json.dumps(body).encode())).params == {"logGroupName": "g"}


def test_the_last_of_equal_names_counts_everywhere() -> None:
    """What is forwarded is written anew, so that no other reader can take the first."""
    parsed = LOGS.parse(Request("POST", "/", "", JSON, b'{"logGroupName": "a", "logGroupName": "b"}'))
    assert json.loads(LOGS.write_request(*parsed).body) == {"logGroupName": "b"}


def test_a_form_inside_a_text_is_no_form() -> None:
    """No character of a forwarded body delimits parameters."""
    body = LOGS.write_request("DeleteLogGroup", {"logGroupName": "g&Action=CreateLogGroup&x=y"}).body
    assert not {b"&", b"="} & {bytes([character]) for character in body}
    assert json.loads(body) == {"logGroupName": "g&Action=CreateLogGroup&x=y"}


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", PATH, "", CBOR, b"\xa0"),
        Request("POST", f"{PATH}/", "", CBOR, b"\xa0"),
        Request("POST", PATH, "a=b", CBOR, b"\xa0"),
        Request("POST", PATH, "", {**CBOR, "x-amz-target": "GraniteServiceVersion20100801.ListMetrics"}, b"\xa0"),
        Request("POST", PATH, "", {**CBOR, "content-type": "application/json"}, b"\xa0"),
        Request("POST", PATH, "", {"content-type": "application/cbor"}, b"\xa0"),
    ],
)
def test_cbor_has_its_path_and_headers(request_: Request) -> None:
    """Another method, path, query, target or type names no operation."""
    assert refusal(CborProtocol(METRICS), request_) == "UnknownOperationException"


def test_compression_is_allowed_where_the_model_allows_it() -> None:
    """PutMetricData may be compressed with gzip: one member, of a limited size, in each protocol; nothing else may."""
    wire, headers = CborProtocol(METRICS), {**CBOR, "content-encoding": "gzip"}
    body = gzip.compress(cbor2.dumps({"Namespace": "N"}))
    assert wire.parse(Request("POST", PATH, "", headers, body)).params == {"Namespace": "N"}
    form = gzip.compress(b"Action=PutMetricData&Version=2010-08-01&Namespace=N")
    query, headers_of_form = QueryProtocol(METRICS, ec2=False), {"content-encoding": "gzip"}
    assert query.parse(Request("POST", "/", "", headers_of_form, form)).params == {"Namespace": "N"}
    for wrong in (body[:-3], body + b"more", body + body, b"plain", gzip.compress(bytes(MAX_DECOMPRESSED + 1))):
        assert refusal(wire, Request("POST", PATH, "", headers, wrong)) == "SerializationException"
    other = Request("POST", PATH.replace("PutMetricData", "ListMetrics"), "", headers, body)
    assert refusal(wire, other) == "SerializationException"


def test_members_of_rest_requests_have_one_place() -> None:
    """A parameter of the query is not read from the body, nor the other way round; a name twice is refused."""
    deleted = Request("DELETE", "/deleteresourceshare", "resourceShareArn=a", {}, b'{"resourceShareArn": "b"}')
    assert RAM.parse(deleted._replace(headers={"content-type": "application/json"})).params == {"resourceShareArn": "a"}
    accepted = Request("POST", "/associateresourceshare", "resourceShareArn=a", {}, b"")
    assert RAM.parse(accepted).params == {}
    assert (
        refusal(RAM, deleted._replace(query="resourceShareArn=a&resourceShareArn=b", body=b""))
        == "SerializationException"
    )
    assert (
        refusal(RAM, accepted._replace(body=b"{}", headers={"content-type": "text/plain"})) == "SerializationException"
    )
    listed = Request("GET", "/2013-04-01/hostedzone", "maxitems=1&maxitems=2", {}, b"")
    assert refusal(ROUTE53, listed) == "InvalidInput"
