"""Access to members of responses: a missing member is a wrong answer of the target, not a defect of Surveyor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.errors import WrongAnswer

__all__ = ["member"]


def member(answer: Mapping[str, Any], *path: str, of: str) -> Any:
    """Return the value at `path` in the response of the operation `of`. Raises WrongAnswer if a member is missing."""
    value: Any = answer
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping) or key not in value:
            where = ".".join(path[: depth + 1])
            raise WrongAnswer(f"expected {of} to answer with {where}; got {value!r}", actual=f"{of} without {where}")
        value = value[key]
    return value
