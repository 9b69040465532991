"""One line of a Condition element: which values of a key are asked for, and how.

IAM User Guide, Condition operators, Conditions with multiple context keys or values, Single-valued vs. multivalued
context keys:

- several values of a policy are alternatives; under a negated operator none may match;
- a key that the request lacks makes a condition false, under a negated operator true, with IfExists true;
- ForAllValues asks it of every value of the key, and holds where there is none; ForAnyValue of one, and fails there. A
  key with nothing but the empty text in it has none;
- a key with several values needs one of the two: a plain operator does not hold for it;
- Null holds with ``true`` where the key is absent or has no value, with ``false`` where it has one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from .operators import OPERATORS
from .statements import Condition, Context

__all__ = ["condition"]

_SETS: dict[str, Literal["all", "any"]] = {"forallvalues": "all", "foranyvalue": "any"}
_IF_EXISTS = "ifexists"


def condition(operator: str, key: str, values: tuple[str, ...], *, variables: bool) -> Condition:
    """The condition, ready to be asked; raises `ValueError` with one line where there is no such operator."""
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
        raise ValueError(f"there is no condition operator {operator!r}")
    tests = [known.make(value, variables) for value in values]
    negated = known.negated

    def asked(value: str, context: Context) -> bool:
        for test in tests:  # a loop: this runs at every call to the target
            if test(value, context):
                return not negated
        return negated

    def one(context: Context) -> bool:
        given = context.get(key)
        if not given:
            return if_exists or negated
        return len(given) == 1 and asked(given[0], context)

    def every(context: Context) -> bool:
        given = context.get(key, ())
        return not any(given) or all(asked(value, context) for value in given)

    def some(context: Context) -> bool:
        given = context.get(key)
        if given is None:
            return if_exists
        return any(given) and any(asked(value, context) for value in given)

    return {"": one, "all": every, "any": some}[_SETS.get(prefix, "")]


def _null(key: str, values: tuple[str, ...]) -> Callable[[Context], bool]:
    wanted = {value.lower() for value in values}
    if not wanted <= {"true", "false"}:
        raise ValueError(f"expected true or false for Null, got {', '.join(sorted(wanted))}")
    absent, present = "true" in wanted, "false" in wanted
    return lambda context: present if context.get(key) else absent
