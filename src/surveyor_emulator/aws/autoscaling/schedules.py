"""Schedules of scheduled actions: `at(yyyy-mm-ddThh:mm:ss)` once, `rate(value unit)` again and again.

application-autoscaling/PutScheduledActionRequest.Schedule. Cron expressions are not offered.
"""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from surveyor_emulator.core.errors import ServiceError

from .lookup import invalid

__all__ = ["next_run"]

_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\(([1-9]\d{0,5}) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
_ROUNDING = 0.001  # seconds: a run is at its due time, which may be a little before it in floating point


def next_run(schedule: str, time_zone: str, start: float | None, after: float) -> float | None:
    """Return the first moment of a schedule later than `after` (seconds since the epoch); None if there is none.

    `start`: the first run of a rate, at the earliest; without it the first is one period after `after`.
    Raises ServiceError for a schedule that is not valid, or that is not offered.
    """
    if schedule.startswith("cron("):
        raise ServiceError(
            "NotImplemented", "the embedded target has no cron schedules: use at() or rate()", status=501
        )
    try:
        zone = ZoneInfo(time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(f"{time_zone} is not a time zone") from None
    if found := _AT.fullmatch(schedule):
        try:
            at = datetime.fromisoformat(found[1]).replace(tzinfo=zone).timestamp()
        except (ValueError, OverflowError, OSError):
            raise invalid(f"{schedule} is no moment in time") from None
        return at if at > after else None
    if found := _RATE.fullmatch(schedule):
        period = int(found[1]) * _SECONDS[found[2]]
        if start is None:
            return after + period
        return start if after < start else start + ((after - start + _ROUNDING) // period + 1) * period
    raise invalid(f"Invalid schedule expression: {schedule}. Use at(yyyy-mm-ddThh:mm:ss) or rate(value unit)")
