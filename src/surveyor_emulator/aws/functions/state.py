"""Lambda functions in one account and region."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Function", "FunctionState"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its code is a zip archive; ``timeout`` in wall seconds, since its process lives in wall time."""

    name: str
    arn: str
    runtime: str
    role: str
    handler: str
    code: bytes
    timeout: int
    environment: dict[str, str]
    created: float


@dataclass(slots=True)
class FunctionState:
    """Functions by name."""

    functions: dict[str, Function] = field(default_factory=dict)
