"""What AssumeRole refuses about its own parameters, before it asks whether the caller may assume the role.

The codes and texts are those that AWS was seen to answer with (recordings/iam-sts.toml).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.errors import ServiceError

__all__ = ["check_role_arn", "check_session_name", "check_tags"]

_SESSION_NAME = re.compile(r"[\w+=,.@-]*", re.ASCII)


def check_role_arn(arn: str) -> None:
    """Raise ServiceError unless a text has the six parts of an ARN, with a partition, a service and a resource."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn" or not (parts[1] and parts[2] and parts[5]):
        raise ServiceError("ValidationError", f"{arn} is invalid")


def check_session_name(name: str) -> None:
    """Raise ServiceError for a name with a character that the model does not allow anywhere in it."""
    if not _SESSION_NAME.fullmatch(name):
        raise ServiceError(
            "ValidationError",
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member "
            f"must satisfy regular expression pattern: {_SESSION_NAME.pattern}",
        )


def check_tags(request: Mapping[str, Any], caller: Caller | None) -> None:
    """Raise ServiceError for tag keys that are equal, and for transitive keys without a tag or already transitive.

    Keys are compared without regard to case (sts/AssumeRoleRequest.Tags).
    """
    keys = [str(tag["Key"]).lower() for tag in request.get("Tags") or ()]
    if len(set(keys)) < len(keys):
        raise ServiceError(
            "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    transitive = {str(key).lower() for key in request.get("TransitiveTagKeys") or ()}
    if not transitive <= set(keys):
        raise ServiceError(
            "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."
        )
    inherited = {key.lower() for key in caller.transitive} if caller is not None else set()
    if inherited & set(keys):
        raise ServiceError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from "
            "the calling session.",
        )
