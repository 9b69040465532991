"""Words for error messages: what was probably meant, and what could stand there instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["either", "nearest"]


def nearest(wanted: str, known: Iterable[str]) -> str:
    """How a message about an unknown name ends: with "; did you mean …?", or with nothing if no known one is near."""
    near = difflib.get_close_matches(wanted, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def either(words: Iterable[str]) -> str:
    """All of them: "a", "a or b", "a, b or c"; there must be one."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
