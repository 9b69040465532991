"""Figures: what a test measures where no document promises anything, told as an interval, never as a point."""

from __future__ import annotations

from typing import Protocol

import pytest

from surveyor.lifetime import Tuning
from surveyor.plugin.options import SETTINGS
from surveyor.targets.running import RunningTarget

__all__ = ["Figure"]


class Figure(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, name: str, low: float, high: float | None = None, unit: str = "s") -> None:
        """`figure(name, low, high, unit)`: the report tells that it was from `low` to `high` (service seconds)."""


@pytest.fixture
def tuning(request: pytest.FixtureRequest) -> Tuning:
    """The TTL, stopTimeout and drain of the task whose life is measured."""
    return request.config.stash[SETTINGS].tuning


@pytest.fixture
def figure(running: RunningTarget) -> Figure:
    """Puts a measurement into the report."""

    def tell(name: str, low: float, high: float | None = None, unit: str = "s") -> None:
        running.evidence.figure(name, low, low if high is None else high, unit)

    return tell
