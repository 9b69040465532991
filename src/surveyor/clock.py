"""The clock of the harness: suites wait in service seconds, and only this module blocks.

A target with a controllable clock is advanced step by step, and conditions are checked between the steps. Any other
target is polled while its time passes.
"""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.errors import Inconclusive, NoAnswer, NotYet, WrongAnswer
from surveyor.polling import Polling

__all__ = ["Clock", "ControlledClock", "ServiceClock", "SettableClock", "WallClock"]

T = TypeVar("T")
_UNSET = object()
_SHORTEST_WAIT = 0.001  # service seconds

_MISSING = (LookupError, StopIteration, ValueError, ClientError)
"""What a condition raises when an entry is missing: by key, in `[task] = tasks`, `next` or `max`, or as refused."""

_OF_EMPTY_LISTS = re.compile(r"values to unpack|is an empty sequence|argument is empty")
"""Texts of ValueError."""


class SettableClock(Protocol):
    """The clock of a target, as its control endpoint offers it."""

    def now(self) -> float:
        """Return the service time in seconds since the epoch."""

    def advance(self, seconds: float) -> float:
        """Let everything happen that is due within the next `seconds`, and return the new time."""


class Clock(ABC):
    """Service time of one target. All figures are service seconds.

    `polling`: how often an account of AWS is asked; None for a target that may be asked often. `is_exact`: what is
    waited for is seen when it happens.
    """

    polling: Polling | None = None
    is_exact = False

    @abstractmethod
    def now(self) -> float:
        """Return the service time in seconds since the epoch."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Return when `seconds` of service time have passed."""

    @abstractmethod
    def _step(self, passed: float, bound: float, poll_every: float | None, *, coarse: bool) -> float:
        """Return how long to wait until the next poll, `passed` seconds into a wait of `bound` seconds."""

    def _settled(self, passed: float) -> bool:
        """Return whether nothing can change any more by itself, `passed` seconds after a wait began."""
        return False

    def eventually(
        self,
        condition: Callable[[], T | None],
        within: float,
        *,
        poll_every: float | None = None,
        first: float = 0.0,
        coarse: bool = False,
    ) -> T:
        """Return the first true value of `condition`. Raises WrongAnswer once `within` service seconds have passed.

        An AssertionError inside the condition counts as "not yet", and so does a missing entry, member or resource:
        reads may lag writes. If it is still missing at the end, that error is raised. A target that does not answer
        fails at once.
        `poll_every` is the time between two polls on an advanced clock, in service seconds; by default the polls are
        close together at first. `coarse`: the exact time does not matter, so that a step may be an eighth of the time
        that has passed; in waits with a bound of over two minutes it may be as well. An account of AWS is polled as
        `polling` says, half as often if `coarse`. Both are not polled before `first` service seconds, where nothing can
        be seen yet. Raises NotYet where no document gives the bound.
        """
        start, polls = self.now(), 0
        is_bound_documented = not isinstance(within, timeouts.Undocumented)
        if self.polling and isinstance(within, timeouts.Undocumented):
            within = within.in_account
        if first > 0 and (self.polling or self.is_exact):
            self.wait(first if self.polling else max(first, poll_every or 0.0))
        while True:
            polled = self.now() - start
            last: object
            if self.polling:
                self.polling.begin()
            try:
                value = condition()
                if value:
                    return value
                last = value
            except NoAnswer:
                raise  # each poll would cost a time-out, and a missing answer does not turn into another one
            except AssertionError as error:
                last = error
            except _MISSING as error:
                if not _is_missing(error):
                    raise
                last = error
            passed = self.now() - start
            if polled >= within:
                if isinstance(last, _MISSING) and (is_bound_documented or not self.polling):
                    raise last
                too_late = WrongAnswer if is_bound_documented else NotYet
                raise too_late(
                    f"expected {_name(condition)} within {within:g} service seconds; after {passed:.1f} it was still "
                    f"{_show(last)}",
                    actual=f"not as documented within {within:g} s",
                    cause=last.cause if isinstance(last, WrongAnswer) else "",
                )
            polls += 1
            step = (
                self.polling.step(polls, coarse=coarse)
                if self.polling
                else self._step(passed, within, poll_every, coarse=coarse)
            )
            step = within if self._settled(passed) else step
            self.wait(max(_SHORTEST_WAIT, min(step, within - passed)))

    def always(self, condition: Callable[[], object], during: float) -> None:
        """Raise WrongAnswer if `condition` is not true throughout the next `during` service seconds, ends included.

        Between two polls pass half a second, or more where that would be over 120 polls; an account is polled as
        `polling` says. A poll that ends after that time may have seen a later state. Raises Inconclusive if none ended
        in its second half: then this machine did not keep up with the clock.
        """
        start, polls, seen = self.now(), 0, 0.0
        while True:
            polled = self.now() - start
            last: object = _UNSET
            if self.polling:
                self.polling.begin()
            try:
                value = condition()
                if not value:
                    last = value
            except AssertionError as error:
                last = error
            ended = self.now() - start
            if last is not _UNSET and ended > during + _SHORTEST_WAIT:
                if seen >= during / 2:
                    return
                raise Inconclusive(
                    f"{_name(condition)} was seen for {seen:.1f} of {during:g} service seconds; the next poll ended "
                    f"after {ended:.1f}; run it again with fewer workers"
                )
            if last is not _UNSET:
                raise WrongAnswer(
                    f"expected {_name(condition)} during {during:g} service seconds; after {polled:.1f} it was "
                    f"{_show(last)}",
                    actual=f"not as documented for {during:g} s",
                    cause=last.cause if isinstance(last, WrongAnswer) else "",
                )
            if polled >= during:
                return
            passed, seen = self.now() - start, polled
            polls += 1
            step = self.polling.step(polls) if self.polling else max(timeouts.ALWAYS_STEP, during / 120)
            step = during if self._settled(passed) else step
            self.wait(max(_SHORTEST_WAIT, min(step, during - passed)))


class ControlledClock(Clock):
    """The clock of a target that stands still until this process advances it, and so is read only once."""

    def __init__(self, settable: SettableClock, polling: Polling | None = None) -> None:
        self._settable = settable
        self._now: float | None = None
        self.polling = polling
        self.is_exact = polling is None

    def now(self) -> float:  # noqa: D102 (as in Clock)
        if self._now is None:
            self._now = self._settable.now()
        return self._now

    def wait(self, seconds: float) -> None:  # noqa: D102 (as in Clock)
        if seconds > 0:
            self._now = self._settable.advance(seconds)

    def forget(self) -> None:
        """Read the time anew: another process has advanced the clock."""
        self._now = None

    def _step(self, passed: float, bound: float, poll_every: float | None, *, coarse: bool) -> float:
        # Short at first, so that quick effects are seen when they happen; each step is a round trip.
        step = max(timeouts.FIRST_STEP, min(passed / 2, timeouts.LARGEST_STEP)) if poll_every is None else poll_every
        is_precise = not coarse and (poll_every is not None or bound <= timeouts.PRECISE_BOUND)
        return step if is_precise else max(step, passed / 8)


class WallClock(Clock):
    """The clock of a target whose time flows by itself: `scale` service seconds per wall second.

    `read` returns the time of the target, if it has a clock. `settles`: the target declares that nothing changes by
    itself later than this many seconds after a call. Longer waits are cut to it, and the rest is added to `now`.
    """

    def __init__(
        self,
        scale: float = 1.0,
        read: Callable[[], float] = time.time,
        settles: float = float("inf"),
        polling: Polling | None = None,
    ) -> None:
        self.polling = polling
        self._scale = scale
        self._read = read
        self._settles = settles
        self._skipped = 0.0

    def now(self) -> float:  # noqa: D102 (as in Clock)
        return self._read() + self._skipped

    def wait(self, seconds: float) -> None:  # noqa: D102 (as in Clock)
        # An Event that is never set: waits like a sleep, but an exception in a signal handler ends it at once.
        if seconds > 0:
            real = min(seconds, self._settles)
            threading.Event().wait(real / self._scale)
            self._skipped += seconds - real

    def _step(self, passed: float, bound: float, poll_every: float | None, *, coarse: bool) -> float:
        return min(timeouts.WALL_STEP * self._scale, max(0.02 * self._scale, passed / 4))

    def _settled(self, passed: float) -> bool:
        return passed >= self._settles


@dataclass(frozen=True)
class ServiceClock:
    """Service time for many threads: it flows at `scale` service seconds per wall second, and a wait can be stopped."""

    scale: float
    clock: WallClock

    def now(self) -> float:
        """Return service seconds since the epoch."""
        return self.clock.now()

    def wall(self, seconds: float) -> float:
        """Return the wall seconds that correspond to a number of service seconds."""
        return seconds / self.scale

    def wait(self, until: float, stop: threading.Event) -> bool:
        """Wait until a service time, or until `stop` is set; return whether it was set."""
        return stop.wait(max(0.0, self.wall(until - self.now())))


def _is_missing(error: Exception) -> bool:
    """Return whether an error of a condition means that something is not there, or not yet."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"].endswith(("NotFound", "NotFoundException"))
    return not isinstance(error, ValueError) or bool(_OF_EMPTY_LISTS.search(str(error)))


def _name(condition: Callable[..., object]) -> str:
    name = getattr(condition, "__name__", "the condition")
    return "the condition" if name == "<lambda>" else name.replace("_", " ")


def _show(value: object) -> str:
    if isinstance(value, AssertionError):
        return str(value).split("\n", 1)[0] or "failing its assertion"
    text = repr(value)
    return text if len(text) <= 300 else text[:297] + "..."
