"""What the workers of a watch are sent: the endpoints that the clients of each model call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surveyor.callers import ServiceEndpoints

__all__ = ["LINE", "WorkerPlan"]

LINE = "surveyor-watch"
"""The type of Locust's messages."""


@dataclass(frozen=True)
class WorkerPlan:
    """`endpoints`: by client model; `seed`: of all random choices."""

    endpoints: Mapping[str, ServiceEndpoints]
    seed: int
