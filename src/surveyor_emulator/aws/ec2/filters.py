"""Filters, pages and required ids of the Describe calls.

Source: Amazon EC2 User Guide, "List and filter your resources" (values are joined by OR, filters by AND; ``*`` and
``?`` are wildcards, a backslash escapes them) and the reference of each call.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeVar, cast

from surveyor_emulator.core.errors import ServiceError

__all__ = ["FilterValues", "apply_filters", "paginate", "select_by_id"]

Resource = TypeVar("Resource")
# The values of one resource, by the name of the filter that reads them.
FilterValues = Mapping[str, Sequence[str]]

MAX_FILTER_VALUES = 200  # "List and filter your resources": per filter
TAG_FILTER = "tag:"


class _Wild(Enum):
    """A wildcard in a pattern."""

    ONE = "?"
    ANY = "*"


_Pattern = Sequence[str | _Wild]


def apply_filters(
    resources: Iterable[Resource],
    request: Mapping[str, object],
    names: frozenset[str],
    values_of: Callable[[Resource], FilterValues],
) -> list[Resource]:
    """Return the resources that pass all ``Filters`` of a request; ``names`` are the filters that the call supports."""
    tests: list[tuple[str, list[_Pattern]]] = []
    for entry in cast("list[dict[str, object]]", request.get("Filters") or []):
        name, values = str(entry.get("Name", "")), cast("list[str]", entry.get("Values") or [])
        if name not in names and not (name.startswith(TAG_FILTER) and TAG_FILTER in names):
            raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not values:
            raise ServiceError("InvalidParameterValue", f"The filter '{name}' must have a value")
        if len(values) > MAX_FILTER_VALUES:
            raise ServiceError("FilterLimitExceeded", f"A filter takes at most {MAX_FILTER_VALUES} values")
        tests.append((name, [_pattern(value) for value in values]))
    if not tests:
        return list(resources)
    return [resource for resource in resources if _passes(values_of(resource), tests)]


def select_by_id(known: Mapping[str, Resource], ids: object, code: str) -> list[Resource]:
    """Return the resources that a request names, or all; raise the error ``code`` for the first unknown id."""
    names = cast("list[str]", ids or [])
    for name in names:
        if name not in known:
            raise ServiceError(code, f"The ID '{name}' does not exist")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def paginate(found: Sequence[Resource], request: Mapping[str, object]) -> tuple[list[Resource], str | None]:
    """Return one page of the resources, and the token of the next page."""
    start = _offset(request.get("NextToken"))
    limit = cast("int | None", request.get("MaxResults"))
    end = len(found) if limit is None else start + limit
    return list(found[start:end]), _token(end) if end < len(found) else None


def _passes(filter_values: FilterValues, tests: list[tuple[str, list[_Pattern]]]) -> bool:
    return all(
        any(_matches(pattern, value) for pattern in patterns for value in filter_values.get(name, ()))
        for name, patterns in tests
    )


def _pattern(value: str) -> _Pattern:
    pattern: list[str | _Wild] = []
    characters = iter(value)
    for character in characters:
        if character == "\\":
            pattern.append(next(characters, "\\"))
        elif character in "?*":
            pattern.append(_Wild(character))
        else:
            pattern.append(character)
    return pattern


def _matches(pattern: _Pattern, value: str) -> bool:
    """Return whether all of ``value`` matches. Only the last ``*`` is tried again, so that no pattern is slow."""
    at = token = 0
    star: tuple[int, int] | None = None
    while at < len(value):
        if token < len(pattern) and pattern[token] is _Wild.ANY:
            star, token = (token + 1, at), token + 1
        elif token < len(pattern) and pattern[token] in (value[at], _Wild.ONE):
            at, token = at + 1, token + 1
        elif star is not None:
            star = (star[0], star[1] + 1)
            token, at = star
        else:
            return False
    return all(rest is _Wild.ANY for rest in pattern[token:])


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _offset(token: object) -> int:
    if not token:
        return 0
    try:
        word, _, number = base64.b64decode(str(token), altchars=b"-_", validate=True).decode().partition(":")
    except (binascii.Error, ValueError):  # ValueError: characters that are not ASCII
        word = number = ""
    if word != "from" or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise ServiceError("InvalidPaginationToken", "The NextToken is not a token that this call returned")
    return int(number)
