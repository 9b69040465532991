"""Find what a request names, raise the error of the operation if it does not exist, and make ids, ARNs and times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from .state import ResolverState, resolver_state

__all__ = [
    "changed",
    "find",
    "invalid",
    "limit_exceeded",
    "name_in",
    "new_id",
    "own_state",
    "same_request",
    "time_text",
]

_HEX = "0123456789abcdef"
_ID_LENGTH = 17
# The pattern of the model, which must match as a whole.
_NAME = re.compile(r"(?![0-9]+\Z)[a-zA-Z0-9\-_' ]+")
Found = TypeVar("Found")


def own_state(call: Call) -> ResolverState:
    """Return the state of the caller's account and region."""
    return resolver_state(call.world, call.account, call.region)


def changed(call: Call) -> None:
    """Have the resolvers of VPCs follow a change."""
    own_state(call).generation += 1


def find(known: Mapping[str, Found], identity: object, kind: str) -> Found:
    """Return what has this id. Raises ResourceNotFoundException."""
    found = known.get(str(identity))
    if found is None:
        raise ServiceError(
            "ResourceNotFoundException", f"{kind} with ID '{identity}' does not exist", ResourceType=kind
        )
    return found


def new_id(call: Call, prefix: str, kind: str) -> tuple[str, str]:
    """Return a new id, and the ARN of the resource of this kind that has it."""
    identity = f"{prefix}-{call.world.new_id(_ID_LENGTH, _HEX)}"
    return identity, f"arn:aws:route53resolver:{call.region}:{call.account}:{kind}/{identity}"


def same_request(known: Mapping[str, Any], request: Mapping[str, Any]) -> Any:
    """Return what an earlier request with this CreatorRequestId has created, None if there was none."""
    return next((each for each in known.values() if each.request_id == request["CreatorRequestId"]), None)


def invalid(message: str, field: str | None = None) -> ServiceError:
    """Return the error for a parameter that breaks a rule."""
    if field is None:
        return ServiceError("InvalidParameterException", message)
    return ServiceError("InvalidParameterException", message, FieldName=field)


def limit_exceeded(kind: str, limit: int) -> ServiceError:
    """Return the error for more than a quota allows."""
    return ServiceError("LimitExceededException", f"there may be at most {limit} of {kind}", ResourceType=kind)


def name_in(request: Mapping[str, Any], code: str = "InvalidParameterException") -> str:
    """Return the name in a request, "" if it has none: letters, digits, hyphens, underscores, quotes and spaces."""
    name = str(request.get("Name") or "")
    if name and not _NAME.fullmatch(name):
        raise ServiceError(code, "Name has letters, digits, hyphens, underscores and spaces, and not digits only")
    return name


def time_text(moment: float) -> str:
    """Return a time in the form of this API."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
