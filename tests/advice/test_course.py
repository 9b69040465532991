"""When things were seen, as intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.history.observations import Interval, Observations


def test_first_and_last_lie_between_two_looks() -> None:
    """What was not so at 1 and so at 2 began between them; so at 4 and not at 6 it ended between those."""
    course = Observations()
    for at, is_there in ((0.0, False), (1.0, False), (2.0, True), (4.0, True), (6.0, False)):
        course.look(at, there=is_there)
    assert course.first("there") == Interval(1.0, 2.0)
    assert course.last("there") == Interval(4.0, 6.0)
    assert course.first("there", "ill") is None
    assert course.last("elsewhere") is None


def test_looks_that_leave_something_out_say_nothing_of_it() -> None:
    """A look that did not look at a thing bounds nothing about it."""
    course = Observations()
    course.look(0.0, there=False)
    course.look(1.0, other=True)
    course.look(2.0, there=True)
    assert course.first("there") == Interval(0.0, 2.0)


def test_looks_go_forward() -> None:
    """A look before the last one is a mistake of whoever looks."""
    course = Observations()
    course.look(2.0, there=True)
    with pytest.raises(ValueError, match="forward"):
        course.look(1.0, there=True)


@given(
    began=st.floats(0, 50),
    lasted=st.floats(0, 50),
    looks=st.lists(st.floats(0, 120), min_size=1, max_size=60, unique=True),
)
def test_the_truth_is_within_what_was_seen(began: float, lasted: float, looks: list[float]) -> None:
    """Whenever one looks, the moment at which a state began, and that at which it ended, lie in the intervals."""
    course = Observations()
    for at in sorted(looks):
        course.look(at, there=began <= at < began + lasted)
    first, last = course.first("there"), course.last("there")
    assert (first is None) == (last is None)
    if first is not None and last is not None:
        assert first.low <= began <= first.high or first.low == first.high  # the first look saw it: nobody knows
        assert last.low < began + lasted
        assert last.high >= began + lasted or last.low == last.high == max(looks)


@given(low=st.floats(-100, 100), width=st.floats(0, 50), other=st.floats(-100, 100), more=st.floats(0, 50))
def test_differences_hold_every_pair(low: float, width: float, other: float, more: float) -> None:
    """How long after another an interval was: any two points of them differ by something in it."""
    one, two = Interval(low, low + width), Interval(other, other + more)
    since = one.since(two)
    for a in (one.low, one.high):
        for b in (two.low, two.high):
            assert since.low - 1e-9 <= a - b <= since.high + 1e-9
    assert since.positive().low >= 0
