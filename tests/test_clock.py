"""Waiting in service seconds, on a clock that is advanced and on one that flows."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from surveyor import timeouts
from surveyor.clock import ControlledClock, WallClock
from surveyor.errors import Inconclusive, NoAnswer, WrongAnswer


class ManualTime:
    """Time that changes only when it is advanced."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.steps: list[float] = []

    def now(self) -> float:
        """Return the current time."""
        return self.time

    def advance(self, seconds: float) -> float:
        """Advance the time."""
        self.steps.append(seconds)
        self.time += seconds
        return self.time


def test_wait_advances_by_the_requested_seconds() -> None:
    """A wait is one advance; a wait of zero seconds is none."""
    manual = ManualTime()
    clock = ControlledClock(manual)
    clock.wait(30)
    clock.wait(0)
    assert manual.steps == [30]


def test_eventually_returns_the_first_true_value_at_once() -> None:
    """A condition that is already true costs no time."""
    manual = ManualTime()
    assert ControlledClock(manual).eventually(lambda: "there", within=60) == "there"
    assert manual.steps == []


def test_eventually_advances_the_clock_before_what_takes_time() -> None:
    """What cannot have happened yet is not asked for: the first poll comes after `first`, or `poll_every` if longer."""
    manual = ManualTime()
    clock = ControlledClock(manual)
    assert clock.eventually(lambda: "there", within=60, poll_every=2.0, first=0.4) == "there"
    assert clock.eventually(lambda: "there", within=60, first=0.4) == "there"
    assert clock.eventually(lambda: "there", within=60, poll_every=2.0) == "there"
    assert manual.steps == [2.0, 0.4]


@given(st.floats(0.05, 1000), st.floats(1, 1000), st.booleans())
def test_eventually_polls_until_the_limit(at: float, within: float, coarse: bool) -> None:
    """A change at the last moment still counts, and a later one does not.

    The steps stay small, except where the bound is long or the exact time does not matter.
    """
    manual = ManualTime()
    start = manual.time
    clock = ControlledClock(manual)
    largest = max(1.0, min(at, within) / 8) if coarse or within > timeouts.PRECISE_BOUND else 1.0

    def happened() -> bool:
        return manual.time - start >= at

    if at <= within - 0.01:
        assert clock.eventually(happened, within=within, coarse=coarse)
        assert manual.time - start <= at + largest + 0.01
    elif at > within + 0.01:
        with pytest.raises(WrongAnswer):
            clock.eventually(happened, within=within, coarse=coarse)
        assert manual.time - start == pytest.approx(within, abs=0.01)
    assert max(manual.steps, default=0) <= largest + 0.001


@pytest.mark.parametrize(
    ("poll_every", "coarse", "most"), [(None, False, 60), (None, True, 60), (3.0, True, 45), (3.0, False, 301)]
)
def test_a_long_wait_takes_a_few_dozen_polls(poll_every: float | None, coarse: bool, most: int) -> None:
    """The steps of a wait of fifteen minutes grow, unless the caller sets them."""
    manual = ManualTime()
    with pytest.raises(WrongAnswer):
        ControlledClock(manual).eventually(lambda: None, within=900, poll_every=poll_every, coarse=coarse)
    assert most / 2 < len(manual.steps) <= most


def test_eventually_reports_the_last_value_and_the_time() -> None:
    """The message has the condition, the limit, the time and the last value; the symptom has only the limit."""

    def answered_by_eight() -> list[str]:
        return []

    message = r"expected answered by eight within 45 service seconds; after 45\.0 .* \[\]"
    with pytest.raises(WrongAnswer, match=message) as failure:
        ControlledClock(ManualTime()).eventually(answered_by_eight, within=45)
    assert failure.value.actual == "not as documented within 45 s"


def test_a_failing_assertion_counts_as_not_yet() -> None:
    """A condition may assert; the message of the assertion is reported as the last value."""
    manual = ManualTime()
    start = manual.time

    def holds() -> bool:
        assert manual.time - start > 3, "too early"
        return True

    assert ControlledClock(manual).eventually(holds, within=10)
    with pytest.raises(WrongAnswer, match="too early"):
        ControlledClock(ManualTime()).eventually(_assert_late, within=1)


def _assert_late() -> bool:
    raise AssertionError("too early")


def test_eventually_does_not_wait_for_a_silent_server() -> None:
    """A name server that does not answer fails at once: each further poll would cost a time-out."""
    manual = ManualTime()

    def silent() -> bool:
        raise NoAnswer("expected an answer, got none", actual="dns: no answer")

    with pytest.raises(NoAnswer):
        ControlledClock(manual).eventually(silent, within=60)
    assert manual.steps == []


def test_a_missing_entry_is_not_yet() -> None:
    """Reads may lag writes: an entry that is missing at first is waited for."""
    manual = ManualTime()
    start = manual.time

    def entries() -> list[str]:
        return ["one"] if manual.time - start > 3 else []

    assert ControlledClock(manual).eventually(lambda: entries()[0], within=10) == "one"


def test_an_entry_that_is_missing_to_the_end_raises_its_error() -> None:
    """An answer of the wrong shape is judged by what is missing, and not by the time that passed."""
    answer: dict[str, str] = {}
    manual = ManualTime()
    with pytest.raises(KeyError, match="Operation"):
        ControlledClock(manual).eventually(lambda: answer["Operation"], within=10)
    assert sum(manual.steps) == pytest.approx(10)


def test_eventually_does_not_catch_other_errors() -> None:
    """A value of another type raises at once."""
    number: object = 3
    with pytest.raises(TypeError):
        ControlledClock(ManualTime()).eventually(lambda: number[0], within=10)  # type: ignore[index]  # on purpose


@given(st.floats(0.5, 100), st.floats(0.5, 100))
def test_always_fails_if_the_condition_ends_within(at: float, during: float) -> None:
    """A condition that becomes false within the limit fails; one that becomes false later does not."""
    manual = ManualTime()
    start = manual.time
    clock = ControlledClock(manual)

    def holds() -> bool:
        return manual.time - start < at

    if at <= during - 0.01:
        with pytest.raises(WrongAnswer, match="service seconds"):
            clock.always(holds, during=during)
        assert manual.time - start <= at + max(0.5, during / 120) + 0.01
    elif at > during + 0.01:
        clock.always(holds, during=during)
        assert manual.time - start == pytest.approx(during, abs=0.01)


def test_always_polls_at_both_ends() -> None:
    """The condition is evaluated before any time passes, and at the end of the time."""
    manual = ManualTime()
    polls: list[float] = []
    start = manual.time

    def holds() -> bool:
        polls.append(manual.time - start)
        return True

    ControlledClock(manual).always(holds, during=2)
    assert polls[0] == 0
    assert polls[-1] == pytest.approx(2)


def test_wall_clock_shows_wall_time() -> None:
    """Its time is that of the system, and a wait lasts that time."""
    clock = WallClock()
    assert abs(clock.now() - time.time()) < 5
    before = clock.now()
    clock.wait(0.02)
    assert clock.now() - before >= 0.02


def test_scaled_clock_waits_less() -> None:
    """At scale 1000 a wait of twenty service seconds takes twenty wall milliseconds."""
    began = time.time()
    clock = WallClock(1000, lambda: began + (time.time() - began) * 1000)
    before = clock.now()
    clock.wait(20)
    assert clock.now() - before >= 20
    assert time.time() - began < 5


def test_settled_target_is_not_waited_for() -> None:
    """If a target no longer changes by itself, the rest of a long wait is counted but not spent."""
    began = time.time()
    clock = WallClock(settles=0.05)
    before = clock.now()
    clock.wait(3600)
    assert clock.now() - before >= 3600
    with pytest.raises(WrongAnswer, match="within 600 service seconds"):
        clock.eventually(lambda: False, within=600)
    clock.always(lambda: True, during=600)
    assert time.time() - began < 30


@pytest.mark.parametrize("code", ["ServiceNotFoundException", "InvalidVpcID.NotFound", "NamespaceNotFound"])
def test_eventually_waits_for_what_is_not_found_yet(code: str) -> None:
    """A resource that is refused as not found is not yet, and so is a list without its entry."""
    manual = ManualTime()
    start = manual.time
    error = ClientError({"Error": {"Code": code, "Message": "no"}}, "ListTasks")

    def found() -> list[str]:
        if manual.time - start < 5:
            raise error
        [entry] = [] if manual.time - start < 10 else ["there"]
        return [entry]

    assert ControlledClock(manual).eventually(found, within=20) == ["there"]
    with pytest.raises(ClientError, match=code):
        ControlledClock(ManualTime()).eventually(raising(error), within=3)
    for missing, error_type in (
        (one_of, ValueError),
        (max, ValueError),
        (lambda found: next(iter(found)), StopIteration),
    ):
        with pytest.raises(error_type):
            ControlledClock(ManualTime()).eventually(partial(missing, []), within=3)


@pytest.mark.parametrize(
    "error", [ValueError("no number"), ClientError({"Error": {"Code": "Throttling"}}, "ListTasks")]
)
def test_eventually_raises_other_errors_at_once(error: Exception) -> None:
    """What is no missing entry is not waited for."""
    manual = ManualTime()
    with pytest.raises(type(error)):
        ControlledClock(manual).eventually(raising(error), within=20)
    assert manual.steps == []


def raising(error: Exception) -> Callable[[], bool]:
    """Return a condition that raises an error."""

    def condition() -> bool:
        raise error

    return condition


def one_of(entries: list[str]) -> str:
    """Return the only entry."""
    [entry] = entries
    return entry


class SlowCalls:
    """A clock whose conditions take service seconds, as on one that flows fast: the state changes at a moment."""

    def __init__(self, seconds: float, change: float) -> None:
        self.time, self.seconds, self.change = 0.0, seconds, change
        self.clock = WallClock(scale=1e9, read=lambda: self.time)
        self.clock.wait = self.advance  # type: ignore[method-assign]  # time passes only here

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def is_as_before(self) -> bool:
        """Return the state at the end of the call."""
        self.time += self.seconds
        return self.time < self.change


def test_what_changes_after_the_period_was_seen_by_a_slow_poll() -> None:
    """A poll that ends after the period may have seen a later state, so it decides nothing."""
    slow = SlowCalls(seconds=4, change=17)
    slow.clock.always(slow.is_as_before, during=15)
    early = SlowCalls(seconds=4, change=8)
    with pytest.raises(WrongAnswer, match="during 15 service seconds"):
        early.clock.always(early.is_as_before, during=15)


def test_a_period_of_which_little_was_seen_is_inconclusive() -> None:
    """The machine did not keep up with the clock: no poll ended in the second half."""
    slow = SlowCalls(seconds=20, change=18)
    with pytest.raises(Inconclusive, match=r"seen for 0\.0 of 15 service seconds; the next poll ended after 20\.0"):
        slow.clock.always(slow.is_as_before, during=15)
