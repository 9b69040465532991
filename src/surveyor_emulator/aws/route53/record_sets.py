"""ChangeResourceRecordSets and ListResourceRecordSets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import names
from .changes import change_info, submit_change
from .paging import page_size
from .published_zones import published_zones
from .record_input import ChangeInput, read_record, record_shape
from .record_model import RecordKey, RecordSet
from .record_rules import check_aliases, check_name, check_record
from .record_table import RecordTable, listing_order
from .shapes import require_unlinked
from .state import HostedZone, Route53State
from .zones import find_zone

__all__ = ["change_resource_record_sets", "list_resource_record_sets"]

# Limits on one request; elements of UPSERT count twice (Route 53 Developer Guide, "Quotas").
ELEMENTS_LIMIT = 1_000
CHARACTERS_LIMIT = 32_000
PAGE = 300


@dataclass(frozen=True, slots=True)
class _Edit:
    """One change of a batch."""

    action: str
    record: RecordSet


def change_resource_record_sets(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ChangeResourceRecordSets: apply all changes of the batch, or none."""
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
        published_zones(call.world).change(zone.id, upserts, deletes)

    comment = batch.get("Comment")
    change = submit_change(call.world, call.account, zone.id, publish, comment=str(comment) if comment else None)
    return {"ChangeInfo": change_info(state, change)}


def list_resource_record_sets(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle ListResourceRecordSets: ordered by name with its labels reversed, type, set identifier."""
    state = call.world.in_account(Route53State, call.account)
    zone = find_zone(state, str(request["HostedZoneId"]))
    size = page_size(request, PAGE)
    records = state.records[zone.id].sorted_records()
    begin = bisect_left(records, _start(request), key=listing_order)
    page = records[begin : begin + size]
    more = len(records) > begin + size
    answer: dict[str, object] = {
        "ResourceRecordSets": [record_shape(record) for record in page],
        "IsTruncated": more,
        "MaxItems": str(size),
    }
    if more:
        following = records[begin + size]
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
    except ValueError as error:
        raise ServiceError("InvalidInput", str(error)) from None
    return (key, str(kind or ""), str(identifier or ""))


def _require_health_checks(state: Route53State, edits: Iterable[_Edit]) -> None:
    for edit in edits:
        check_id = edit.record.health_check_id
        if edit.action != "DELETE" and check_id is not None and check_id not in state.health_checks:
            raise ServiceError("NoSuchHealthCheck", f"A health check with id {check_id} does not exist.")


def _check_size(edits: Sequence[_Edit]) -> list[str]:
    elements = characters = 0
    for edit in edits:
        times = 2 if edit.action == "UPSERT" else 1
        elements += times * max(1, len(edit.record.values))
        characters += times * sum(map(len, edit.record.values))
    complaints = []
    if elements > ELEMENTS_LIMIT:
        complaints.append(f"Number of records limit of {ELEMENTS_LIMIT} exceeded")
    if characters > CHARACTERS_LIMIT:
        complaints.append(f"Number of characters limit of {CHARACTERS_LIMIT} exceeded")
    return complaints


def _check_edits(zone: HostedZone, table: RecordTable, edits: Sequence[_Edit]) -> list[str]:
    """Return the rules that single changes break, or two changes of the same record set."""
    complaints = []
    done: dict[RecordKey, str] = {}
    for edit in edits:
        key, existing = edit.record.key, table.get(edit.record.key)
        subject = f"resource record set [name='{key.name}', type='{key.type}'"
        subject += f", set identifier='{key.set_identifier}']" if key.set_identifier is not None else "]"
        before = done.get(key)
        done[key] = edit.action
        if before is not None and (before != "DELETE" or edit.action == "DELETE"):
            complaints.append(f"The request contains an invalid set of changes for a {subject}")
        elif edit.action == "CREATE" and existing is not None and before is None:
            complaints.append(f"Tried to create {subject} but it already exists")
        elif edit.action == "DELETE" and existing is None:
            complaints.append(f"Tried to delete {subject} but it was not found")
        elif edit.action == "DELETE" and existing is not None and not _is_same(existing, edit.record):
            complaints.append(f"Tried to delete {subject} but the values provided do not match the current values")
        elif edit.action != "DELETE":
            complaints += check_record(zone, edit.record)
    return complaints


def _check_result(
    call: Call, state: Route53State, zone: HostedZone, after: RecordTable, edits: Sequence[_Edit]
) -> list[str]:
    complaints = []
    for name in dict.fromkeys(edit.record.name for edit in edits):
        complaints += check_name(zone, name, list(after.at(name).values()))
    written = [edit.record for edit in edits if edit.action != "DELETE"]
    complaints += check_aliases(zone, written, after, set(state.zones))
    limit = call.world.settings.quotas.records_per_zone
    if len(after) > limit and len(after) > len(state.records[zone.id]):
        complaints.append(f"Number of records limit of {limit} exceeded")
    return complaints


def _apply(table: RecordTable, edits: Sequence[_Edit]) -> RecordTable:
    after = table.copy()
    for edit in edits:
        if edit.action == "DELETE":
            after.remove(edit.record.key)
        else:
            after.put(edit.record)
    return after


def _is_same(existing: RecordSet, requested: RecordSet) -> bool:
    """Whether a requested record set equals the existing one; the order of values does not matter."""
    return replace(existing, values=tuple(sorted(existing.values)), healthy=True) == replace(
        requested, values=tuple(sorted(requested.values))
    )


def _refuse(complaints: Sequence[str]) -> None:
    if complaints:
        raise ServiceError("InvalidChangeBatch", f"[{', '.join(complaints)}]")
