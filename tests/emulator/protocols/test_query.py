"""AWS Query and EC2 Query: what is no request of theirs is refused by the documented names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request
from surveyor_emulator.protocols.api_models import service_model
from surveyor_emulator.protocols.query import DEEPEST, MOST_PARAMETERS, QueryWire

EC2 = QueryWire(service_model("ec2"), ec2=True)
STS = QueryWire(service_model("sts"), ec2=False)


def form(body: bytes, query: str = "") -> Request:
    """A form as clients send it."""
    return Request("POST", "/", query, {"content-type": "application/x-www-form-urlencoded"}, body)


def refusal(wire: QueryWire, body: bytes, query: str = "") -> str:
    """The code with which a request is refused."""
    with pytest.raises(ServiceError) as caught:
        wire.parse(form(body, query))
    return caught.value.code


@pytest.mark.parametrize("body", [b"", b"Version=2016-11-15", b"Action=", b"Action.1=DescribeVpcs"])
def test_refuses_a_request_without_an_action(body: bytes) -> None:
    """MissingAction, as the common errors have it."""
    assert refusal(EC2, body) == refusal(STS, body) == "MissingAction"


def test_refuses_an_action_that_there_is_not() -> None:
    """InvalidAction, as the common errors have it."""
    assert refusal(EC2, b"Action=DescribeMoons") == refusal(STS, b"Action=DescribeVpcs") == "InvalidAction"


@pytest.mark.parametrize(
    "body",
    [
        b"Action=DescribeVpcs&\xff\xfe=1",
        b"Action=DescribeVpcs&VpcId.1=%ff",
        b"Action=DescribeVpcs&Action=DescribeVpcs",
        b"Action=DescribeVpcs&" + b"a" + b".a" * DEEPEST + b"=1",
        b"Action=DescribeVpcs&" + b"a=1&" * MOST_PARAMETERS,
    ],
    ids=["not UTF-8", "not UTF-8, encoded", "twice", "too deep", "too many"],
)
def test_refuses_what_is_no_form(body: bytes) -> None:
    """MalformedQueryString, and nothing large is built on the way."""
    assert refusal(EC2, body) == refusal(STS, body) == "MalformedQueryString"


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
def test_refuses_a_value_of_another_type(parameter: str) -> None:
    """InvalidParameterValue, whatever a parameter is confused with."""
    assert refusal(EC2, f"Action=DescribeVpcs&{parameter}".encode()) == "InvalidParameterValue"


def test_reads_blobs() -> None:
    """Base 64, and nothing else."""
    policy = "Action=BundleInstance&InstanceId=i-1&Storage.S3.UploadPolicy="
    parsed = EC2.parse(form(f"{policy}bWFw".encode()))
    assert parsed.params == {"InstanceId": "i-1", "Storage": {"S3": {"UploadPolicy": b"map"}}}
    for broken in ("bWF", "b%C3%A9", "*"):
        assert refusal(EC2, f"{policy}{broken}".encode()) == "InvalidParameterValue"


def test_refuses_a_parameter_that_ec2_does_not_know() -> None:
    """UnknownParameter, also inside structures; the Query protocol proper passes over it."""
    assert refusal(EC2, b"Action=DescribeVpcs&VpcIds.1=vpc-1") == "UnknownParameter"
    assert refusal(EC2, b"Action=DescribeVpcs&Filter.1.Names=vpc-id") == "UnknownParameter"
    assert STS.parse(form(b"Action=GetCallerIdentity&Moon=full")).params == {}


def test_reads_parameters_of_the_query_as_those_of_the_body() -> None:
    """GET is allowed; what signing adds to the query is no parameter."""
    parsed = EC2.parse(form(b"VpcId.2=b", "Action=DescribeVpcs&VpcId.1=a&X-Amz-Date=now&Version=2016-11-15"))
    assert (parsed.operation, parsed.params) == ("DescribeVpcs", {"VpcIds": ["a", "b"]})


def test_lists_are_in_the_order_of_their_numbers() -> None:
    """Numbers decide, not the order of the form, and there may be gaps."""
    assert EC2.parse(form(b"Action=DescribeVpcs&VpcId.10=c&VpcId.2=b&VpcId.1=a")).params == {"VpcIds": ["a", "b", "c"]}


def outcome(wire: QueryWire, body: bytes) -> str:
    """The operation that was read, or the code of the refusal."""
    try:
        return wire.parse(form(body)).operation
    except ServiceError as refused:
        return refused.code


@given(st.binary(max_size=60), st.sampled_from([b"", b"Action=RunInstances&", b"Action=AssumeRole&"]))
def test_any_bytes_are_read_or_refused(body: bytes, before: bytes) -> None:
    """Nothing but a ServiceError leaves the parser."""
    assert outcome(EC2, before + body)
    assert outcome(STS, before + body)
