"""Asynchronous operations: SUBMITTED, then PENDING, then SUCCESS or FAIL, each at a defined service second."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Delay
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import filters
from .lookup import cloudmap_state
from .paging import page
from .state import CloudMapState, Operation

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import GetOperationRequestTypeDef, ListOperationsRequestTypeDef

__all__ = [
    "get_operation",
    "list_operations",
    "progress_message",
    "refuse_if_running",
    "start",
    "stop_listing",
    "when_finished",
]

MAX_OPERATIONS = 20_000
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"
# Operation.ErrorCode lists seven codes; errors of Route 53 are mapped to them.
_CODES = {"AccessDenied": "ACCESS_DENIED", "InvalidChangeBatch": "INVALID_CHANGE_BATCH"}
_OWN_ERRORS = {"ResourceInUse"}
"""Errors of Cloud Map itself with which an operation can end."""
_CODES_OF_TYPES = {"CREATE_NAMESPACE": "CANNOT_CREATE_HOSTED_ZONE"}

log = logging.getLogger(__name__)


def refuse_if_running(call: Call, *subject: str) -> None:
    """Raise DuplicateRequest, with the id of the operation, if one is in progress on the same subject."""
    running = cloudmap_state(call).running.get(subject)
    if running is not None:
        message = progress_message(running.request, running.id, "is in progress")
        raise ServiceError("DuplicateRequest", message, DuplicateOperationId=running.id)


def progress_message(request: str, identity: str, state: str) -> str:
    """Return AWS's words about an operation that stands in the way of another: tools match them."""
    return f"Another operation of type {request} and id {identity} {state}"


def start(
    call: Call,
    kind: str,
    subject: tuple[str, ...],
    targets: dict[str, str],
    work: Callable[[], object],
    *,
    request: str | None = None,
    run: Delay | None = None,
    dependent_actions: Mapping[str, str] | None = None,
) -> Document:
    """Submit an operation that does ``work`` later.

    ``request`` is the request that asked for it, by default the one whose name is like ``kind``.
    ``dependent_actions`` maps further actions that the caller must be allowed to their resources (AWS Cloud Map
    Developer Guide, How AWS Cloud Map works with IAM: forward access sessions). Raise DuplicateRequest if an operation
    on the same subject is in progress.
    """
    refuse_if_running(call, *subject)
    registry = cloudmap_state(call)
    # The operation belongs to the caller: the owner of a shared namespace does not see operations of others.
    caller_registry = call.world.regional(CloudMapState, call.creator, call.region)
    now = call.now
    settings = call.world.settings
    operation = Operation(
        next(caller_registry.numbers),
        f"{call.world.new_id(32, _ID_CHARACTERS)}-{call.world.new_id(8)}",
        kind,
        targets,
        subject,
        call.account,
        request or kind.title().replace("_", ""),
        created=now,
        updated=now,
    )
    caller_registry.operations[operation.id] = operation
    registry.running[subject] = operation
    _forget_old(caller_registry)

    def begin() -> None:
        operation.status, operation.updated = "PENDING", call.now
        call.world.later(run or settings.operation_run, finish)

    def finish() -> None:
        try:
            _require_allowed(call, dependent_actions or {})
            work()
        except Exception as error:  # noqa: BLE001  # whatever is raised becomes the error of the operation
            operation.status, operation.error = "FAIL", _describe_failure(call, operation, error)
        else:
            operation.status = "SUCCESS"
        operation.updated = call.now
        del registry.running[subject]
        for listener in operation.listeners:
            listener(operation)
        call.note(f"operation.{operation.status.lower()}", operation.id, kind)

    call.world.later(settings.operation_start, begin)
    return {"OperationId": operation.id}


def _describe_failure(call: Call, operation: Operation, error: Exception) -> tuple[str, str]:
    if isinstance(error, ServiceError):
        code = _CODES.get(error.code) or _CODES_OF_TYPES.get(operation.type, "INTERNAL_FAILURE")
        return code, error.message if error.code in _OWN_ERRORS else _forward(call, error)
    log.error("operation %s failed", operation.id, exc_info=error)
    return "INTERNAL_FAILURE", "the embedded target failed; see its log"


def _forward(call: Call, error: ServiceError) -> str:
    """Return the message of an error of Route 53 or EC2, which Cloud Map forwards in the words of the SDK for Java."""
    status = error.status or (404 if error.code.startswith("NoSuch") else 400)
    service = "AmazonEC2" if "to perform: ec2:" in error.message else "AmazonRoute53"
    request_id = uuid.UUID(int=call.world.request_random.getrandbits(128))
    details = f"Service: {service}; Status Code: {status}; Error Code: {error.code}; Request ID: {request_id}"
    return f"{error.message} ({details}; Proxy: null)"


def _require_allowed(call: Call, actions: Mapping[str, str]) -> None:
    if call.caller is None:
        return
    from surveyor_emulator.aws.iam.authorise import reason_for_denial  # late: only users and roles need the engine

    for action, resource in actions.items():
        reason = reason_for_denial(call, action, resource)
        if reason is not None:
            raise ServiceError("AccessDenied", reason, status=403)


def when_finished(call: Call, identity: str, callback: Callable[[str | None], object]) -> None:
    """Call ``callback`` when an operation in progress ends: with None after success, else with why it failed."""
    operation = cloudmap_state(call).operations[identity]

    def report(finished: Operation) -> None:
        callback(None if finished.error is None else f"{finished.error[0]}: {finished.error[1]}")

    operation.listeners.append(report)


def get_operation(call: Call, request: GetOperationRequestTypeDef) -> Document:
    """Return one operation of the caller; one in a namespace that is shared with the caller needs OwnerAccount."""
    operation = cloudmap_state(call).operations.get(request["OperationId"])
    if operation is None or operation.owner != (request.get("OwnerAccount") or call.account):
        raise ServiceError("OperationNotFound", f"there is no operation {request['OperationId']}")
    document: dict[str, object] = {
        "Id": operation.id,
        "Type": operation.type,
        "Status": operation.status,
        "CreateDate": round(operation.created, 3),
        "UpdateDate": round(operation.updated, 3),
        "Targets": operation.targets,
    }
    if "OwnerAccount" in request:  # AWS was seen to leave it out otherwise
        document["OwnerAccount"] = operation.owner
    if operation.error is not None:
        document["ErrorCode"], document["ErrorMessage"] = operation.error
    return {"Operation": document}


def list_operations(call: Call, request: ListOperationsRequestTypeDef) -> Document:
    """Return a page of summaries; filters apply within a page."""
    matches = filters.operation_filter(call, request.get("Filters") or [])
    operations, token = page(
        [operation for operation in cloudmap_state(call).operations.values() if operation.listed],
        request.get("NextToken"),
        request.get("MaxResults"),
    )
    answer: dict[str, object] = {
        "Operations": [
            {"Id": operation.id, "Status": operation.status} for operation in operations if matches(operation)
        ]
    }
    return {**answer, "NextToken": token} if token else answer


def stop_listing(call: Call, namespace_id: str) -> None:
    """Leave the operations of a deleted namespace out of ListOperations; GetOperation still finds them."""
    for operation in cloudmap_state(call).operations.values():
        if operation.targets.get("NAMESPACE") == namespace_id:
            operation.listed = False


def _forget_old(registry: CloudMapState) -> None:
    """Forget the oldest operations beyond the maximum; how long AWS keeps operations is not documented."""
    if len(registry.operations) <= MAX_OPERATIONS:
        return
    for identity, operation in list(registry.operations.items())[: MAX_OPERATIONS // 10]:
        if operation.status in ("SUCCESS", "FAIL"):
            del registry.operations[identity]
    registry.tokens = {key: identity for key, identity in registry.tokens.items() if identity in registry.operations}
