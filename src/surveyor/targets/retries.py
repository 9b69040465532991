"""Calls that are made again in an account: throttled ones, failures of AWS, and calls for what is not visible yet.

Reads, and creations that AWS recognises by a token, are repeated after a failure; so are all calls of the clean-up, and
those that only try a permission. Throttled calls had no effect, so that all are repeated but those whose
rates are tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from botocore.model import OperationModel
from botocore.session import Session

from surveyor.account.refusals import THROTTLED, is_unavailable

__all__ = ["CLEANUP", "NO_CHECK", "NO_RESOURCE", "PREFLIGHT", "repeat_failed_calls"]

CLEANUP = "surveyor_cleanup"
"""Key in the context of a request: it is one of the clean-up, which may be repeated whatever it does."""

PREFLIGHT = "preflight"
NO_RESOURCE = "0" * 17
"""In names, and the digits of ids of EC2, that nothing has: permissions are tried with them, and waiting is in vain."""

NO_CHECK = "00000000-0000-4000-8000-000000000000"
"""The id of a health check, for the same purpose."""

_READS = ("Describe", "Discover", "Get", "List", "Test")
_DELETIONS = ("Delete", "Detach", "Disassociate", "Revoke", "Terminate")
_IN_A_CLUSTER = frozenset({"CreateService", "RunTask"})
_RECOGNISED = frozenset(
    {
        "AssumeRole", "CreateHealthCheck", "DeleteMessage", "ReceiveMessage", "TagResource", "UntagResource",
        "UpdateFirewallDomains",
    }
)  # fmt: skip
"""Calls that may be repeated although they are no reads: a reference names what exists already, nothing remains, or the
second has no effect (sqs/DeleteMessage: "If you use an old ReceiptHandle, the request will succeed"; lists of domains
are replaced as a whole).
"""

_TESTED_RATES = frozenset({"DiscoverInstances", "DiscoverInstancesRevision"})
_ATTEMPTS = {"throttled": 6, "failed": 3}
_ATTEMPTS_OF_CLEANUP = 8
_LONGEST_WAIT = 8.0  # service seconds
_LOST = (ConnectionClosedError, EndpointConnectionError, ReadTimeoutError)


def repeat_failed_calls(session: Session, wait: Callable[[float], None] | None = None, seed: int = 0) -> None:
    """Let the clients of a session repeat calls; they wait longer before each attempt, by a random part of it.

    `wait`: that of the clock of the target, in service seconds; None leaves it to botocore, in wall seconds.
    """
    random = Random(seed)

    def repeat(**tried: Any) -> Any:
        attempts = int(tried["attempts"])
        request = tried["request_dict"]
        cleanup, trial = CLEANUP in request.get("context", {}), _is_trial(request)
        why = (
            None
            if trial and _is_refused(tried["response"])
            else _why(tried["response"], tried["operation"], tried["caught_exception"], harmless=cleanup or trial)
        )
        if why is None or attempts >= (_ATTEMPTS_OF_CLEANUP if cleanup else _ATTEMPTS[why]):
            return None
        delay = min(_LONGEST_WAIT, 0.5 * 2.0 ** (attempts - 1)) * random.uniform(0.5, 1.0)
        if wait is None:
            return delay
        wait(delay)
        return 0

    session.register("needs-retry", repeat)


def _is_trial(request: Mapping[str, Any]) -> bool:
    """Return whether a request is about what cannot exist, or is EC2's DryRun: it changes nothing."""
    text = f"{request.get('url_path', '')} {request.get('body', '')}"
    return any(mark in text for mark in (PREFLIGHT, NO_RESOURCE, NO_CHECK, "DryRun"))


def _is_refused(response: Any) -> bool:
    """Return whether an answer is an error of the caller other than throttling."""
    if response is None:
        return False
    http, parsed = response
    return bool(http.status_code < 500) and parsed.get("Error", {}).get("Code") not in THROTTLED


def _why(response: Any, operation: OperationModel, exception: Exception | None, *, harmless: bool) -> str | None:
    """Return why a call may be repeated; None if it may not. `harmless`: it may whatever it does."""
    if isinstance(exception, _LOST):
        return "failed" if harmless or _is_repeatable(operation) else None
    if response is None:
        return None
    http, parsed = response
    code = str(parsed.get("Error", {}).get("Code", ""))
    if code in THROTTLED:
        return None if operation.name in _TESTED_RATES else "throttled"
    if code == "PriorRequestNotComplete":  # it had no effect
        return "throttled"
    if _is_not_visible_yet(operation, code):
        return "throttled"
    if not is_unavailable(code, http.status_code):
        return None
    return "failed" if harmless or _is_repeatable(operation) else None


def _is_not_visible_yet(operation: OperationModel, code: str) -> bool:
    """Return whether a call may have been refused because what was created before is not visible to all calls yet.

    EC2 Developer Guide, "Eventual consistency in the Amazon EC2 API": "if you run a command to modify or describe the
    resource that you just created […] you will get an error". CreateService may not find a new cluster
    (hashicorp/terraform, pull request 15066).
    """
    service = operation.service_model.service_name
    if service == "ecs":
        return code == "ClusterNotFoundException" and operation.name in _IN_A_CLUSTER
    return service == "ec2" and code.endswith(".NotFound") and not operation.name.startswith(_DELETIONS)


def _is_repeatable(operation: OperationModel) -> bool:
    if operation.name.startswith(_READS) or operation.name in _RECOGNISED:
        return True
    shape = operation.input_shape
    return shape is not None and any(m.metadata.get("idempotencyToken") for m in shape.members.values())
