"""Write JSON that every parser accepts, whatever a target put into the evidence: ASCII, and no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import msgspec

__all__ = ["dumps"]


def dumps(value: object, indent: int | None = None) -> str:
    """Return `value` as JSON; NaN and infinities become texts. Without `indent` there is no white space."""
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False)
    if indent is None:
        return text
    try:
        return msgspec.json.format(text, indent=indent)  # json takes ten times as long
    except msgspec.DecodeError:  # half of a surrogate pair
        return json.dumps(json.loads(text), indent=indent)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
