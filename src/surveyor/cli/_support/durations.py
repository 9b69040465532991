"""Durations on the command line, such as 90s, 10m or 1h."""

from __future__ import annotations

import re

from surveyor.errors import UsageError
from surveyor.visible_text import one_line

__all__ = ["parse_duration"]

LONGEST = 24 * 3_600.0
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|m|h)?", re.ASCII)
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0}


def parse_duration(text: str, option: str) -> float:
    """Return the seconds of a duration; a number alone is seconds. Raises UsageError, also for more than a day."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"{option}: expected a duration like 90s, 10m or 1h, at most 24h, got {one_line(text)!r}")
    return seconds
