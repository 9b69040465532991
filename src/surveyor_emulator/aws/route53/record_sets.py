"""ChangeResourceRecordSets and ListResourceRecordSets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import names
from .changes import change_info, submit
from .paging import page_size
from .published import published
from .record_input import ChangeInput, read_record, record_shape
from .record_rules import check_aliases, check_name, check_record
from .records import RecordTable, order
from .shapes import require_unlinked
from .state import HostedZone, RecordKey, RecordSet, Route53State
from .zones import find_zone

__all__ = ["change_resource_record_sets", "list_resource_record_sets"]

# Of one request; what UPSERT carries counts twice (Route 53 Developer Guide, "Quotas").
ELEMENTS_LIMIT = 1_000
CHARACTERS_LIMIT = 32_000
PAGE = 300


@dataclass(frozen=True, slots=True)
class _Edit:
    """One change of a batch."""

    action: str
    record: RecordSet


def change_resource_record_sets(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """ChangeResourceRecordSets: all changes of the batch, or none."""
    state = call.world.in_account(Route53State, call.account)
    zone = find_zone(state, str(request["HostedZoneId"]))
    require_unlinked(f"hostedzone/{zone.id}", zone.owner)
    batch = cast(Mapping[str, object], request["ChangeBatch"])
    changes = cast(Sequence[ChangeInput], batch["Changes"])
    edits = [_Edit(change["Action"], read_record(change)) for change in changes]
    _require_health_checks(state, edits)
    _refuse(_check_size(edits))
    _refuse(_check_edits(zone, state.records[zone.id], edits))
    after = _apply(state.records[zone.id], edits)
    _refuse(_check_result(call, state, zone, after, edits))
    keys = dict.fromkeys(edit.record.key for edit in edits)
    upserts = [record for key in keys if (record := after.get(key)) is not None]
    deletes = [key for key in keys if after.get(key) is None]
    state.records[zone.id] = after

    def publish() -> None:
        published(call.world).change(zone.id, upserts, deletes)

    comment = batch.get("Comment")
    change = submit(call.world, call.account, zone.id, publish, comment=str(comment) if comment else None)
    return {"ChangeInfo": change_info(state, change)}


def list_resource_record_sets(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """ListResourceRecordSets: by name with its labels reversed, type, set identifier."""
    state = call.world.in_account(Route53State, call.account)
    zone = find_zone(state, str(request["HostedZoneId"]))
    size = page_size(request, PAGE)
    rows = state.records[zone.id].listed()
    begin = bisect_left(rows, _start(request), key=order)
    page = rows[begin : begin + size]
    more = len(rows) > begin + size
    answer: dict[str, object] = {
        "ResourceRecordSets": [record_shape(record) for record in page],
        "IsTruncated": more,
        "MaxItems": str(size),
    }
    if more:
        following = rows[begin + size]
        answer |= {"NextRecordName": following.name, "NextRecordType": following.type}
        if following.set_identifier is not None:
            answer["NextRecordIdentifier"] = following.set_identifier
    return answer


def _start(request: Mapping[str, object]) -> tuple[str, str, str]:
    name, kind = request.get("StartRecordName"), request.get("StartRecordType")
    identifier = request.get("StartRecordIdentifier")
    if kind is not None and name is None:
        raise ServiceError("InvalidInput", "StartRecordType needs StartRecordName")
    if identifier is not None and (name is None or kind is None):
        raise ServiceError("InvalidInput", "StartRecordIdentifier needs StartRecordName and StartRecordType")
    if name is None:
        return ("", "", "")
    try:
        key = names.sort_key(names.canonical(str(name)))
    except ValueError as problem:
        raise ServiceError("InvalidInput", str(problem)) from None
    return (key, str(kind or ""), str(identifier or ""))


def _require_health_checks(state: Route53State, edits: Iterable[_Edit]) -> None:
    for edit in edits:
        check_id = edit.record.health_check_id
        if edit.action != "DELETE" and check_id is not None and check_id not in state.health_checks:
            raise ServiceError("NoSuchHealthCheck", f"no health check has the id {check_id}")


def _check_size(edits: Sequence[_Edit]) -> list[str]:
    elements = characters = 0
    for edit in edits:
        times = 2 if edit.action == "UPSERT" else 1
        elements += times * max(1, len(edit.record.values))
        characters += times * sum(map(len, edit.record.values))
    found = []
    if elements > ELEMENTS_LIMIT:
        found.append(f"Number of records limit of {ELEMENTS_LIMIT} exceeded")
    if characters > CHARACTERS_LIMIT:
        found.append(f"Number of characters limit of {CHARACTERS_LIMIT} exceeded")
    return found


def _check_edits(zone: HostedZone, table: RecordTable, edits: Sequence[_Edit]) -> list[str]:
    """What is wrong with the changes one by one, and with two of them for one record set."""
    found = []
    done: dict[RecordKey, str] = {}
    for edit in edits:
        key, present = edit.record.key, table.get(edit.record.key)
        what = f"resource record set [name='{key.name}', type='{key.type}'"
        what += f", set identifier='{key.set_identifier}']" if key.set_identifier is not None else "]"
        before = done.get(key)
        done[key] = edit.action
        if before is not None and (before != "DELETE" or edit.action == "DELETE"):
            found.append(f"The request contains an invalid set of changes for a {what}")
        elif edit.action == "CREATE" and present is not None and before is None:
            found.append(f"Tried to create {what} but it already exists")
        elif edit.action == "DELETE" and present is None:
            found.append(f"Tried to delete {what} but it was not found")
        elif edit.action == "DELETE" and present is not None and not _is_same(present, edit.record):
            found.append(f"Tried to delete {what} but the values provided do not match the current values")
        elif edit.action != "DELETE":
            found += check_record(zone, edit.record)
    return found


def _check_result(
    call: Call, state: Route53State, zone: HostedZone, after: RecordTable, edits: Sequence[_Edit]
) -> list[str]:
    found = []
    for name in dict.fromkeys(edit.record.name for edit in edits):
        found += check_name(zone, name, list(after.at(name).values()))
    written = [edit.record for edit in edits if edit.action != "DELETE"]
    found += check_aliases(zone, written, after, set(state.zones))
    limit = call.world.settings.quotas.records_per_zone
    if len(after) > limit and len(after) > len(state.records[zone.id]):
        found.append(f"Number of records limit of {limit} exceeded")
    return found


def _apply(table: RecordTable, edits: Sequence[_Edit]) -> RecordTable:
    after = table.copy()
    for edit in edits:
        if edit.action == "DELETE":
            after.remove(edit.record.key)
        else:
            after.put(edit.record)
    return after


def _is_same(present: RecordSet, given: RecordSet) -> bool:
    """Whether all that was given is as it is; the order of values does not matter."""
    return replace(present, values=tuple(sorted(present.values)), healthy=True) == replace(
        given, values=tuple(sorted(given.values))
    )


def _refuse(complaints: Sequence[str]) -> None:
    if complaints:
        raise ServiceError("InvalidChangeBatch", f"[{', '.join(complaints)}]")
