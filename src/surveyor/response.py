"""Looks into answers: a member that is missing is a wrong answer of the target, not a crash of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveyor.errors import WrongAnswer

__all__ = ["member"]


def member(answer: Mapping[str, Any], *path: str, of: str) -> Any:
    """The value at `path` in the answer of the operation `of`. Raises WrongAnswer where the path ends early."""
    value: Any = answer
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping) or key not in value:
            where = ".".join(path[: depth + 1])
            raise WrongAnswer(f"expected {of} to answer with {where}; came {value!r}", actual=f"{of} without {where}")
        value = value[key]
    return value
