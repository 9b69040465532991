"""Values behind a delay: what may be seen of them, and when."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from surveyor.model_testing.consistency import Eventual, Moment

TIMES = st.integers(0, 100).map(float)
WRITES = st.lists(st.tuples(st.sampled_from("abc"), TIMES, TIMES), max_size=6)


def at(time: float) -> Moment:
    """One instant."""
    return Moment(time, time)


def test_between_its_bounds_a_write_and_what_it_replaces_are_both_permitted() -> None:
    """Before the first bound only the old value may be seen, between the two either, from the second on the new one."""
    value = Eventual.always("old").write("new", 10.0, 70.0)
    assert [value.permitted(at(time)) for time in (9.0, 10.0, 69.0, 70.0)] == [
        {"old"}, {"old", "new"}, {"old", "new"}, {"new"},
    ]  # fmt: skip


def test_what_never_settles_stays_open() -> None:
    """A write without a bound leaves the old value permitted for ever, until a bounded one follows."""
    value = Eventual.always("old").write("new", 0.0, math.inf)
    assert value.permitted(at(1e9)) == {"old", "new"}
    assert value.write("last", 1e9, 1e9 + 60).permitted(at(1e9 + 60)) == {"last"}


@given(writes=WRITES, start=TIMES, length=TIMES)
def test_something_is_always_permitted_and_a_longer_moment_permits_no_less(
    writes: list[tuple[str, float, float]], start: float, length: float
) -> None:
    """There is a permitted value at any time, and whoever looks longer may see more, never less."""
    value = Eventual.always("first")
    for text, one, other in writes:
        value = value.write(text, min(one, other), max(one, other))
    if not any(one > start for _, one, other in writes for one in (min(one, other),)):
        assert value.permitted(at(start))
    assert value.permitted(at(start)) <= value.permitted(Moment(start, start + length))


@given(writes=WRITES)
def test_in_the_end_only_the_last_value_is_permitted(writes: list[tuple[str, float, float]]) -> None:
    """Once every write has settled there is one value left: the last."""
    value = Eventual.always("first")
    for text, one, other in writes:
        value = value.write(text, min(one, other), max(one, other))
    assert value.permitted(at(1_000.0)) == {value.last}
