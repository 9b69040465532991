"""What the Describe calls have in common: filters, pages, and ids that must exist.

Source: Amazon EC2 User Guide, "List and filter your resources" (values are joined by OR, filters by AND; ``*`` and
``?`` are wildcards, a backslash takes their meaning away) and each call's own reference.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeVar, cast

from surveyor_emulator.core.errors import ServiceError

__all__ = ["Facts", "filtered", "page", "picked"]

Resource = TypeVar("Resource")
# What filters see of a resource: the name of each filter with the values that the resource has for it.
Facts = Mapping[str, Sequence[str]]

MOST_VALUES = 200  # "List and filter your resources": per filter
TAG_FILTER = "tag:"


class _Wild(Enum):
    """What stands in a pattern beside plain characters."""

    ONE = "?"
    ANY = "*"


_Pattern = Sequence[str | _Wild]


def filtered(
    resources: Iterable[Resource],
    request: Mapping[str, object],
    names: frozenset[str],
    facts: Callable[[Resource], Facts],
) -> list[Resource]:
    """The resources that all ``Filters`` of a request let through; ``names`` are the filters that the call has."""
    tests: list[tuple[str, list[_Pattern]]] = []
    for given in cast("list[dict[str, object]]", request.get("Filters") or []):
        name, values = str(given.get("Name", "")), cast("list[str]", given.get("Values") or [])
        if name not in names and not (name.startswith(TAG_FILTER) and TAG_FILTER in names):
            raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not values:
            raise ServiceError("InvalidParameterValue", f"The filter '{name}' is to have a value")
        if len(values) > MOST_VALUES:
            raise ServiceError("FilterLimitExceeded", f"A filter takes at most {MOST_VALUES} values")
        tests.append((name, [_pattern(value) for value in values]))
    if not tests:
        return list(resources)
    return [resource for resource in resources if _passes(facts(resource), tests)]


def picked(known: Mapping[str, Resource], ids: object, code: str) -> list[Resource]:
    """The resources that a request names, or all; raises the error ``code`` for the first one that there is not."""
    names = cast("list[str]", ids or [])
    for name in names:
        if name not in known:
            raise ServiceError(code, f"The ID '{name}' does not exist")
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def page(found: Sequence[Resource], request: Mapping[str, object]) -> tuple[list[Resource], str | None]:
    """One page of what was found, and the token of the next one."""
    start = _offset(request.get("NextToken"))
    most = cast("int | None", request.get("MaxResults"))
    end = len(found) if most is None else start + most
    return list(found[start:end]), _token(end) if end < len(found) else None


def _passes(facts: Facts, tests: list[tuple[str, list[_Pattern]]]) -> bool:
    return all(
        any(_matches(pattern, value) for pattern in patterns for value in facts.get(name, ()))
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
    """Whether all of ``value`` fits. Only the last ``*`` is ever tried again, so that no pattern takes for ever."""
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
        raise ServiceError("InvalidPaginationToken", "The NextToken is not one that this call has given")
    return int(number)
