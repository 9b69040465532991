"""Pages of lists: 1 to 100 entries, 100 unless told, and an opaque token for the rest.

The token names the last entry of a page rather than a position, so that nothing is shown twice or left out when entries
come and go between two calls.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .find import invalid

__all__ = ["DEFAULT", "page"]

DEFAULT = 100


class Numbered(Protocol):
    """Anything that carries the number it was made under."""

    @property
    def number(self) -> int:
        """Rises with every new thing of an account."""


Entry = TypeVar("Entry", bound=Numbered)


def page(entries: Sequence[Entry], token: str | None, size: int | None) -> tuple[list[Entry], str | None]:
    """The entries after ``token``, oldest first, and the token of the next page if there is one."""
    after = _number(token) if token is not None else 0
    rest = [entry for entry in entries if entry.number > after]
    rest.sort(key=lambda entry: entry.number)
    chosen = rest[: size or DEFAULT]
    return chosen, _token(chosen[-1].number) if len(rest) > len(chosen) else None


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode()


def _number(token: str) -> int:
    try:
        kind, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind != "after" or not number.isdecimal() or len(number) > 18:
            raise ValueError
        return int(number)
    except (ValueError, binascii.Error):
        raise invalid("NextToken is not one that this operation gave") from None
