"""The history of CloudWatch alarms: moto keeps their states, and has neither the operation nor the service's clock.

cloudwatch/DescribeAlarmHistory. An item is a change of state, with the old and the new state as JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

__all__ = ["CHANGES", "describe", "stamp"]

CHANGES = frozenset({"PutCompositeAlarm", "PutMetricAlarm", "SetAlarmState"})
"""Operations after which an alarm may have another state."""

_MAX_RECORDS = 100
"""cloudwatch/DescribeAlarmHistoryInput.MaxRecords."""


def stamp(call: Call, params: Mapping[str, Any]) -> None:
    """Give the state of the alarm of a request the time of the service: moto takes that of the machine."""
    alarm = _alarms(call).get(str(params.get("AlarmName")))
    if alarm is not None:
        alarm.state_updated_timestamp = datetime.fromtimestamp(call.now, UTC).replace(tzinfo=None)


def describe(call: Call, params: Mapping[str, Any]) -> Document:
    """Return the changes of state that a request asks for, a page at a time. Raises ServiceError."""
    alarms, name = _alarms(call), params.get("AlarmName")
    if params.get("HistoryItemType") not in (None, "StateUpdate"):
        return {"AlarmHistoryItems": []}
    kinds = params.get("AlarmTypes") or ["MetricAlarm"]
    chosen = [alarm for alarm in alarms.values() if name in (None, alarm.name) and _kind(alarm) in kinds]
    since, until = (_seconds(params.get(key)) for key in ("StartDate", "EndDate"))
    items = [
        item
        for item in (item for alarm in chosen for item in _changes(alarm))
        if (since is None or item["Timestamp"] >= since) and (until is None or item["Timestamp"] <= until)
    ]
    items.sort(key=lambda item: item["Timestamp"], reverse=params.get("ScanBy") != "TimestampAscending")
    try:
        begin = int(params.get("NextToken") or 0)
    except ValueError:
        raise ServiceError("InvalidNextToken", "The next token specified is invalid.") from None
    end = begin + int(params.get("MaxRecords") or _MAX_RECORDS)
    more = {"NextToken": str(end)} if end < len(items) else {}
    return {"AlarmHistoryItems": items[begin:end], **more}


def _alarms(call: Call) -> Mapping[str, Any]:
    from moto.cloudwatch.models import cloudwatch_backends

    found: Mapping[str, Any] = cloudwatch_backends[call.account][call.region].alarms
    return found


def _kind(alarm: Any) -> str:
    return "CompositeAlarm" if alarm.rule else "MetricAlarm"


def _changes(alarm: Any) -> Iterator[dict[str, Any]]:
    """Yield the changes of an alarm's state, the oldest first."""
    present = (alarm.state_reason, alarm.state_reason_data, alarm.state_value, alarm.state_updated_timestamp)
    states = [*(entry[1:] for entry in alarm.history), present]
    for (old_reason, _, old, _), (reason, _, new, moment) in pairwise(states):
        if old == new:
            continue
        data = {
            "version": "1.0",
            "oldState": {"stateValue": old, "stateReason": old_reason},
            "newState": {"stateValue": new, "stateReason": reason},
        }
        yield {
            "AlarmName": alarm.name,
            "AlarmType": _kind(alarm),
            "Timestamp": moment.replace(tzinfo=UTC).timestamp(),
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {old} to {new}",
            "HistoryData": orjson.dumps(data).decode(),
        }


def _seconds(moment: object) -> float | None:
    if isinstance(moment, datetime):
        return moment.timestamp()
    return float(moment) if isinstance(moment, int | float) else None
