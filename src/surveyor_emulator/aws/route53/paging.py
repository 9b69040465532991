"""Pages of Route 53's lists: MaxItems arrives as text, and a marker is the id of what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from surveyor_emulator.core.errors import ServiceError

from .shapes import plain_id

__all__ = ["from_marker", "page_size"]


class Identified(Protocol):
    """Anything with an id."""

    @property
    def id(self) -> str:
        """Unique among its kind."""


Item = TypeVar("Item", bound=Identified)


def page_size(request: Mapping[str, object], most: int, *, member: str = "MaxItems") -> int:
    """How many items the answer may hold: what was asked for, at most ``most``, which is also the default."""
    text = request.get(member)
    if text is None:
        return most
    if not str(text).isdecimal() or int(str(text)) < 1:
        raise ServiceError("InvalidInput", f"{member} is a number of at least 1, not {text!r}")
    return min(int(str(text)), most)


def from_marker(items: Sequence[Item], marker: object, missing: str) -> Sequence[Item]:
    """The items from the one with the marker's id on; ``missing`` is the error code for an unknown one."""
    if marker is None:
        return items
    wanted = plain_id(str(marker))
    for at, item in enumerate(items):
        if item.id == wanted:
            return items[at:]
    raise ServiceError(missing, f"there is nothing with the id {wanted} to go on from")
