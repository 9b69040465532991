"""AWS Query and EC2 Query: valid forms are read, invalid ones are rejected with the documented codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.query import MAX_DEPTH, MAX_PARAMETERS, QueryProtocol

EC2 = QueryProtocol(load_service_model("ec2"), ec2=True)
STS = QueryProtocol(load_service_model("sts"), ec2=False)


def form(body: bytes, query: str = "") -> Request:
    """Return a form as clients send it."""
    return Request("POST", "/", query, {"content-type": "application/x-www-form-urlencoded"}, body)


def error_code(wire: QueryProtocol, body: bytes, query: str = "") -> str:
    """Return the code of the error with which a request is rejected."""
    with pytest.raises(ServiceError) as raised:
        wire.parse(form(body, query))
    return raised.value.code


@pytest.mark.parametrize("body", [b"", b"Version=2016-11-15", b"Action=", b"Action.1=DescribeVpcs"])
def test_rejects_a_request_without_an_action(body: bytes) -> None:
    """A missing or empty action is MissingAction, as the common errors document."""
    assert error_code(EC2, body) == error_code(STS, body) == "MissingAction"


def test_rejects_an_unknown_action() -> None:
    """An unknown action is InvalidAction, as the common errors document."""
    assert error_code(EC2, b"Action=DescribeMoons") == error_code(STS, b"Action=DescribeVpcs") == "InvalidAction"


@pytest.mark.parametrize(
    "body",
    [
        b"Action=DescribeVpcs&\xff\xfe=1",
        b"Action=DescribeVpcs&VpcId.1=%ff",
        b"Action=DescribeVpcs&Action=DescribeVpcs",
        b"Action=DescribeVpcs&" + b"a" + b".a" * MAX_DEPTH + b"=1",
        b"Action=DescribeVpcs&" + b"a=1&" * MAX_PARAMETERS,
    ],
    ids=["not UTF-8", "not UTF-8, encoded", "twice", "too deep", "too many"],
)
def test_rejects_an_invalid_form(body: bytes) -> None:
    """An invalid or oversized form is MalformedQueryString, and nothing large is built."""
    assert error_code(EC2, body) == error_code(STS, body) == "MalformedQueryString"


@pytest.mark.parametrize(
    "parameter",
    [
        "DryRun=maybe",
        "MaxResults=",
        "MaxResults=1_0",
        "MaxResults=1e3",
        "MaxResults=9" + "9" * 5_000,
        "MaxResults.1=5",
        "VpcId=vpc-1",
        "VpcId.x=vpc-1",
        "VpcId.-1=vpc-1",
        "VpcId.1.2=vpc-1",
        "Filter.1=vpc-1",
    ],
)
def test_rejects_a_value_of_another_type(parameter: str) -> None:
    """A value of another type or structure is InvalidParameterValue."""
    assert error_code(EC2, f"Action=DescribeVpcs&{parameter}".encode()) == "InvalidParameterValue"


def test_reads_blobs() -> None:
    """A blob must be base 64."""
    policy = "Action=BundleInstance&InstanceId=i-1&Storage.S3.UploadPolicy="
    parsed = EC2.parse(form(f"{policy}bWFw".encode()))
    assert parsed.params == {"InstanceId": "i-1", "Storage": {"S3": {"UploadPolicy": b"map"}}}
    for invalid in ("bWF", "b%C3%A9", "*"):
        assert error_code(EC2, f"{policy}{invalid}".encode()) == "InvalidParameterValue"


def test_rejects_a_parameter_that_ec2_does_not_know() -> None:
    """It is UnknownParameter in EC2, also inside structures; the Query protocol ignores it."""
    assert error_code(EC2, b"Action=DescribeVpcs&VpcIds.1=vpc-1") == "UnknownParameter"
    assert error_code(EC2, b"Action=DescribeVpcs&Filter.1.Names=vpc-id") == "UnknownParameter"
    assert STS.parse(form(b"Action=GetCallerIdentity&Moon=full&Version=2011-06-15")).params == {}


def test_a_get_has_its_parameters_in_the_query() -> None:
    """GET is allowed; parameters that signing adds to the query are ignored."""
    query = "Action=DescribeVpcs&VpcId.1=a&X-Amz-Date=now&Version=2016-11-15"
    parsed = EC2.parse(Request("GET", "/", query, {}, b""))
    assert (parsed.operation, parsed.params) == ("DescribeVpcs", {"VpcIds": ["a"]})


FORM = {"content-type": "application/x-www-form-urlencoded"}
ACTION = "Action=DescribeVpcs&Version=2016-11-15"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request("POST", "/", ACTION, FORM, b"VpcId.1=a"), "MalformedQueryString"),
        (Request("POST", "/", ACTION, FORM, b""), "MalformedQueryString"),
        (Request("GET", "/", ACTION, FORM, b"VpcId.1=a"), "MalformedQueryString"),
        (Request("PUT", "/", "", FORM, ACTION.encode()), "InvalidAction"),
        (Request("POST", "/vpcs", "", FORM, ACTION.encode()), "InvalidAction"),
        (Request("POST", "/", "", {"content-type": "text/plain"}, ACTION.encode()), "MalformedQueryString"),
        (Request("POST", "/", "", {"content-type": "multipart/form-data"}, ACTION.encode()), "MalformedQueryString"),
        (
            Request("POST", "/", "", {"content-type": f"{FORM['content-type']}; charset=utf-16"}, ACTION.encode()),
            "MalformedQueryString",
        ),
        (Request("POST", "/", "", {**FORM, "content-encoding": "gzip"}, ACTION.encode()), "MalformedQueryString"),
        (Request("POST", "/", "", FORM, b"Action=DescribeVpcs&Version=newest"), "NoSuchVersion"),
    ],
)
def test_parameters_have_one_place_and_one_encoding(request_: Request, code: str) -> None:
    """A request that could be read in two ways is refused."""
    with pytest.raises(ServiceError) as raised:
        EC2.parse(request_)
    assert raised.value.code == code


@pytest.mark.parametrize("version", ["", "&Version=", "&Version=2011-06-16", "&Version=2010-05-08"])
def test_the_query_protocol_needs_its_version(version: str) -> None:
    """Another version, or none, has no such operation."""
    assert error_code(STS, f"Action=GetCallerIdentity{version}".encode()) == "InvalidAction"


def test_written_requests_are_read_alike() -> None:
    """What is written from an operation and its parameters is read as the same."""
    params = {"RoleArn": "arn:aws:iam::1:role/a&Action=b", "RoleSessionName": "é =%26", "DurationSeconds": 900,
              "Tags": [{"Key": "k", "Value": ""}], "PolicyArns": [{"arn": "a"}, {"arn": "b"}]}  # fmt: skip
    assert STS.parse(STS.write_request("AssumeRole", params)) == ("AssumeRole", params)


def test_lists_are_in_the_order_of_their_numbers() -> None:
    """Numbers determine the order, not the form, and may have gaps."""
    assert EC2.parse(form(b"Action=DescribeVpcs&VpcId.10=c&VpcId.2=b&VpcId.1=a")).params == {"VpcIds": ["a", "b", "c"]}


def outcome(wire: QueryProtocol, body: bytes) -> str:
    """Return the operation that was read, or the code of the error."""
    try:
        return wire.parse(form(body)).operation
    except ServiceError as error:
        return error.code


@given(st.binary(max_size=60), st.sampled_from([b"", b"Action=RunInstances&", b"Action=AssumeRole&"]))
def test_any_bytes_are_read_or_rejected(body: bytes, before: bytes) -> None:
    """The parser raises no exception except ServiceError."""
    assert outcome(EC2, before + body)
    assert outcome(STS, before + body)
