"""Error messages and parts of them: the nearest known name, and lists of alternatives."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["UNTRUSTED", "either", "nearest"]

UNTRUSTED = "the self-check of the instrument failed, so nothing was measured: is the machine busy?"
"""Why `surveyor load` measured nothing, as `surveyor survey` recognizes it."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" for an unknown name, or "" if no known name is similar."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def either(words: Iterable[str]) -> str:
    """Return the words as "a", "a or b", or "a, b or c"; there must be at least one."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
