"""The condition operators: comparisons of a value of a request with a value of a policy.

Source: IAM User Guide, Condition operators. A value that is not of the operator's type (``NumericEquals`` with ``abc``,
in a policy or in a request) compares false, so that the negated operator holds.
"""

from __future__ import annotations

import base64
import binascii
import functools
import ipaddress
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from .matching import Test, arn_test, text_test
from .statements import Context

__all__ = ["OPERATORS", "Operator"]

Value = TypeVar("Value")
Make = Callable[[str, bool], Test]
Compare = Callable[[Any, Any], bool]  # both arguments have the same ordered type

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")
_EPOCH = re.compile(r"[0-9]{5,}(\.[0-9]+)?\Z")  # four digits are a year
_W3C = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)"
    r"(T(?P<time>\d\d:\d\d(:\d\d)?)(?P<part>\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d))?)?)?\Z",
    re.ASCII,
)
_CACHED_VALUES = 4096


@dataclass(frozen=True, slots=True)
class Operator:
    """A condition operator; ``make(value, variables)`` compiles a value of a policy into a test.

    ``variables`` is true if policy variables in the value are replaced. A negated operator has the test of its positive
    counterpart.
    """

    name: str
    make: Make
    negated: bool = False


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.match(text) else None


@functools.lru_cache(maxsize=_CACHED_VALUES)
def _timestamp(text: str) -> float | None:
    """Return the seconds since the epoch of a W3C date or of epoch time."""
    if _EPOCH.match(text):
        return float(text)
    match = _W3C.match(text)
    if not match:
        return None
    day = f"{match['year']}-{match['month'] or '01'}-{match['day'] or '01'}"
    try:
        if match["time"] is None:
            return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        zone = "+00:00" if match["zone"] == "Z" else match["zone"]
        return datetime.fromisoformat(f"{day}T{match['time']}{zone}").timestamp() + float(f"0{match['part'] or ''}")
    except (ValueError, OverflowError):  # for example 30 February, or year 1 east of Greenwich
        return None


def _binary(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _boolean(text: str) -> str | None:
    lowered = text.lower()
    return lowered if lowered in ("true", "false") else None


def _typed(read: Callable[[str], Value | None], compare: Compare) -> Make:
    """Return a test that compares a value of the request (left) with one of the policy, if both have the type."""

    def make(text: str, variables: bool) -> Test:
        expected = read(text)
        if expected is None:
            return _never

        def test(value: str, context: Context) -> bool:
            actual = read(value)
            return actual is not None and compare(actual, expected)

        return test

    return make


def _never(value: str, context: Context) -> bool:
    return False


def _address(text: str, variables: bool) -> Test:
    """Return a test for one address or range, IPv4 or IPv6; an address without a prefix is a single address."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return _never

    def test(value: str, context: Context) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _comparisons(family: str, make: Callable[[Compare], Make]) -> list[Operator]:
    equal = make(operator.eq)
    return [
        Operator(f"{family}Equals", equal),
        Operator(f"{family}NotEquals", equal, negated=True),
        Operator(f"{family}LessThan", make(operator.lt)),
        Operator(f"{family}LessThanEquals", make(operator.le)),
        Operator(f"{family}GreaterThan", make(operator.gt)),
        Operator(f"{family}GreaterThanEquals", make(operator.ge)),
    ]


def _equals(text: str, variables: bool) -> Test:
    return text_test(text, variables=variables, wildcards=False)


def _equals_ignoring_case(text: str, variables: bool) -> Test:
    return text_test(text, variables=variables, wildcards=False, any_case=True)


def _like(text: str, variables: bool) -> Test:
    return text_test(text, variables=variables, wildcards=True)


def _arn(text: str, variables: bool) -> Test:
    return arn_test(text, variables=variables)


_ALL = (
    Operator("StringEquals", _equals),
    Operator("StringNotEquals", _equals, negated=True),
    Operator("StringEqualsIgnoreCase", _equals_ignoring_case),
    Operator("StringNotEqualsIgnoreCase", _equals_ignoring_case, negated=True),
    Operator("StringLike", _like),
    Operator("StringNotLike", _like, negated=True),
    *_comparisons("Numeric", lambda compare: _typed(_number, compare)),
    *_comparisons("Date", lambda compare: _typed(_timestamp, compare)),
    Operator("Bool", _typed(_boolean, operator.eq)),
    Operator("BinaryEquals", _typed(_binary, operator.eq)),
    Operator("IpAddress", _address),
    Operator("NotIpAddress", _address, negated=True),
    Operator("ArnEquals", _arn),
    Operator("ArnLike", _arn),
    Operator("ArnNotEquals", _arn, negated=True),
    Operator("ArnNotLike", _arn, negated=True),
)

OPERATORS = {entry.name.lower(): entry for entry in _ALL}
"""The operators by name in lower case, without Null, which compares no values."""
