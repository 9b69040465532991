"""Alarms of CloudWatch, by their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["read_alarms"]

_BATCH = 100
"""Alarms in one call (cloudwatch/DescribeAlarmsInput.AlarmNames, MaxRecords)."""


def read_alarms(client: Any, names: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Return those that exist, metric alarms and composite alarms."""
    ordered = sorted(names)
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(ordered), _BATCH):
        answer = client.describe_alarms(
            AlarmNames=ordered[start : start + _BATCH], AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=_BATCH
        )
        for alarm in (*(answer.get("MetricAlarms") or ()), *(answer.get("CompositeAlarms") or ())):
            found[str(alarm["AlarmName"])] = alarm
    return found
