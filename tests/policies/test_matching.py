"""Patterns with wildcards and variables match as documented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_policies.matching import action_matcher, arn_test, resource_test, text_test
from surveyor_policies.statements import Context

ROLE = "arn:aws:iam::111122223333:role/path/deployer"
SERVICE = "arn:aws:servicediscovery:us-east-1:111122223333:service/srv-a"


@pytest.mark.parametrize(
    ("pattern", "value", "covers"),
    [
        ("*", "anything:at/all", True),
        (SERVICE, SERVICE, True),
        (SERVICE, SERVICE.upper(), False),
        (SERVICE, SERVICE + "b", False),
        ("arn:aws:servicediscovery:*:*:service/srv-?", SERVICE, True),
        ("arn:aws:servicediscovery:*:*:service/srv-??", SERVICE, False),
        ("arn:aws:servicediscovery:*", SERVICE, True),
        ("arn:aws:servicediscovery", SERVICE, True),
        ("arn:aws:route53", SERVICE, False),
        ("arn:aws:iam::111122223333:role/*/deployer", ROLE, True),
        ("arn:aws:iam::111122223333:role/[p]ath/deployer", ROLE, False),
    ],
)
def test_resource_patterns(pattern: str, value: str, covers: bool) -> None:
    """Wildcards match any characters, brackets match themselves; an incomplete ARN is completed."""
    assert resource_test(pattern, variables=True, completed=True)(value, {}) is covers


def test_an_incomplete_arn_that_is_not_completed_covers_nothing() -> None:
    """In a resource-based policy an ARN of three parts is literal."""
    assert not resource_test("arn:aws:servicediscovery", variables=True, completed=False)(SERVICE, {})


def test_actions_are_matched_in_any_case() -> None:
    """`servicediscovery:RegisterInstance` is covered by `SERVICEDISCOVERY:register*`."""
    assert action_matcher(["SERVICEDISCOVERY:register*"])("servicediscovery:registerinstance")


@pytest.mark.parametrize(
    ("pattern", "context", "value", "matches"),
    [
        ("${aws:username}", {"aws:username": ("alice",)}, "alice", True),
        ("${AWS:UserName}", {"aws:username": ("alice",)}, "alice", True),
        ("${ aws:username }", {"aws:username": ("alice",)}, "alice", True),
        ("${aws:username}", {}, "${aws:username}", False),
        ("${aws:username}", {"aws:username": ()}, "", False),
        ("${aws:tagkeys}", {"aws:tagkeys": ("a", "b")}, "a", False),
        ("${aws:username, 'guest'}", {}, "guest", True),
        ("${aws:username, ''}", {}, "", True),
        ("${aws:username, guest}", {}, "guest", False),
        ("${aws:username}", {"aws:username": ("*",)}, "alice", False),
        ("${aws:username}", {"aws:username": ("*",)}, "*", True),
        ("a${*}", {}, "a*", True),
        ("a${*}", {}, "ab", False),
        ("${?}${$}", {}, "?$", True),
        ("${unfinished", {}, "${unfinished", True),
        ("$", {}, "$", True),
    ],
)
def test_variables_are_replaced_by_values_of_the_request(
    pattern: str, context: Context, value: str, matches: bool
) -> None:
    """A variable is replaced by its single value or default, literally; without either nothing matches."""
    assert text_test(pattern, variables=True, wildcards=True)(value, context) is matches


def test_variables_are_literal_in_the_old_version() -> None:
    """In version 2008-10-17 `${*}` is a literal `${`, a wildcard and a literal `}`."""
    assert text_test("${*}", variables=False, wildcards=True)("${anything}", {})
    assert not text_test("${aws:username}", variables=False, wildcards=True)("alice", {"aws:username": ("alice",)})


def test_variables_are_literal_before_the_fifth_colon() -> None:
    """The account of an ARN cannot be a variable."""
    pattern = "arn:aws:iam::${aws:PrincipalAccount}:role/deployer"
    assert not resource_test(pattern, variables=True, completed=True)(
        "arn:aws:iam::111122223333:role/deployer", {"aws:principalaccount": ("111122223333",)}
    )


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ROLE, True),
        ("arn:aws:iam::*:role/*", True),
        ("arn:*:iam:*:*:*", True),
        ("arn:aws:iam:*:role/*", False),
        ("arn:aws:iam::*", False),
        ("*", False),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/*", True),
        ("${aws:PrincipalArn}", True),
    ],
)
def test_the_parts_of_an_arn_are_matched_separately(pattern: str, matches: bool) -> None:
    """A wildcard of one part does not match into the next; a variable may contain several parts."""
    context = {"aws:principalaccount": ("111122223333",), "aws:principalarn": (ROLE,)}
    assert arn_test(pattern, variables=True)(ROLE, context) is matches


def test_an_arn_operator_needs_an_arn() -> None:
    """A value with fewer than six parts matches no ARN pattern."""
    assert not arn_test("arn:*:*:*:*:*", variables=True)("arn:aws:iam", {})


@given(pattern=st.text("ab*?[]!-\\.\n", max_size=12), value=st.text("ab*?[]!-\\.\n", max_size=12))
def test_globs_match_like_a_naive_matcher(pattern: str, value: str) -> None:
    """A star matches any number of characters, a question mark exactly one."""
    assert text_test(pattern, variables=False, wildcards=True)(value, {}) is matches_naively(pattern, value)


def matches_naively(pattern: str, value: str) -> bool:
    """Return whether the pattern matches, by the textbook's dynamic programming, row by row."""
    row = [True] + [False] * len(value)
    for character in pattern:
        if character == "*":
            for at in range(1, len(value) + 1):
                row[at] = row[at] or row[at - 1]
        else:
            row = [False] + [row[at] and character in ("?", value[at]) for at in range(len(value))]
    return row[-1]


def test_no_pattern_is_slow() -> None:
    """Thousands of stars cost no more than one, because the matcher does not backtrack."""
    value = "a" * 20_000
    for pattern in ("a*" * 2_000 + "b", "*a?" * 1_000 + "b", "arn:aws:x:::" + "*a" * 2_000 + "b"):
        assert not text_test(pattern, variables=False, wildcards=True)(value, {})
