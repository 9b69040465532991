"""Asynchronous operations: SUBMITTED, then PENDING, then SUCCESS or FAIL, each at its service second."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Delay
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from . import filters
from .find import state
from .paging import page
from .state import CloudMapState, Operation

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import GetOperationRequestTypeDef, ListOperationsRequestTypeDef

__all__ = ["get_operation", "list_operations", "refuse_if_running", "start", "when_over"]

KEPT = 20_000
_ID = "abcdefghijklmnopqrstuvwxyz234567"
# Operation.ErrorCode lists seven codes; what Route 53 says is told in them.
_CODES = {
    "InvalidVPCId": "CANNOT_CREATE_HOSTED_ZONE",
    "ConflictingDomainExists": "CANNOT_CREATE_HOSTED_ZONE",
    "TooManyHostedZones": "CANNOT_CREATE_HOSTED_ZONE",
    "HostedZoneAlreadyExists": "CANNOT_CREATE_HOSTED_ZONE",
    "InvalidDomainName": "CANNOT_CREATE_HOSTED_ZONE",
    "NoSuchHostedZone": "HOSTED_ZONE_NOT_FOUND",
    "InvalidChangeBatch": "INVALID_CHANGE_BATCH",
    "AccessDenied": "ACCESS_DENIED",
    "Throttling": "THROTTLED_REQUEST",
}

log = logging.getLogger(__name__)


def refuse_if_running(call: Call, *subject: str) -> None:
    """DuplicateRequest, with the id of the operation that is already at work on the same thing."""
    running = state(call).running.get(subject)
    if running is not None:
        raise ServiceError(
            "DuplicateRequest", f"operation {running.id} is in progress", DuplicateOperationId=running.id
        )


def start(
    call: Call,
    kind: str,
    subject: tuple[str, ...],
    targets: dict[str, str],
    work: Callable[[], object],
    *,
    run: Delay | None = None,
    undo: Callable[[], object] | None = None,
    beside: Mapping[str, str] | None = None,
) -> Document:
    """Submit an operation that does ``work`` later; ``undo`` runs when that fails with a ServiceError.

    ``beside`` are actions, and their resources, that the caller must be allowed for it (AWS Cloud Map Developer Guide,
    How AWS Cloud Map works with IAM: forward access sessions). Raises DuplicateRequest when another one is at work on
    the same subject.
    """
    refuse_if_running(call, *subject)
    registry = state(call)
    # Who called has the operation: the owner of a shared namespace does not see those of others.
    theirs = call.world.regional(CloudMapState, call.creator, call.region)
    now = call.now
    settings = call.world.settings
    operation = Operation(
        next(theirs.numbers),
        f"{call.world.new_id(32, _ID)}-{call.world.new_id(8)}",
        kind,
        targets,
        subject,
        created=now,
        updated=now,
    )
    theirs.operations[operation.id] = operation
    registry.running[subject] = operation
    _forget_old(theirs)

    def begin() -> None:
        operation.status, operation.updated = "PENDING", call.now
        call.world.later(run or settings.operation_run, finish)

    def finish() -> None:
        try:
            _forward(call, beside or {})
            work()
        except ServiceError as error:
            operation.status, operation.error = "FAIL", (_CODES.get(error.code, "INTERNAL_FAILURE"), error.message)
            if undo is not None:
                undo()
        except Exception:
            log.exception("operation %s failed", operation.id)
            operation.status, operation.error = "FAIL", ("INTERNAL_FAILURE", "the embedded target failed; see its log")
            if undo is not None:
                undo()
        else:
            operation.status = "SUCCESS"
        operation.updated = call.now
        del registry.running[subject]
        for heard in operation.waiting:
            heard(operation)
        call.note(f"operation.{operation.status.lower()}", operation.id, kind)

    call.world.later(settings.operation_start, begin)
    return {"OperationId": operation.id}


def _forward(call: Call, actions: Mapping[str, str]) -> None:
    if call.caller is None:
        return
    from surveyor_emulator.aws.iam.authorise import forwarded

    for action, resource in actions.items():
        why = forwarded(call, call.caller, action, resource)
        if why is not None:
            raise ServiceError("AccessDenied", why)


def when_over(call: Call, identity: str, heard: Callable[[str | None], object]) -> None:
    """Call ``heard`` when an operation has ended: with None after success, else with why it failed."""
    operation = state(call).operations[identity]

    def tell(over: Operation) -> None:
        heard(None if over.error is None else f"{over.error[0]}: {over.error[1]}")

    if operation.status in ("SUCCESS", "FAIL"):
        tell(operation)
    else:
        operation.waiting.append(tell)


def get_operation(call: Call, request: GetOperationRequestTypeDef) -> Document:
    """One operation as it stands now."""
    operation = state(call).operations.get(request["OperationId"])
    if operation is None:
        raise ServiceError("OperationNotFound", f"there is no operation {request['OperationId']}")
    document: dict[str, object] = {
        "Id": operation.id,
        "OwnerAccount": call.account,
        "Type": operation.type,
        "Status": operation.status,
        "CreateDate": operation.created,
        "UpdateDate": operation.updated,
        "Targets": operation.targets,
    }
    if operation.error is not None:
        document["ErrorCode"], document["ErrorMessage"] = operation.error
    return {"Operation": document}


def list_operations(call: Call, request: ListOperationsRequestTypeDef) -> Document:
    """Summaries, a page at a time; filters apply to what the page holds."""
    wanted = filters.operations(call, request.get("Filters") or [])
    operations, token = page(list(state(call).operations.values()), request.get("NextToken"), request.get("MaxResults"))
    answer: dict[str, object] = {
        "Operations": [{"Id": one.id, "Status": one.status} for one in operations if wanted(one)]
    }
    return {**answer, "NextToken": token} if token else answer


def _forget_old(registry: CloudMapState) -> None:
    """How long operations stay is not documented; here until there are too many newer ones."""
    if len(registry.operations) <= KEPT:
        return
    for identity, operation in list(registry.operations.items())[: KEPT // 10]:
        if operation.status in ("SUCCESS", "FAIL"):
            del registry.operations[identity]
    registry.tokens = {key: made for key, made in registry.tokens.items() if made in registry.operations}
