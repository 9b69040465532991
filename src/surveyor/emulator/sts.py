"""STS: who is calling, and credentials for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from . import sessions
from .errors import ServiceError
from .world import Call

__all__ = ["HANDLERS"]

# sts/GetSessionToken: sessions of account owners hold for an hour at most, and for an hour if more is asked for.
OWNER_SECONDS = 3_600
DEFAULT_SECONDS = 43_200


def get_caller_identity(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetCallerIdentity. An account owner's user id is the account's number (IAM User Guide, Principal key values)."""
    return {"Account": call.account, "Arn": call.principal, "UserId": call.account}


def get_session_token(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetSessionToken."""
    if request.get("SerialNumber") or request.get("TokenCode"):
        raise ServiceError("AccessDenied", "the embedded target has no MFA devices", status=403)
    seconds = cast("int", request.get("DurationSeconds") or DEFAULT_SECONDS)
    if call.principal.endswith(":root"):
        seconds = min(seconds, OWNER_SECONDS)
    session = sessions.issue(call.world, call.account, call.principal, seconds)
    credentials = {
        "AccessKeyId": session.access_key,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires,
    }
    return {"Credentials": credentials}


def get_access_key_info(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetAccessKeyInfo: the account of a temporary key. It says nothing of whether the key holds still."""
    account = sessions.account_of(str(request["AccessKeyId"]))
    if account is None:
        raise ServiceError("ValidationError", "the access key id is none of this target's; those begin with ASIA")
    return {"Account": account}


HANDLERS: Mapping[str, Callable[[Call, Mapping[str, object]], dict[str, object]]] = {
    "GetAccessKeyInfo": get_access_key_info,
    "GetCallerIdentity": get_caller_identity,
    "GetSessionToken": get_session_token,
}
