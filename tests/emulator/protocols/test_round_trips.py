"""The XML protocols read what botocore writes, and write what botocore reads."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveyor_emulator.aws.ec2.handlers import HANDLERS
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols import WireProtocol
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.query import QueryProtocol
from surveyor_emulator.protocols.rest_xml import RestXmlProtocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PROTOCOLS: dict[str, WireProtocol] = {
    "ec2": QueryProtocol(load_service_model("ec2"), ec2=True),
    "route53": RestXmlProtocol(load_service_model("route53")),
    "sts": QueryProtocol(load_service_model("sts"), ec2=False),
}
OPERATIONS = [
    *(("ec2", operation) for operation in sorted(HANDLERS)),
    *(("route53", operation) for operation in load_service_model("route53").operations),
    # The sessions of federated users have maps, which no operation of the target has.
    *(("sts", name) for name in load_service_model("sts").operations if not name.startswith("AssumeRoleWith")),
]
# botocore's XML writer loses carriage returns; the other excluded characters are not allowed in XML.
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x10FFFF, exclude_categories=["Cs"]), max_size=6).filter(
    lambda text: not set(text) & {"\ufffe", "\uffff"}
)
WORD = st.text("abcXYZ0189 +%/&=_.~-é", min_size=1, max_size=8).filter(lambda text: text == text.strip())
SCALARS: dict[str, st.SearchStrategy[object]] = {
    "boolean": st.booleans(),
    "double": st.floats(-1e6, 1e6),
    "float": st.floats(-1e6, 1e6),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "timestamp": st.integers(0, 4_000_000_000).map(lambda seconds: EPOCH + timedelta(seconds=seconds)),
}
# There are hundreds of these tests: each takes a few of the examples that a test takes by default.
ONCE_EACH = settings(
    max_examples=settings().max_examples // 12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)


@functools.cache
def botocore_model(service: str) -> ServiceModel:
    """Return botocore's parsed form of its model."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Return a strategy for any value that matches ``shape``."""
    if isinstance(shape, StructureShape):
        required = {name: values(member) for name, member in shape.members.items() if name in shape.required_members}
        optional = {name: values(member) for name, member in shape.members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if isinstance(shape, ListShape):
        return st.lists(values(shape.member), max_size=3)
    if shape.type_name == "string":
        return WORD if "location" in shape.serialization else TEXT
    return SCALARS[shape.type_name]


def normalised(value: Any, *, empty: bool) -> Any:
    """Return a value as the target holds it: datetimes as epoch seconds, empty containers only if ``empty``."""
    if isinstance(value, dict):
        items = {name: normalised(item, empty=empty) for name, item in value.items()}
        return {name: item for name, item in items.items() if empty or item not in ({}, [])}
    if isinstance(value, list):
        entries = [normalised(item, empty=empty) for item in value]
        return [item for item in entries if empty or item not in ({}, [])]
    return value.timestamp() if isinstance(value, datetime) else value


def request_of(operation: OperationModel, params: dict[str, Any]) -> Request:
    """Return the request that botocore writes."""
    protocol = operation.service_model.protocol
    written: dict[str, Any] = create_serializer(protocol, include_validation=False).serialize_to_request(
        params, operation
    )
    body = written["body"]
    body = urlencode(body).encode() if isinstance(body, dict) else body
    body = body.encode() if isinstance(body, str) else body
    query = written["query_string"]
    return Request(written["method"], written["url_path"], urlencode(query) if query else "", {}, body)


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
@ONCE_EACH
@given(data=st.data())
def test_reads_what_botocore_writes(service: str, name: str, data: st.DataObject) -> None:
    """Every parameter of every operation arrives unchanged."""
    operation = botocore_model(service).operation_model(name)
    params = data.draw(values(operation.input_shape)) if operation.input_shape is not None else {}
    parsed = PROTOCOLS[service].parse(request_of(operation, params))
    # Forms have no empty lists and structures, except STS's lists, which have a separate test.
    empty = service == "route53"
    assert (parsed.operation, normalised(parsed.params, empty=empty)) == (name, normalised(params, empty=empty))


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
@ONCE_EACH
@given(data=st.data())
def test_writes_what_botocore_reads(service: str, name: str, data: st.DataObject) -> None:
    """Every member of every result arrives unchanged, empty lists and structures too."""
    operation = botocore_model(service).operation_model(name)
    result = data.draw(values(operation.output_shape)) if operation.output_shape is not None else {}
    response = PROTOCOLS[service].write_result(name, normalised(result, empty=True), "the-request")
    raw = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
    read: dict[str, Any] = create_parser(operation.service_model.protocol).parse(raw, operation.output_shape)  # type: ignore[arg-type]  # botocore passes None too if there is no output
    metadata = read.pop("ResponseMetadata")
    assert normalised(read, empty=True) == normalised(result, empty=True)
    assert metadata.get("RequestId", metadata["HTTPHeaders"].get("x-amzn-requestid")) == "the-request"


@pytest.mark.parametrize("service", PROTOCOLS)
def test_every_shape_of_the_model_is_supported(service: str) -> None:
    """Requests for unsupported operations are parsed too, so every input shape must be one that the parser knows."""
    model, seen = load_service_model(service), set[str]()
    left = [description["input"]["shape"] for description in model.operations.values() if "input" in description]
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        shape = model.shapes[name]
        members = [*shape.get("members", {}).values(), *([shape["member"]] if "member" in shape else [])]
        assert shape["type"] in {"structure", "list", "string", "blob", *SCALARS}
        assert not any("flattened" in reference or "payload" in reference for reference in (shape, *members))
        left += [member["shape"] for member in members]


def test_an_empty_list_of_the_query_protocol_is_a_list() -> None:
    """STS's empty lists are sent, as an empty text."""
    operation = botocore_model("sts").operation_model("AssumeRole")
    parsed = PROTOCOLS["sts"].parse(request_of(operation, {"RoleArn": "r", "RoleSessionName": "s", "Tags": []}))
    assert parsed.params == {"RoleArn": "r", "RoleSessionName": "s", "Tags": []}


@pytest.mark.parametrize("service", PROTOCOLS)
@given(st.text(min_size=1, max_size=20))
def test_any_text_can_be_written(service: str, text: str) -> None:
    """Characters that XML does not allow (control characters, lone surrogates) become U+FFFD; line ends survive."""
    response = PROTOCOLS[service].write_error(None, ServiceError("InvalidInput", text), "the-request")
    raw = {"status_code": response.status, "headers": HeadersDict(response.headers), "body": response.body}
    error = create_parser(botocore_model(service).protocol).parse(raw, None)["Error"]  # type: ignore[arg-type]  # as botocore does for errors
    assert error["Code"] == "InvalidInput"
    assert error["Message"] == "".join(character if is_xml_character(character) else "\ufffd" for character in text)


def is_xml_character(character: str) -> bool:
    """Return whether XML 1.0 allows the character (production 2)."""
    code = ord(character)
    return code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
