"""Why an account in use refuses a valid call: its credentials, permissions, quotas, or AWS itself at this moment.

None of it is about the documented behaviour of a service, so no claim fails for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "DENIED",
    "EXPIRED",
    "NOT_PERMITTED",
    "OWN",
    "THROTTLED",
    "describe_refusal",
    "ended_session",
    "is_unavailable",
]

OWN = "CallOfTheRun"
"""Member of an error's ResponseMetadata: the call was made with the credentials of the run, not of a test's user."""

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)

EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "AuthFailure",
    }
)
"""The credentials are no longer valid (Common Errors of the API references)."""

DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"}
)

NOT_PERMITTED = "not permitted: "
"""Begins the label of what the credentials of the run do not allow."""

_QUOTAS = frozenset(
    {
        "ResourceLimitExceeded",
        "LimitExceededException",
        "ServiceQuotaExceededException",
        "TooManyHostedZones",
        "TooManyHealthChecks",
        "VpcLimitExceeded",
        "SubnetLimitExceeded",
        "SecurityGroupLimitExceeded",
        "InternetGatewayLimitExceeded",
        "RouteTableLimitExceeded",
        "InstanceLimitExceeded",
        "VcpuLimitExceeded",
        "TooManyLoadBalancers",
        "TooManyTargetGroups",
    }
)

_NOT_ENABLED = frozenset({"OptInRequired", "SubscriptionRequiredException"})

_UNAVAILABLE = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "PriorRequestNotComplete",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unavailable",
    }
)


def ended_session(document: Mapping[str, Any]) -> str | None:
    """Return the code with which a raw answer in JSON says that a session has ended, which no test asks for.

    None for any other: tests send wrong keys and signatures on purpose.
    """
    code = str(document.get("__type", "")).rpartition("#")[2]
    return code if code.startswith("ExpiredToken") else None


def is_unavailable(code: str, status: int) -> bool:
    """Return whether a service said that it cannot answer now; the same call may succeed later."""
    return code in _UNAVAILABLE or status >= 500


def describe_refusal(operation: str, response: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what an account in use refused: a short label, and a line with the cause and the cure.

    `response`: that of a ClientError. None if the refusal may be about the documented behaviour.
    """
    error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    if code in DENIED and metadata.get(OWN):
        return f"{NOT_PERMITTED}{operation}", f"the run may not call {operation}: allow it ({message})"
    if code in _QUOTAS:
        return f"quota: {code}", f"{operation} met a quota of the account: free some, or have it raised ({message})"
    if code in _NOT_ENABLED:
        return f"not enabled: {code}", f"{operation} is not enabled in the account ({message})"
    if is_unavailable(code, int(metadata.get("HTTPStatusCode", 0))):
        return f"unavailable: {code}", f"{operation} could not be answered now ({code}: {message}); try again later"
    return None
