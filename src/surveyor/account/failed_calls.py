"""One line about a call that an account refused: what was refused, for which reason, and what to do.

Codes: Common Errors of the API references; AWS Account Management Reference Guide, "Enable or disable AWS Regions in
your account", for Regions that are not enabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from surveyor.account.refusals import (
    DENIED,
    EXPIRED,
    NOT_ENABLED,
    THROTTLED,
    denial_advice,
    denied_action,
    is_unavailable,
)
from surveyor.response import Response

__all__ = [
    "MAX_CLOCK_SKEW",
    "advice_on",
    "clock_difference",
    "denial_advice",
    "describe_difference",
    "describe_failed_call",
    "is_of_account",
]

MAX_CLOCK_SKEW = 240.0
"""Wall seconds by which the clocks may differ: signatures are refused from five minutes on."""

_NEW_CREDENTIALS = "the credentials have expired: get new ones"
_UNKNOWN_KEY = (
    "the access key does not exist, or the Region is not enabled in the account: check which credentials are in the "
    "environment, and --region"
)
_ADVICE = {
    "ExpiredToken": _NEW_CREDENTIALS,
    "ExpiredTokenException": _NEW_CREDENTIALS,
    "RequestExpired": "the credentials have expired, or this machine's clock is wrong: get new ones, or set the clock",
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "UnrecognizedClientException": _UNKNOWN_KEY,
    "InvalidAccessKeyId": _UNKNOWN_KEY,
    "AuthFailure": _UNKNOWN_KEY,
    "MissingAuthenticationToken": "the calls are not signed: check which credentials are in the environment",
    "MissingAuthenticationTokenException": "the calls are not signed: check which credentials are in the environment",
}
_SIGNATURE = frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"})


def describe_failed_call(operation: str, response: Mapping[str, Any]) -> str:
    """Return one line about a refused call. `operation`: as messages name it; `response`: that of a ClientError."""
    error = response.get("Error", {})
    code, message = str(error.get("Code", "")), " ".join(str(error.get("Message", "")).split())
    origin = response.origin if isinstance(response, Response) else None
    called = f"{origin.service}:{origin.operation}" if origin else operation
    if code in DENIED:
        return f"{denied_action(called, message)} is not permitted: {denial_advice(message)} ({message})"
    advice = advice_on(response)
    return f"{operation} was refused with {code}: {advice or message}" + (f" ({message})" if advice else "")


def advice_on(response: Mapping[str, Any]) -> str:
    """Return why an account refused any call at all and what to do; "" if the refusal is about this call."""
    error = response.get("Error", {})
    code = str(error.get("Code", ""))
    if code in _SIGNATURE:
        ahead = clock_difference(response)
        if abs(ahead) > MAX_CLOCK_SKEW:
            return f"this machine's clock is {describe_difference(ahead)} the account's: set it"
        return "the secret does not belong to the access key, or this machine's clock is wrong"
    if code in _ADVICE:
        return _ADVICE[code]
    if code in NOT_ENABLED:
        return "the service or the Region is not enabled in the account: enable it, or choose another --region"
    if code in THROTTLED:
        return "the account makes too many calls: try again later"
    if is_unavailable(code, int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))):
        return "it could not be answered now: try again later"
    return ""


def is_of_account(response: Mapping[str, Any]) -> bool:
    """Return whether a refusal is about credentials, permissions, clocks, Region or load, and not about the request."""
    code = str(response.get("Error", {}).get("Code", ""))
    return code in DENIED or code in EXPIRED or bool(advice_on(response))


def clock_difference(response: Mapping[str, Any], now: float | None = None) -> float:
    """Return by how many seconds this machine is ahead of the sender of an answer; 0 if the answer has no date."""
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    date = headers.get("date")
    try:
        sent = parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return 0.0
    return 0.0 if sent is None else (datetime.now(UTC).timestamp() if now is None else now) - sent


def describe_difference(ahead: float) -> str:
    """Return a difference between clocks in words."""
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
