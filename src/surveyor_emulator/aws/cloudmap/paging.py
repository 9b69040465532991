"""Pages of lists: 1 to 100 entries, 100 by default, and an opaque token for the rest.

The token names the last entry of a page rather than a position, so that no entry is repeated or left out when entries
are added or removed between two calls.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .lookup import invalid_input

__all__ = ["DEFAULT", "page"]

DEFAULT = 100


class Numbered(Protocol):
    """Anything that has the number under which it was created."""

    @property
    def number(self) -> int:
        """Return a number that rises with every resource created in an account."""


Entry = TypeVar("Entry", bound=Numbered)


def page(entries: Sequence[Entry], token: str | None, size: int | None) -> tuple[list[Entry], str | None]:
    """Return the entries after ``token``, oldest first, and the token of the next page if there is one."""
    rest = sorted(entries, key=lambda entry: entry.number)
    if token is not None:
        after = _number(token)
        rest = [entry for entry in rest if entry.number > after]
    chosen = rest[: size or DEFAULT]
    return chosen, _token(chosen[-1].number) if len(rest) > len(chosen) else None


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _number(token: str) -> int:
    try:
        number = int(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        number = -1
    if number < 0 or _token(number) != token:  # decoding ignores characters outside the alphabet
        raise invalid_input("NextToken was not returned by this operation")
    return number
