"""Wildcards and variables."""

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
def test_a_resource_is_covered_or_not(pattern: str, value: str, covers: bool) -> None:
    """Wildcards stand for any characters, brackets for themselves; an incomplete ARN is completed."""
    assert resource_test(pattern, variables=True, completed=True)(value, {}) is covers


def test_an_incomplete_arn_covers_nothing_where_it_is_not_completed() -> None:
    """In a resource-based policy an ARN of three parts is just that text."""
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
        ("${aws:username, 'nobody'}", {}, "nobody", True),
        ("${aws:username, ''}", {}, "", True),
        ("${aws:username, nobody}", {}, "nobody", False),
        ("${aws:username}", {"aws:username": ("*",)}, "alice", False),
        ("${aws:username}", {"aws:username": ("*",)}, "*", True),
        ("a${*}", {}, "a*", True),
        ("a${*}", {}, "ab", False),
        ("${?}${$}", {}, "?$", True),
        ("${unfinished", {}, "${unfinished", True),
        ("$", {}, "$", True),
    ],
)
def test_variables_stand_for_what_the_request_carries(
    pattern: str, context: Context, value: str, matches: bool
) -> None:
    """One value or the default, literally; without either nothing matches."""
    assert text_test(pattern, variables=True, wildcards=True)(value, context) is matches


def test_variables_were_literal_before_there_were_any() -> None:
    """In version 2008-10-17 `${*}` is a literal `${`, a wildcard and a literal `}`."""
    assert text_test("${*}", variables=False, wildcards=True)("${anything}", {})
    assert not text_test("${aws:username}", variables=False, wildcards=True)("alice", {"aws:username": ("alice",)})


def test_variables_are_literal_before_the_fifth_colon() -> None:
    """An account cannot come from a variable."""
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
def test_the_parts_of_an_arn_are_matched_one_by_one(pattern: str, matches: bool) -> None:
    """A wildcard of one part does not reach into the next; a variable may bring several parts."""
    context = {"aws:principalaccount": ("111122223333",), "aws:principalarn": (ROLE,)}
    assert arn_test(pattern, variables=True)(ROLE, context) is matches


def test_an_arn_operator_wants_an_arn() -> None:
    """A value with fewer than six parts is not like any ARN."""
    assert not arn_test("arn:*:*:*:*:*", variables=True)("arn:aws:iam", {})


@given(pattern=st.text("ab*?[]!-\\.\n", max_size=12), value=st.text("ab*?[]!-\\.\n", max_size=12))
def test_globs_are_what_they_say(pattern: str, value: str) -> None:
    """Matching is that of the textbook: a star takes any number of characters, a question mark one."""
    assert text_test(pattern, variables=False, wildcards=True)(value, {}) is naive(pattern, value)


def naive(pattern: str, value: str) -> bool:
    """The textbook's matcher, row by row."""
    row = [True] + [False] * len(value)
    for character in pattern:
        if character == "*":
            for at in range(1, len(value) + 1):
                row[at] = row[at] or row[at - 1]
        else:
            row = [False] + [row[at] and character in ("?", value[at]) for at in range(len(value))]
    return row[-1]


def test_no_pattern_makes_matching_slow() -> None:
    """Hundreds of stars before something that is not there are no more work than one: nothing is tried twice."""
    value = "a" * 20_000
    for pattern in ("a*" * 2_000 + "b", "*a?" * 1_000 + "b", "arn:aws:x:::" + "*a" * 2_000 + "b"):
        assert not text_test(pattern, variables=False, wildcards=True)(value, {})
