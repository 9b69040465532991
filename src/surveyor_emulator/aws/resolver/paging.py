"""Pages and filters of lists: 100 entries by default, and an opaque token for the rest."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from surveyor_emulator.core.errors import ServiceError

from .lookup import invalid

__all__ = ["filtered", "page"]

_DEFAULT = 100
Entry = TypeVar("Entry")


def page(entries: Sequence[Entry], request: Mapping[str, Any]) -> tuple[list[Entry], dict[str, str]]:
    """Return the entries of the requested page, and the token of the next one if there is one."""
    begin, size = _position(request.get("NextToken")), int(request.get("MaxResults") or _DEFAULT)
    rest = len(entries) > begin + size
    token = {"NextToken": base64.urlsafe_b64encode(str(begin + size).encode()).decode()} if rest else {}
    return list(entries[begin : begin + size]), token


def filtered(
    entries: Iterable[Entry], request: Mapping[str, Any], known: Mapping[str, Callable[[Entry], object]]
) -> list[Entry]:
    """Return the entries that every filter of a request accepts: those with one of its values.

    Names are those of the members or with underscores (`VPCId`, `vpc_id`), as both are documented.
    """
    chosen = list(entries)
    plain = {name.replace("_", "").lower(): read for name, read in known.items()}
    for each in request.get("Filters") or ():
        read = plain.get(str(each.get("Name", "")).replace("_", "").lower())
        if read is None:
            raise invalid(f"'{each.get('Name')}' is not a filter of this list: {', '.join(known)}", "Filters")
        values = set(each.get("Values") or ())
        chosen = [entry for entry in chosen if str(read(entry)) in values]
    return chosen


def _position(token: object) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(str(token), altchars=b"-_", validate=True))
    except (ValueError, TypeError):
        raise ServiceError("InvalidNextTokenException", "NextToken was not returned by this operation") from None
