"""Pages of Route 53's lists: MaxItems is text in the request, and a marker is the id of the next item."""

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
        """Return the id, which is unique among resources of one kind."""


Item = TypeVar("Item", bound=Identified)


def page_size(request: Mapping[str, object], maximum: int, *, member: str = "MaxItems") -> int:
    """Return the requested page size, at most ``maximum``, which is also the default. Raise InvalidInput."""
    text = request.get(member)
    if text is None:
        return maximum
    if not str(text).isdecimal() or int(str(text)) < 1:
        raise ServiceError("InvalidInput", f"{member} is a number of at least 1, not {text!r}")
    return min(int(str(text)), maximum)


def from_marker(items: Sequence[Item], marker: object, missing: str) -> Sequence[Item]:
    """Return the items from the one with the marker's id on; ``missing`` is the error code for an unknown marker."""
    if marker is None:
        return items
    start_id = plain_id(str(marker))
    for at, item in enumerate(items):
        if item.id == start_id:
            return items[at:]
    raise ServiceError(missing, f"the marker {start_id} names no existing item")
