"""An answer is compared with a recording by its shape, and each difference is one line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from surveyor.recordings.comparison import differences
from surveyor.recordings.model import Answer
from surveyor.recordings.paths import MISSING, fill, find, parse_path

ACTUAL: dict[str, Any] = {
    "Services": [
        {"Id": "srv-1", "DnsConfig": {}, "Count": 0},
        {"Id": "srv-2", "DnsConfig": {"TTL": 15, "Types": ["A"]}, "Made": datetime(2026, 1, 2, tzinfo=UTC)},
    ],
    "Empty": [],
    "Attributes": {"AWS_INSTANCE_IPV4": "192.0.2.1"},
    "First": datetime(2026, 1, 1, tzinfo=UTC),
    "ResponseMetadata": {"HTTPStatusCode": 200},
}
REFUSED: dict[str, Any] = {
    "Error": {"Code": "ResourceInUse", "Message": "Service contains registered instances"},
    "ResponseMetadata": {"HTTPStatusCode": 400},
}


@pytest.mark.parametrize(
    "expected",
    [
        Answer(),
        Answer(present=("Services", "Services.*.Id", "Services[Id=srv-2].DnsConfig.TTL", "Services.1.Made")),
        Answer(absent=("NextToken", "Services.*.InstanceCount", "Services[Id=srv-1].DnsConfig.TTL", "Nothing.at.all")),
        Answer(values={"Services.0.DnsConfig": {}, "Services[Id=srv-2].DnsConfig": {"TTL": 15, "Types": ["A"]}}),
        Answer(formats={"Services.*.Id": r"srv-\d", "Services[Id=srv-2].Made": r"2026-01-02T.*\.000000\+00:00"}),
        Answer(contains={"Services": ("srv-1", "TTL")}, lacks={"Services": ("srv-3",)}),
        Answer(exactly={"Attributes": ("AWS_INSTANCE_IPV4",)}),
        Answer(order=("First", "Services[Id=srv-2].Made")),
        Answer(status=200, seconds={"it took": 3.4}),
    ],
)
def test_agrees(expected: Answer) -> None:
    """An answer that has what was recorded agrees, whatever else it has."""
    assert differences(expected, ACTUAL) == []


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        (Answer(present=("Services.*.Made",)), "Services.0.Made is missing"),
        (Answer(present=("Services[Id=srv-9].Id",)), "Services[Id=srv-9] is missing"),
        (Answer(present=("None.*.Id",)), "None is missing"),
        (Answer(present=("Empty.*.Id",)), "Empty.*.Id is missing"),
        (Answer(absent=("Services.*.Count",)), "Services.0.Count is there: 0"),
        (Answer(absent=("Attributes",)), 'Attributes is there: {"AWS_INSTANCE_IPV4": "192.0.2.1"}'),
        (Answer(values={"Services.1.DnsConfig.TTL": 900}), "Services.1.DnsConfig.TTL is 15, expected 900"),
        (Answer(values={"Services.0.DnsConfig": {"SOA": {}}}), 'Services.0.DnsConfig is {}, expected {"SOA": {}}'),
        (Answer(values={"Services.0.DnsConfig.TTL": 15}), "Services.0.DnsConfig.TTL is missing, expected 15"),
        (Answer(formats={"Services.0.Id": "srv"}), "Services.0.Id is srv-1, expected srv"),
        (Answer(contains={"Attributes": ("PORT",)}), "expected 'PORT' in it"),
        (Answer(lacks={"Attributes": ("IPV4",)}), "with 'IPV4'"),
        (Answer(exactly={"Attributes": ("AWS_INSTANCE_IPV4", "REGION")}), "expected exactly AWS_INSTANCE_IPV4, REGION"),
        (Answer(order=("Services.1.Made", "First")), "First (2026-01-01T"),
        (Answer(order=("First", "Last")), "Last is missing"),
        (Answer(status=201), "the HTTP status is 200, expected 201"),
        (Answer(error="ResourceInUse"), "accepted, expected ResourceInUse"),
    ],
)
def test_differs(expected: Answer, line: str) -> None:
    """Each difference names the path, the value and what was recorded."""
    [found] = differences(expected, ACTUAL)
    assert line in found


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        (Answer(error="ResourceInUse", status=400, words=("registered instances",)), []),
        (Answer(), ["refused with ResourceInUse: Service contains registered instances"]),
        (Answer(error="InvalidInput"), ["refused with ResourceInUse, expected InvalidInput"]),
        (Answer(error="ResourceInUse", status=409), ["the HTTP status is 400, expected 409"]),
        (
            Answer(error="ResourceInUse", words=("tasks",)),
            ["the error's text lacks 'tasks': 'Service contains registered instances'"],
        ),
    ],
)
def test_errors(expected: Answer, lines: list[str]) -> None:
    """Of a refusal the code, the status and the words are compared."""
    assert differences(expected, REFUSED) == lines


def test_paths() -> None:
    """A path leads to one value, or to one for each element; MISSING stands where it ends."""
    assert find(ACTUAL, "Services.*.Id") == [("Services.0.Id", "srv-1"), ("Services.1.Id", "srv-2")]
    assert find(ACTUAL, "Services.7.Id") == [("Services.7", MISSING)]
    assert find(ACTUAL, "Nothing.*.Id") == [("Nothing", MISSING)]
    assert find(ACTUAL, "Empty.*.Id") == []
    for bad in ("Services[Id]", "Services[Id=1", "a..b", ".a"):
        with pytest.raises(ValueError, match="is no path"):
            parse_path(bad)


def test_variables() -> None:
    """Variables are replaced in texts at any depth and in keys; braces of regular expressions stay."""
    variables = {"service": "srv-1"}
    assert fill({"Services[Id={service}]": ["{service}/x", 3, True]}, variables) == {
        "Services[Id=srv-1]": ["srv-1/x", 3, True]
    }
    assert fill("srv-[a-z0-9]{16}", variables) == "srv-[a-z0-9]{16}"
    with pytest.raises(KeyError):
        fill("{unknown}", variables)
