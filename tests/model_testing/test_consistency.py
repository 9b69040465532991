"""Values that change after a delay: what may be observed, and when."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from surveyor.model_testing.consistency import Eventual, Moment

TIMES = st.integers(0, 100).map(float)
WRITES = st.lists(st.tuples(st.sampled_from("abc"), TIMES, TIMES), max_size=6)


def at(time: float) -> Moment:
    """Return one instant."""
    return Moment(time, time)


def test_old_and_new_value_are_permitted_between_the_bounds() -> None:
    """Before the first bound only the old value is permitted, between the two both, after the second only the new."""
    value = Eventual.constant("old").write("new", 10.0, 70.0)
    assert [value.permitted(at(time)) for time in (9.0, 10.0, 69.0, 70.0)] == [
        {"old"}, {"old", "new"}, {"old", "new"}, {"new"},
    ]  # fmt: skip


def test_write_without_a_bound_permits_the_old_value() -> None:
    """A write without a bound permits the old value until a write with a bound settles."""
    value = Eventual.constant("old").write("new", 0.0, math.inf)
    assert value.permitted(at(1e9)) == {"old", "new"}
    assert value.write("last", 1e9, 1e9 + 60).permitted(at(1e9 + 60)) == {"last"}


@given(writes=WRITES, start=TIMES, length=TIMES)
def test_longer_moment_permits_no_fewer_values(
    writes: list[tuple[str, float, float]], start: float, length: float
) -> None:
    """There is a permitted value at any time, and a longer moment permits at least the same values."""
    value = Eventual.constant("first")
    for text, first, second in writes:
        value = value.write(text, min(first, second), max(first, second))
    if not any(min(first, second) > start for _, first, second in writes):
        assert value.permitted(at(start))
    assert value.permitted(at(start)) <= value.permitted(Moment(start, start + length))


@given(writes=WRITES)
def test_only_the_last_value_is_permitted_finally(writes: list[tuple[str, float, float]]) -> None:
    """Once every write has settled, only the last value is permitted."""
    value = Eventual.constant("first")
    for text, first, second in writes:
        value = value.write(text, min(first, second), max(first, second))
    assert value.permitted(at(1_000.0)) == {value.last}
