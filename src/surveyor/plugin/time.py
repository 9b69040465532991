"""The clock of the target, and the two ways to look at a condition over time. All figures are service seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest

from surveyor import bounds
from surveyor.clock import Clock, ControlledClock
from surveyor.targets.running import RunningTarget

__all__ = ["Always", "Eventually"]

T = TypeVar("T")


class Eventually(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, condition: Callable[[], T | None], within: float) -> T:
        """`eventually(condition, within=s)`: the condition's first true value, or a failure."""


class Always(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, condition: Callable[[], object], during: float) -> None:
        """`always(condition, during=s)`: fails as soon as the condition is not true."""


@pytest.fixture
def clock(running: RunningTarget) -> Clock:
    """The target's clock: `.wait(s)` and `.now()`."""
    return running.clock


@pytest.fixture
def tolerance(clock: Clock) -> float:
    """Service seconds by which what is documented as "about" so long may come sooner or later."""
    return bounds.TOLERANCE_ADVANCED if isinstance(clock, ControlledClock) else bounds.TOLERANCE_FLOWING


@pytest.fixture
def eventually(clock: Clock) -> Eventually:
    """Waits for a condition."""
    return clock.eventually


@pytest.fixture
def always(clock: Clock) -> Always:
    """Watches that a condition holds."""
    return clock.always
