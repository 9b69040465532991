"""The harness's clock: suites wait in service seconds, and this is the only place that may block.

A target with a clock of its own is advanced step by step, and the condition is looked at between the steps; any other
target is polled while its time flows by itself.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol, TypeVar

from surveyor import timeouts
from surveyor.errors import NoAnswer, WrongAnswer

__all__ = ["Clock", "ControlledClock", "Steerable", "WallClock"]

T = TypeVar("T")
_NOTHING = object()


class Steerable(Protocol):
    """A target's clock as its control endpoint offers it."""

    def now(self) -> float:
        """Service seconds since the epoch."""

    def advance(self, seconds: float) -> float:
        """Let everything fall due that the next `seconds` hold; the time afterwards."""


class Clock(ABC):
    """Service time of one target. All figures are service seconds."""

    @abstractmethod
    def now(self) -> float:
        """Service seconds since the epoch."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Return when `seconds` of service time have passed."""

    @abstractmethod
    def _step(self, passed: float, bound: float) -> float:
        """How long to wait before the next look, `passed` seconds into a wait of `bound` seconds."""

    def _settled(self, passed: float) -> bool:
        """Whether nothing can change any more by itself, `passed` seconds after a wait began."""
        return False

    def eventually(self, condition: Callable[[], T | None], within: float) -> T:
        """The first true value of `condition`, or a failure once `within` service seconds have passed.

        An AssertionError inside the condition counts as "not yet"; silence of the target fails at once.
        """
        start = self.now()
        while True:
            looked = self.now() - start
            last: object
            try:
                value = condition()
                if value:
                    return value
                last = value
            except NoAnswer:
                raise  # each look would cost a time-out, and silence is no state on the way to anything
            except AssertionError as not_yet:
                last = not_yet
            passed = self.now() - start
            if looked >= within:
                raise WrongAnswer(
                    f"expected {_name(condition)} within {within:g} service seconds; after {passed:.1f} it still was "
                    f"{_show(last)}",
                    actual=f"not within {within:g} s",
                )
            step = within if self._settled(passed) else self._step(passed, within)
            self.wait(max(0.001, min(step, within - passed)))

    def always(self, condition: Callable[[], object], during: float) -> None:
        """Fail as soon as `condition` is not true during the next `during` service seconds, both ends included."""
        start = self.now()
        while True:
            looked = self.now() - start
            last: object = _NOTHING
            try:
                value = condition()
                if not value:
                    last = value
            except AssertionError as broken:
                last = broken
            if last is not _NOTHING:
                raise WrongAnswer(
                    f"expected {_name(condition)} during {during:g} service seconds; after {looked:.1f} it was "
                    f"{_show(last)}",
                    actual=f"not for {during:g} s",
                )
            if looked >= during:
                return
            passed = self.now() - start
            step = during if self._settled(passed) else timeouts.ALWAYS_STEP
            self.wait(max(0.001, min(step, during - passed)))


class ControlledClock(Clock):
    """The clock of a target that stands still until it is advanced, which nobody does but us: so it is read once."""

    def __init__(self, steering: Steerable) -> None:
        self._steering = steering
        self._now: float | None = None

    def now(self) -> float:  # noqa: D102 (as in Clock)
        if self._now is None:
            self._now = self._steering.now()
        return self._now

    def wait(self, seconds: float) -> None:  # noqa: D102 (as in Clock)
        if seconds > 0:
            self._now = self._steering.advance(seconds)

    def forget(self) -> None:
        """Somebody else has moved it: read it anew."""
        self._now = None

    def _step(self, passed: float, bound: float) -> float:
        # A hundred looks are enough for any bound; under two minutes the steps stay within a second.
        return max(timeouts.FIRST_STEP, min(passed / 2, timeouts.LARGEST_STEP), bound / 120 if passed > 10 else 0.0)


class WallClock(Clock):
    """The clock of a target whose time flows by itself: `scale` service seconds in each wall second.

    `read` tells the target's time, where it has one of its own. `settles`: so many seconds after a call nothing
    changes any more by itself, by the target's own account; what is longer is waited for no longer, and counted.
    """

    def __init__(
        self, scale: float = 1.0, read: Callable[[], float] = time.time, settles: float = float("inf")
    ) -> None:
        self._scale = scale
        self._read = read
        self._settles = settles
        self._skipped = 0.0

    def now(self) -> float:  # noqa: D102 (as in Clock)
        return self._read() + self._skipped

    def wait(self, seconds: float) -> None:  # noqa: D102 (as in Clock)
        # An Event that nobody sets: waits like a sleep, but a signal handler's exception ends it at once.
        if seconds > 0:
            real = min(seconds, self._settles)
            threading.Event().wait(real / self._scale)
            self._skipped += seconds - real

    def _step(self, passed: float, bound: float) -> float:
        return min(timeouts.WALL_STEP * self._scale, max(0.02 * self._scale, passed / 4))

    def _settled(self, passed: float) -> bool:
        return passed >= self._settles


def _name(condition: Callable[..., object]) -> str:
    name = getattr(condition, "__name__", "the condition")
    return "the condition" if name == "<lambda>" else name.replace("_", " ")


def _show(value: object) -> str:
    if isinstance(value, AssertionError):
        return str(value).split("\n", 1)[0] or "failing its assertion"
    text = repr(value)
    return text if len(text) <= 300 else text[:297] + "..."
