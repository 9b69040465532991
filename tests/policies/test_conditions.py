"""Condition operators with their prefixes and suffixes follow the IAM User Guide."""

from __future__ import annotations

import pytest

from surveyor_policies.conditions import compile_condition
from surveyor_policies.operators import OPERATORS

Values = str | tuple[str, ...]
ROLE = "arn:aws:iam::111122223333:role/deployer"


def holds(operator: str, listed: Values, actual: Values | None) -> bool:
    """Return whether ``{operator: {"k": listed}}`` is true for a request with the values ``actual`` of the key."""
    listed = (listed,) if isinstance(listed, str) else listed
    context = {} if actual is None else {"k": (actual,) if isinstance(actual, str) else actual}
    return compile_condition(operator, "K", listed, variables=True).holds(context)


@pytest.mark.parametrize(
    ("operator", "listed", "actual", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ("a", "b"), "b", True),
        ("StringNotEquals", ("a", "b"), "b", False),
        ("StringNotEquals", ("a", "b"), "c", True),
        ("StringEqualsIgnoreCase", "AbC", "aBc", True),
        ("StringNotEqualsIgnoreCase", "AbC", "aBc", False),
        ("StringLike", "a*", "ab", True),
        ("StringLike", "a*", "Ab", False),
        ("StringLike", "a?", "a", False),
        ("StringNotLike", "a*", "ab", False),
        ("NumericEquals", "10", "10.0", True),
        ("NumericNotEquals", "10", "10.0", False),
        ("NumericLessThan", "10", "9.99", True),
        ("NumericLessThan", "10", "10", False),
        ("NumericLessThanEquals", "10", "10", True),
        ("NumericGreaterThan", "9", "10", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "-1", "-1", True),
        ("NumericEquals", "ten", "ten", False),
        ("NumericLessThan", "10", "1e1", False),
        ("NumericLessThan", "10", "nan", False),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", True),
        ("DateEquals", "2026-01-01", "2026-01-01T00:00Z", True),
        ("DateEquals", "2026", "2026-01", True),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", True),
        ("DateEquals", "2026-01-01T00:00:00.5Z", "1767225600.5", True),
        ("DateNotEquals", "2026-01-01", "2026-01-02", True),
        ("DateLessThan", "2026-01-02", "2026-01-01T23:59:59Z", True),
        ("DateLessThanEquals", "2026-01-02", "2026-01-02", True),
        ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:01Z", True),
        ("DateGreaterThanEquals", "2026-01-01", "2025-12-31", False),
        ("DateLessThan", "2026-02-30", "2026-01-01", False),
        ("DateLessThan", "soon", "2026-01-01", False),
        ("Bool", "true", "True", True),
        ("Bool", "true", "false", False),
        ("Bool", "yes", "yes", False),
        ("BinaryEquals", "bWFw", "bWFw", True),
        ("BinaryEquals", "bWFw", "bWFx", False),
        ("BinaryEquals", "not base64!", "not base64!", False),
        ("IpAddress", "10.0.0.0/8", "10.255.0.1", True),
        ("IpAddress", "10.0.0.0/8", "11.0.0.1", False),
        ("IpAddress", "10.0.0.7/8", "10.255.0.1", True),
        ("IpAddress", "10.0.0.1", "10.0.0.1", True),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", True),
        ("IpAddress", "2001:db8::/32", "10.0.0.1", False),
        ("IpAddress", ("203.0.113.0/24", "2001:db8::/32"), "2001:db8::1", True),
        ("IpAddress", "0.0.0.0/0", "nonsense", False),
        ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", False),
        ("NotIpAddress", "10.0.0.0/8", "192.0.2.1", True),
        ("ArnEquals", "arn:aws:iam::*:role/deployer", ROLE, True),
        ("ArnLike", "arn:aws:iam::*:role/*", ROLE, True),
        ("ArnLike", "arn:aws:iam::*", ROLE, False),
        ("ArnNotEquals", "arn:aws:iam::*:role/*", ROLE, False),
        ("ArnNotLike", "arn:aws:iam::*:user/*", ROLE, True),
        ("stringequals", "a", "a", True),
    ],
)
def test_an_operator_compares_what_is_given_with_what_is_wanted(
    operator: str, listed: Values, actual: Values, expected: bool
) -> None:
    """Listed values are alternatives, exceptions with a negated operator; a value of another type is not equal."""
    assert holds(operator, listed, actual) is expected


NEGATED = sorted(entry.name for entry in OPERATORS.values() if entry.negated)
POSITIVE = sorted(entry.name for entry in OPERATORS.values() if not entry.negated)


@pytest.mark.parametrize("operator", POSITIVE)
def test_without_the_key_a_condition_is_false(operator: str) -> None:
    """A condition is false if the request lacks its key."""
    assert not holds(operator, "1", None)


@pytest.mark.parametrize("operator", NEGATED)
def test_without_the_key_a_negated_condition_is_true(operator: str) -> None:
    """A negated condition is true if the request lacks its key."""
    assert holds(operator, "1", None)


@pytest.mark.parametrize("operator", POSITIVE + NEGATED)
def test_if_exists_makes_a_missing_key_true(operator: str) -> None:
    """IfExists is true without the key, alone and after a set operator, and changes nothing with the key."""
    for prefix in ("", "ForAllValues:", "ForAnyValue:"):
        assert holds(f"{prefix}{operator}IfExists", "1", None)
        assert holds(f"{prefix}{operator}IfExists", "nothing", "x") is holds(f"{prefix}{operator}", "nothing", "x")


@pytest.mark.parametrize(
    ("operator", "listed", "actual", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "b"), ("a", "c"), False),
        ("ForAllValues:StringEquals", "a", None, True),
        ("ForAllValues:StringEquals", "a", (), True),
        ("ForAllValues:StringEquals", "a", ("",), True),
        ("ForAllValues:StringNotEquals", ("a", "b"), ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "b"), ("c", "a"), False),
        ("ForAnyValue:StringEquals", ("a", "b"), ("c", "b"), True),
        ("ForAnyValue:StringEquals", ("a", "b"), ("c", "d"), False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringEquals", "", ("",), False),
        ("ForAnyValue:StringNotEquals", ("a", "b"), ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", "a", None, False),
        ("ForAnyValue:StringLike", "a*", ("b", "ab"), True),
        ("StringEquals", ("a", "b"), ("a", "b"), False),
        ("StringNotEquals", "c", ("a", "b"), False),
    ],
)
def test_set_operators_need_all_or_any(operator: str, listed: Values, actual: Values | None, expected: bool) -> None:
    """ForAllValues is true for no values, ForAnyValue is not; without a prefix several values do not match."""
    assert holds(operator, listed, actual) is expected


@pytest.mark.parametrize(
    ("listed", "actual", "expected"),
    [
        ("true", None, True),
        ("true", (), True),
        ("true", "a", False),
        ("false", "a", True),
        ("false", None, False),
        ("TRUE", None, True),
        (("true", "false"), None, True),
        (("true", "false"), "a", True),
    ],
)
def test_null_tests_for_the_absence_of_a_value(listed: Values, actual: Values | None, expected: bool) -> None:
    """`true` means absent, `false` means present with a value."""
    assert holds("Null", listed, actual) is expected


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike"])
def test_variables_are_replaced_in_texts_and_arns(operator: str) -> None:
    """String and ARN operators compare with the value of the variable."""
    compiled = compile_condition(operator, "k", ("arn:aws:iam::1:user/${aws:username}",), variables=True)
    assert compiled.holds({"k": ("arn:aws:iam::1:user/alice",), "aws:username": ("alice",)})
    assert not compiled.holds({"k": ("arn:aws:iam::1:user/alice",), "aws:username": ("bob",)})


def test_a_negated_operator_matches_where_a_variable_has_no_value() -> None:
    """A variable without a value is equal to nothing (Policy variables with no value)."""
    assert not compile_condition("StringEquals", "k", ("${aws:username}",), variables=True).holds({"k": ("alice",)})
    assert compile_condition("StringNotEquals", "k", ("${aws:username}",), variables=True).holds({"k": ("alice",)})
