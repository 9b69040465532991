"""Compile one entry of a Condition element into a function of a request's context.

IAM User Guide, Condition operators, Conditions with multiple context keys or values, Single-valued vs. multivalued
context keys:

- several values of a policy are alternatives; under a negated operator none may match;
- a condition is false if the request lacks the key; with a negated operator or IfExists it is true;
- ForAllValues tests every value of the key, and is true if there is none; ForAnyValue needs one matching value, and is
  false if there is none. A key whose only value is the empty string counts as having none;
- a key with several values needs one of these two prefixes: a plain operator is false for it;
- Null with ``true`` is true if the key is absent or has no value, with ``false`` if it has a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from .operators import OPERATORS
from .statements import Condition, Context

__all__ = ["compile_condition"]

_SETS: dict[str, Literal["all", "any"]] = {"forallvalues": "all", "foranyvalue": "any"}
_IF_EXISTS = "ifexists"


def compile_condition(operator: str, key: str, values: tuple[str, ...], *, variables: bool) -> Condition:
    """Return the compiled condition; raise `ValueError` with one line if the operator does not exist."""
    return Condition(operator, key, values, _holds(operator, key.lower(), values, variables))


def _holds(operator: str, key: str, values: tuple[str, ...], variables: bool) -> Callable[[Context], bool]:
    prefix, colon, name = operator.lower().rpartition(":")
    if colon and prefix not in _SETS:
        raise ValueError(f"expected ForAllValues: or ForAnyValue: before a condition operator, got {operator!r}")
    if name == "null":
        return _null(key, values)
    if_exists = name.endswith(_IF_EXISTS)
    known = OPERATORS.get(name.removesuffix(_IF_EXISTS))
    if known is None:
        raise ValueError(f"expected a condition operator of IAM, got {operator!r}")
    tests = [known.make(value, variables) for value in values]
    negated = known.negated

    def matches(value: str, context: Context) -> bool:
        for test in tests:  # a loop: this runs at every call to the target
            if test(value, context):
                return not negated
        return negated

    def holds_for_single(context: Context) -> bool:
        actual = context.get(key)
        if not actual:
            return if_exists or negated
        return len(actual) == 1 and matches(actual[0], context)

    def holds_for_all(context: Context) -> bool:
        actual = context.get(key, ())
        return not any(actual) or all(matches(value, context) for value in actual)

    def holds_for_any(context: Context) -> bool:
        actual = context.get(key)
        if actual is None:
            return if_exists
        return any(actual) and any(matches(value, context) for value in actual)

    return {"": holds_for_single, "all": holds_for_all, "any": holds_for_any}[_SETS.get(prefix, "")]


def _null(key: str, values: tuple[str, ...]) -> Callable[[Context], bool]:
    expected = {value.lower() for value in values}
    if not expected <= {"true", "false"}:
        raise ValueError(f"expected true or false for Null, got {', '.join(sorted(expected))}")
    absent, present = "true" in expected, "false" in expected
    return lambda context: present if context.get(key) else absent
