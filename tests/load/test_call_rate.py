"""The rate of callers is lowered to what the machine can keep; an explicit one above its maximum is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.callers import TOTAL_SHARE
from surveyor.errors import UsageError
from surveyor.load.call_rate import MAX_SHARE, MIN_RATE, adapt_rate, check_rate
from surveyor.load.self_check import MAX_LOAD, MAX_RATE, choose_rate, sustained_rate
from surveyor.machine import ProcessTimes

rates = st.floats(0.1, 1_000)
max_rates = st.floats(0, 20_000)
clients = st.floats(0.25, 20)


@given(rates, max_rates, clients)
def test_a_rate_is_never_raised_and_never_more_than_the_machine_can_keep(
    requested: float, max_rate: float, clients: float
) -> None:
    """The rate is at most the requested one, and above the minimum at most a share of the measured attempts."""
    adapted = adapt_rate(requested, max_rate, clients)
    assert min(requested, MIN_RATE) <= adapted.rate <= requested
    assert adapted.rate <= MIN_RATE or adapted.rate * clients <= MAX_SHARE * max_rate


@given(rates, max_rates, clients)
def test_the_note_says_that_a_rate_was_lowered(requested: float, max_rate: float, clients: float) -> None:
    """There is a note if and only if the rate was lowered; a rate that the machine can keep is left as it is."""
    adapted = adapt_rate(requested, max_rate, clients)
    assert bool(adapted.note) == (adapted.rate < requested)
    if requested * clients <= MAX_SHARE * max_rate:
        assert adapted.rate == requested


@given(rates, max_rates, max_rates)
def test_a_faster_machine_calls_at_least_as_often(requested: float, one_machine: float, other_machine: float) -> None:
    """The rate never falls as the measured maximum rises."""
    slow, fast = sorted((one_machine, other_machine))
    assert adapt_rate(requested, slow, TOTAL_SHARE).rate <= adapt_rate(requested, fast, TOTAL_SHARE).rate


def test_the_note_states_both_rates_and_the_measurement() -> None:
    """The note names the rate that was asked for, the one that is used, and what was measured."""
    adapted = adapt_rate(20, 480, 8.25)
    assert adapted.rate == 7.2
    assert adapted.note == (
        "rate lowered from 20 to 7.2 calls per second of each client: this machine makes at most 480 attempts per "
        "second now"
    )


def test_the_rate_has_a_minimum() -> None:
    """A machine that can hardly call is called at the minimum; late callers then make the run inconclusive."""
    assert adapt_rate(20, 3, TOTAL_SHARE).rate == MIN_RATE
    assert adapt_rate(0.5, 3, TOTAL_SHARE).rate == 0.5


def test_a_rate_that_is_too_high_is_refused() -> None:
    """The error for an explicit rate above the machine's maximum names a possible rate."""
    check_rate(8_000, 800, 8.25)
    with pytest.raises(
        UsageError, match=r"are 16,500 in total, and this machine makes 8,000 attempts at most: use --rate 484"
    ):
        check_rate(8_000, 2_000, 8.25)


@given(st.floats(250, 20_000))
def test_the_self_check_does_not_overload_the_machine(max_rate: float) -> None:
    """Its four checks of errors and the check of the stall, at half the rate, stay below a share of the maximum."""
    assert 4.5 * choose_rate(max_rate) <= MAX_LOAD * max_rate * 1.001
    assert choose_rate(max_rate) <= MAX_RATE


shares = st.floats(0, 50)


@given(max_rates, shares, shares)
def test_the_sustained_rate_counts_the_wait_for_processors(max_rate: float, at_first: float, later: float) -> None:
    """If work that lasts waits longer for a processor than the burst did, the rate falls by as much; it never rises."""
    times = [ProcessTimes(1, 1), ProcessTimes(2, 1 + at_first), ProcessTimes(5, 1 + at_first + 3 * later)]
    expected = max_rate * (1 + at_first) / (1 + later) if later > at_first else max_rate
    assert sustained_rate(max_rate, times) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("missing", range(3))
def test_without_times_the_burst_decides(missing: int) -> None:
    """A system that does not count the times of processes leaves the rate unchanged."""
    times: list[ProcessTimes | None] = [ProcessTimes(1, 1), ProcessTimes(2, 2), ProcessTimes(3, 9)]
    times[missing] = None
    assert sustained_rate(800, times) == 800
