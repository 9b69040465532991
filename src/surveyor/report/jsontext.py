"""Write JSON that every parser accepts, whatever a target put into the evidence: ASCII, and no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

__all__ = ["dumps"]


def dumps(value: object, indent: int | None = None) -> str:
    """Return `value` as JSON; NaN and infinities become texts. Without `indent` there is no white space."""
    separators = (",", ":") if indent is None else None
    try:
        return json.dumps(value, indent=indent, separators=separators, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, separators=separators, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
