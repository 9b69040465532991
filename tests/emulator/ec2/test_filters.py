"""Filters, pages and tags of the Describe calls work as documented."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.ec2.filters import apply_filters, paginate
from surveyor_emulator.core.errors import ServiceError

Ask = Callable[..., Any]


def passes(pattern: str, value: str) -> bool:
    """Return whether the pattern of a filter matches a value."""
    request = {"Filters": [{"Name": "name", "Values": [pattern]}]}
    return bool(apply_filters([value], request, frozenset({"name"}), lambda name: {"name": (name,)}))


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_wildcards_match_as_documented(pattern: str, value: str) -> None:
    """A star matches any number of characters, a question mark exactly one."""
    expected = re.fullmatch(pattern.replace("*", ".*").replace("?", "."), value) is not None
    assert passes(pattern, value) == expected


@given(st.text(max_size=20))
def test_a_backslash_escapes_wildcards(text: str) -> None:
    """Any text can be matched literally."""
    assert passes("".join(f"\\{character}" for character in text), text)
    assert passes("\\*", "*")
    assert not passes("\\*", "a")


def test_a_hostile_pattern_is_not_slow() -> None:
    """Many stars before a missing character cost no more than one."""
    assert not passes("*a" * 100 + "b", "a" * 5_000)


@pytest.mark.parametrize(
    ("filter_", "code"),
    [
        ({"Name": "moon", "Values": ["x"]}, "InvalidParameterValue"),
        ({"Values": ["x"]}, "InvalidParameterValue"),
        ({"Name": "vpc-id"}, "InvalidParameterValue"),
        ({"Name": "vpc-id", "Values": ["x"] * 201}, "FilterLimitExceeded"),
    ],
)
def test_rejects_invalid_filters(ask: Ask, filter_: dict[str, object], code: str) -> None:
    """Unknown filters, and filters without a name, without values or with too many, are errors."""
    assert ask("DescribeVpcs", Filters=[filter_]) == code


def test_filters_are_joined_by_and_their_values_by_or(ask: Ask) -> None:
    """Only the VPC that passes both filters is returned."""
    ids = [ask("CreateVpc", CidrBlock=cidr)["Vpc"]["VpcId"] for cidr in ("10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16")]
    filters = [{"Name": "cidr", "Values": ["10.0.*", "10.1.*"]}, {"Name": "vpc-id", "Values": ids[1:]}]
    assert [vpc["VpcId"] for vpc in ask("DescribeVpcs", Filters=filters)["Vpcs"]] == ids[1:2]


@given(st.integers(0, 50), st.integers(1, 60))
def test_pages_contain_every_entry_once(total: int, limit: int) -> None:
    """Following tokens returns every entry once, in order, in pages no larger than requested."""
    entries, seen, token = list(range(total)), [], None
    while True:
        found, token = paginate(entries, {"MaxResults": limit, "NextToken": token})
        assert len(found) <= limit
        seen += found
        if token is None:
            break
    assert seen == entries


@given(st.text(min_size=1, max_size=40))
def test_rejects_unknown_tokens(token: str) -> None:
    """A token that no call returned is InvalidPaginationToken, never a crash."""
    with pytest.raises(ServiceError, match="InvalidPaginationToken"):
        paginate([1], {"NextToken": token})


def test_tags_are_set_described_filtered_and_deleted(ask: Ask) -> None:
    """Tags are set at creation or later; a key has one value; deleting by value keeps other values."""
    specified = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "map"}]}]
    vpc = ask("CreateVpc", CidrBlock="10.0.0.0/16", TagSpecifications=specified)["Vpc"]
    assert vpc["Tags"] == [{"Key": "team", "Value": "map"}]
    assert ask("CreateTags", Resources=[vpc["VpcId"]], Tags=[{"Key": "team", "Value": "ground"}, {"Key": "x"}]) == {}
    for filter_ in ({"Name": "tag:team", "Values": ["gr*"]}, {"Name": "tag-key", "Values": ["x"]}):
        assert [found["VpcId"] for found in ask("DescribeVpcs", Filters=[filter_])["Vpcs"]] == [vpc["VpcId"]]
    tags = ask("DescribeTags", Filters=[{"Name": "resource-type", "Values": ["vpc"]}])["Tags"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("team", "ground"), ("x", "")]
    ask("DeleteTags", Resources=[vpc["VpcId"]], Tags=[{"Key": "team", "Value": "map"}, {"Key": "x"}, {"Key": "moon"}])
    assert [tag["Key"] for tag in ask("DescribeTags")["Tags"]] == ["team"]
    ask("DeleteTags", Resources=[vpc["VpcId"]])
    assert ask("DescribeTags")["Tags"] == []


@pytest.mark.parametrize(
    ("resource", "tag", "code"),
    [
        ("moon-1", {"Key": "a"}, "InvalidID"),
        ("vpc-0", {"Key": "a"}, "InvalidVpcID.NotFound"),
        ("i-0", {"Key": "a"}, "InvalidInstanceID.NotFound"),
        ("", {"Key": "aws:a"}, "InvalidParameterValue"),
        ("", {"Key": ""}, "InvalidParameterValue"),
        ("", {"Key": "a" * 129}, "InvalidParameterValue"),
        ("", {"Key": "a", "Value": "b" * 257}, "InvalidParameterValue"),
    ],
)
def test_rejects_invalid_tags(ask: Ask, resource: str, tag: dict[str, str], code: str) -> None:
    """Unknown resources, reserved keys, and keys or values that are too long are errors."""
    target = resource or ask("DescribeVpcs")["Vpcs"][0]["VpcId"]
    assert ask("CreateTags", Resources=[target], Tags=[tag]) == code


def test_a_resource_has_at_most_fifty_tags(ask: Ask) -> None:
    """A call that exceeds fifty tags is rejected and changes nothing."""
    vpc = ask("DescribeVpcs")["Vpcs"][0]["VpcId"]
    assert ask("CreateTags", Resources=[vpc], Tags=[{"Key": f"k{number}"} for number in range(50)]) == {}
    assert ask("CreateTags", Resources=[vpc], Tags=[{"Key": "k0", "Value": "new"}, {"Key": "one more"}]) == (
        "TagLimitExceeded"
    )
    assert len(ask("DescribeTags")["Tags"]) == 50
