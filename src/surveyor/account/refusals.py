"""Why an account in use refuses a valid call: its credentials, permissions, quotas, or AWS itself at this moment.

None of it is about the documented behaviour of a service, so no claim fails for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surveyor.errors import Unavailable

__all__ = [
    "ALLOW",
    "DENIED",
    "EXPIRED",
    "NOT_ENABLED",
    "NOT_PERMITTED",
    "NO_TASKS",
    "OWN",
    "THROTTLED",
    "blames_account",
    "denial_advice",
    "denied_action",
    "describe_denial",
    "describe_failed_operation",
    "describe_refusal",
    "ended_session",
    "is_unavailable",
    "names_quota",
    "reason_in_short",
    "require_available",
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
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized",
     "OperationNotPermittedException"}
)  # fmt: skip

NO_TASKS = "tasks cannot run in this account: "
"""Begins the line about tests that need tasks, where the first task did not run."""

NOT_PERMITTED = "not permitted: "
"""Begins the label of what the credentials of the run do not allow."""

_ACTION = re.compile(r"not authorized to perform: ([a-z][\w-]*:\w+)")

_REFUSED = re.compile(
    r"\((\w+)\) when calling the (\w+) operation(?: \(reached max retries: \d+\))?(?:: (.*))?", re.DOTALL
)

_CREATION = re.compile(r":(?:Allocate|Create|Put|Register|Run|Start)")

_OF_THE_ACCOUNT = frozenset({"ACCESS_DENIED", "THROTTLED_REQUEST"})
"""Error codes of operations that are about the caller's permissions, and the rate of its calls to Route 53."""

_LABELS = (NOT_PERMITTED, "quota: ", "not enabled: ", "unavailable: ", "throttled: ", "no answer")
"""What labels of refusals begin with."""

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

_GENERAL = frozenset({"ClientException", "InvalidParameterException"})
"""Codes of ECS for many reasons, among them a quota of a service that it calls, such as that of namespaces."""

_QUOTA = re.compile(r"\bquotas?\b|\breached the limit\b", re.IGNORECASE)

NOT_ENABLED = frozenset({"OptInRequired", "RegionDisabledException", "SubscriptionRequiredException"})
"""The service, or the Region, is not enabled in the account."""

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


def blames_account(symptom: str, detail: str) -> bool:
    """Return whether a result says that the account refused calls of a run, or runs no tasks: nothing was judged."""
    return NO_TASKS in detail or any(f": {label}" in f": {symptom}" for label in _LABELS)


def denied_action(operation: str, message: str) -> str:
    """Return the action that was denied, by the message: a call needs others beside its own, as that of its tags."""
    found = _ACTION.search(message)
    return found[1] if found else operation


_LIMITS = (
    "service control policy",
    "resource control policy",
    "permissions boundary",
    "session policy",
    "VPC endpoint policy",
)
"""Policies that limit what those of a role allow."""


ALLOW = "allow it"
"""What to do about a denial that names no reason but a missing permission."""


def denial_advice(message: str) -> str:
    """Return what to do about a denial, by the words in which AWS gives the reason (IAM User Guide, Troubleshoot
    access denied error messages).
    """
    found = _ACTION.search(message)
    demand = "; if it demands tags, give them with --tag KEY=VALUE" if found and _CREATION.search(found[1]) else ""
    for kind in _LIMITS:
        if kind.lower() in message.lower():
            return f"a {kind} denies it, and no policy of the role can allow it{demand}"
    if "explicit deny" in message:
        return f"a statement denies it: change that statement{demand}"
    return ALLOW


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
        action = denied_action(operation, message)
        advice = denial_advice(message)
        # What else a role may be allowed is said at the end of the run: a test may ask for what it should not have.
        more = "" if advice == ALLOW else f": {advice}"
        return f"{NOT_PERMITTED}{action}", f"the run may not call {action}{more} ({message})"
    if code in _QUOTAS or (code in _GENERAL and (names_quota(message) or _QUOTA.search(message))):
        return f"quota: {code}", f"{operation} met a quota of the account: free some, or have it raised ({message})"
    if code in NOT_ENABLED:
        return f"not enabled: {code}", (
            f"{operation} was refused with {code}: it is not enabled in the account: enable it, or choose another "
            f"--region ({message})"
        )
    if code.startswith("ExpiredToken"):
        return f"session ended: {code}", (
            f"{operation} was called with a session that ended before the test did: this machine is slow ({message})"
        )
    if is_unavailable(code, int(metadata.get("HTTPStatusCode", 0))):
        return _unavailable(operation, code, message)
    return None


def names_quota(message: str) -> str:
    """Return the code of a quota that a message names, as that of an operation which failed; "" if it names none."""
    return next((code for code in re.findall(r"\w+", message) if code in _QUOTAS), "")


def describe_failed_operation(operation: Mapping[str, Any]) -> str:
    """Return why an account made an operation of Cloud Map fail: permissions, rates or quotas; "" for another reason.

    `operation`: GetOperation's Operation. The quota that a call behind the operation met is in its ErrorMessage.
    """
    code, message = operation.get("ErrorCode", "no ErrorCode"), str(operation.get("ErrorMessage", ""))
    if code not in _OF_THE_ACCOUNT and not names_quota(message):
        return ""
    return f"{operation.get('Type', 'the operation')} ended as FAIL with {code}: {message}"


def require_available(operation: str, answer: Mapping[str, Any], status: int, *, repeated: bool = False) -> None:
    """Raise Unavailable if a service said that it cannot answer now, or a `repeated` call met its first attempt.

    A test that expects a refusal of the call would take this for one.
    """
    error = answer.get("Error", {})
    code, message = str(error.get("Code", "")), str(error.get("Message", ""))
    if is_unavailable(code, status):
        raise Unavailable(*_unavailable(operation, code, message))
    if repeated and code == "DuplicateRequest":
        detail = (
            f"{operation} was repeated after a missing answer, and its first attempt is being executed: run it again "
            f"({message})"
        )
        raise Unavailable(f"repeated: {code}", detail)


def _unavailable(operation: str, code: str, message: str) -> tuple[str, str]:
    return f"unavailable: {code}", f"{operation} could not be answered now ({code}: {message}); try again later"


def describe_denial(text: str) -> str:
    """Return which action is missing and what to do, if `text` is that of a ClientError about it; else `text`."""
    refused = _REFUSED.search(text)
    if refused is None or refused[1] not in DENIED:
        return text
    message = " ".join((refused[3] or "").split())
    return f"{denied_action(refused[2], message)} is not permitted: {denial_advice(message)} ({message})"


def reason_in_short(text: str) -> str:
    """Return why a call was refused, without values of the account: the action that is missing, or the error's code.

    `text`: that of a ClientError, or of an operation that failed; "" for any other text.
    """
    refused = _REFUSED.search(text)
    if refused is None:
        denied = _ACTION.search(text) if "ACCESS_DENIED" in text else None  # of an operation of Cloud Map
        return f"{NOT_PERMITTED}{denied[1]}" if denied else ""
    code, operation, _ = refused.groups()
    if code in DENIED:
        return f"{NOT_PERMITTED}{denied_action(operation, text)}"
    return f"{operation} was refused with {code}"
