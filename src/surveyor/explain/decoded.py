"""The output of sts:DecodeAuthorizationMessage: a request, and the statements that decided about it.

By the STS API Reference a decoded message says whether a deny or the absence of an allow decided, and has
principal, action, resource, and the condition keys of the request. The CLI prints it as a text in DecodedMessage.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from surveyor.typed_json import describe, parse_json

__all__ = ["DecodedDenial", "MatchedStatement", "find_decoded"]

_MEMBER = "DecodedMessage"
_OWN = frozenset({"allowed", "explicitDeny", "matchedStatements"})
_MAX_NESTED = 5
"""Texts in texts: `--query DecodedMessage` prints a text, of which the CLI makes another one with `--output json`."""


class _Value(Struct, frozen=True):
    value: str = ""


class _Values(Struct, frozen=True):
    items: tuple[_Value, ...] = ()

    def __str__(self) -> str:
        return ", ".join(entry.value for entry in self.items)


class _Condition(Struct, frozen=True):
    key: str = ""
    values: _Values = _Values()


class _Conditions(Struct, frozen=True):
    items: tuple[_Condition, ...] = ()


class MatchedStatement(Struct, frozen=True, rename="camel"):
    """A statement that decided; members that AWS leaves out are empty."""

    statement_id: str = ""
    effect: str = ""
    source_policy_id: str = ""
    source_policy_type: str = ""
    principals: _Values = _Values()
    actions: _Values = _Values()
    resources: _Values = _Values()
    conditions: _Conditions = _Conditions()


class _Statements(Struct, frozen=True):
    items: tuple[MatchedStatement, ...] = ()


class _Principal(Struct, frozen=True):
    id: str = ""
    arn: str = ""


class _Context(Struct, frozen=True):
    principal: _Principal = _Principal()
    action: str = ""
    resource: str = ""
    conditions: _Conditions = _Conditions()


class DecodedDenial(Struct, frozen=True, rename="camel"):
    """A decoded message."""

    allowed: bool
    explicit_deny: bool = False
    matched_statements: _Statements = _Statements()
    context: _Context = _Context()

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The condition keys of the request, in lower case."""
        return {
            condition.key.lower(): tuple(entry.value for entry in condition.values.items)
            for condition in self.context.conditions.items
        }


def find_decoded(text: str) -> DecodedDenial | None:
    """Return the decoded message in a JSON text; None if the text is JSON of something else, or no JSON.

    Raises ValueError, in one line, for a decoded message that is cut short or not in the documented form.
    """
    value: Any = text
    for _ in range(_MAX_NESTED):
        if isinstance(value, dict):
            if not _OWN.isdisjoint(value):
                return _convert(value)
            value = value.get(_MEMBER)
        if not isinstance(value, str) or not value.lstrip().startswith(("{", '"')):
            return None
        value = parse_json(value, object)
    return None


def _convert(value: dict[str, Any]) -> DecodedDenial:
    try:
        return msgspec.convert(_without_nulls(value), DecodedDenial)
    except msgspec.ValidationError as error:
        raise ValueError(f"is not what sts:DecodeAuthorizationMessage returns: {describe(error)}") from None


def _without_nulls(value: Any) -> Any:
    """Return a value without the members that are null: they mean the same as those that are left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(member) for key, member in value.items() if member is not None}
    return [_without_nulls(entry) for entry in value] if isinstance(value, list) else value
