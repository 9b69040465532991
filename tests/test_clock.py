"""Waiting in service seconds, on a clock that is advanced and on one that flows."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.clock import ControlledClock, WallClock
from surveyor.errors import NoAnswer, WrongAnswer


class ActionContext:
    """A clock that stands still until it is advanced."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.steps: list[float] = []

    def now(self) -> float:
        """Its time."""
        return self.time

    def advance(self, seconds: float) -> float:
        """Moves on."""
        self.steps.append(seconds)
        self.time += seconds
        return self.time


def test_wait_advances_by_what_was_asked() -> None:
    """A wait is one step, and none for nothing."""
    hands = ActionContext()
    clock = ControlledClock(hands)
    clock.wait(30)
    clock.wait(0)
    assert hands.steps == [30]


def test_eventually_returns_the_first_true_value_at_once() -> None:
    """A condition that holds already costs no time."""
    hands = ActionContext()
    assert ControlledClock(hands).eventually(lambda: "there", within=60) == "there"
    assert hands.steps == []


@given(st.floats(0.05, 200), st.floats(1, 200))
def test_eventually_sees_what_happens_within(at: float, within: float) -> None:
    """What is so at the last moment still counts, what comes later does not, and steps stay small."""
    hands = ActionContext()
    start = hands.time
    clock = ControlledClock(hands)

    def happened() -> bool:
        return hands.time - start >= at

    if at <= within - 0.01:
        assert clock.eventually(happened, within=within)
        assert hands.time - start <= at + max(1.0, within / 120) + 0.01
    elif at > within + 0.01:
        with pytest.raises(WrongAnswer):
            clock.eventually(happened, within=within)
        assert hands.time - start == pytest.approx(within, abs=0.01)
    assert max(hands.steps, default=0) <= max(1.0, within / 120) + 0.001


def test_eventually_says_what_came_last_and_for_how_long() -> None:
    """The message names the condition, the bound, the time and the last value; the symptom holds the bound only."""

    def answered_by_eight() -> list[str]:
        return []

    said = r"expected answered by eight within 45 service seconds; after 45\.0 .* \[\]"
    with pytest.raises(WrongAnswer, match=said) as failure:
        ControlledClock(ActionContext()).eventually(answered_by_eight, within=45)
    assert failure.value.actual == "not within 45 s"


def test_eventually_takes_a_failing_assertion_as_not_yet() -> None:
    """A condition may assert; its message is the last thing that came."""
    hands = ActionContext()
    start = hands.time

    def holds() -> bool:
        assert hands.time - start > 3, "too early"
        return True

    assert ControlledClock(hands).eventually(holds, within=10)
    with pytest.raises(WrongAnswer, match="too early"):
        ControlledClock(ActionContext()).eventually(_assert_late, within=1)


def _assert_late() -> bool:
    raise AssertionError("too early")


def test_eventually_does_not_wait_for_silence() -> None:
    """A name server that does not answer is told at once: each further look would cost a time-out."""
    hands = ActionContext()

    def silent() -> bool:
        raise NoAnswer("expected an answer; came none", actual="dns: no answer")

    with pytest.raises(NoAnswer):
        ControlledClock(hands).eventually(silent, within=60)
    assert hands.steps == []


def test_eventually_lets_other_errors_through() -> None:
    """An answer of the wrong shape is told as such, not waited for."""
    answer: dict[str, str] = {}
    with pytest.raises(KeyError):
        ControlledClock(ActionContext()).eventually(lambda: answer["Operation"], within=10)


@given(st.floats(0.5, 100), st.floats(0.5, 100))
def test_always_notices_a_break_within(at: float, during: float) -> None:
    """A condition that stops holding inside the bound fails; one that stops later does not."""
    hands = ActionContext()
    start = hands.time
    clock = ControlledClock(hands)

    def holds() -> bool:
        return hands.time - start < at

    if at <= during - 0.01:
        with pytest.raises(WrongAnswer, match="service seconds"):
            clock.always(holds, during=during)
        assert hands.time - start <= at + 0.51
    elif at > during + 0.01:
        clock.always(holds, during=during)
        assert hands.time - start == pytest.approx(during, abs=0.01)


def test_always_looks_at_both_ends() -> None:
    """A condition is looked at before any time passes, and when the time is over."""
    hands = ActionContext()
    seen: list[float] = []
    start = hands.time

    def holds() -> bool:
        seen.append(hands.time - start)
        return True

    ControlledClock(hands).always(holds, during=2)
    assert seen[0] == 0
    assert seen[-1] == pytest.approx(2)


def test_wall_clock_is_everybodys() -> None:
    """Its time is the wall's, and a wait lets it pass."""
    clock = WallClock()
    assert abs(clock.now() - time.time()) < 5
    before = clock.now()
    clock.wait(0.02)
    assert clock.now() - before >= 0.02


def test_scaled_clock_waits_less() -> None:
    """At scale 1000 a wait of twenty service seconds is twenty wall milliseconds."""
    began = time.time()
    clock = WallClock(1000, lambda: began + (time.time() - began) * 1000)
    before = clock.now()
    clock.wait(20)
    assert clock.now() - before >= 20
    assert time.time() - began < 5


def test_settled_target_is_not_waited_for() -> None:
    """Where nothing changes by itself any more, the rest of a long wait is counted and not spent."""
    began = time.time()
    clock = WallClock(settles=0.05)
    before = clock.now()
    clock.wait(3600)
    assert clock.now() - before >= 3600
    with pytest.raises(WrongAnswer, match="within 600 service seconds"):
        clock.eventually(lambda: False, within=600)
    clock.always(lambda: True, during=600)
    assert time.time() - began < 30
