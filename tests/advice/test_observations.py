"""Observations, which bound the times of changes by intervals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.observations import Interval, Observations


def test_first_and_last_are_between_two_observations() -> None:
    """A state absent at 1 and present at 2 began in between; present at 4 and absent at 6, it ended in between."""
    observations = Observations()
    for time, is_there in ((0.0, False), (1.0, False), (2.0, True), (4.0, True), (6.0, False)):
        observations.add(time, there=is_there)
    assert observations.first("there") == Interval(1.0, 2.0)
    assert observations.last("there") == Interval(4.0, 6.0)
    assert observations.first("there", "ill") is None
    assert observations.last("elsewhere") is None


def test_an_observation_without_a_state_does_not_bound_it() -> None:
    """An observation that leaves a state out says nothing about it."""
    observations = Observations()
    observations.add(0.0, there=False)
    observations.add(1.0, other=True)
    observations.add(2.0, there=True)
    assert observations.first("there") == Interval(0.0, 2.0)


def test_observations_are_in_order_of_time() -> None:
    """An observation before the last one is refused."""
    observations = Observations()
    observations.add(2.0, there=True)
    with pytest.raises(ValueError, match="in order of time"):
        observations.add(1.0, there=True)


@given(
    began=st.floats(0, 50),
    lasted=st.floats(0, 50),
    times=st.lists(st.floats(0, 120), min_size=1, max_size=60, unique=True),
)
def test_intervals_contain_the_true_times(began: float, lasted: float, times: list[float]) -> None:
    """The intervals contain the times at which a state began and ended, whenever it is observed."""
    observations = Observations()
    for time in sorted(times):
        observations.add(time, there=began <= time < began + lasted)
    first, last = observations.first("there"), observations.last("there")
    assert (first is None) == (last is None)
    if first is not None and last is not None:
        assert (
            first.low <= began <= first.high or first.low == first.high
        )  # present in the first observation: its start is unknown
        assert last.low < began + lasted
        assert last.high >= began + lasted or last.low == last.high == max(times)


@given(low=st.floats(-100, 100), width=st.floats(0, 50), other=st.floats(-100, 100), more=st.floats(0, 50))
def test_a_difference_contains_every_pair(low: float, width: float, other: float, more: float) -> None:
    """The difference of two intervals contains the difference of any two of their points."""
    later, earlier = Interval(low, low + width), Interval(other, other + more)
    since = later.since(earlier)
    for a in (later.low, later.high):
        for b in (earlier.low, earlier.high):
            assert since.low - 1e-9 <= a - b <= since.high + 1e-9
    assert since.positive().low >= 0
