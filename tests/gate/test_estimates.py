"""Differences and ratios of estimates: their bounds are in order, and hold as often as they claim."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.confidence import share_of
from surveyor.gate.estimates import Estimate, difference, ratio
from surveyor.load.histogram import Latencies


def rate(hits: int, count: int) -> Estimate:
    """Return the estimate of a share in percent."""
    share = share_of(hits, count)
    return Estimate(100 * share.share, 100 * share.low, 100 * share.high, "")


RATES = st.integers(1, 5_000).flatmap(lambda count: st.builds(rate, st.integers(0, count), st.just(count)))


@given(RATES, RATES)
def test_bounds_are_in_order(new: Estimate, old: Estimate) -> None:
    """The estimate is between its bounds, and the difference changes its sign with the order."""
    for found in (difference(new, old), ratio(new, old)):
        assert found.low <= found.value + 1e-6 * abs(found.value)
        assert found.value <= found.high + 1e-6 * abs(found.high)
    there, back = difference(new, old), difference(old, new)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


@given(RATES)
def test_a_ratio_to_nothing_has_no_upper_bound(new: Estimate) -> None:
    """Without one failure before, how many times more there are now is not known."""
    assert ratio(new, rate(0, 100)).high == math.inf
    assert ratio(new, rate(0, 100)).low >= 0.0


@pytest.mark.parametrize(("new", "old"), [(0.02, 0.005), (0.005, 0.005), (0.1, 0.3)])
def test_intervals_hold_the_truth(new: float, old: float) -> None:
    """Of 300 pairs of samples at least 93 % have the true difference and ratio within their 95 % limits."""
    draw = random.Random(7)
    held = {"difference": 0, "ratio": 0}
    for _ in range(300):
        counts = [sum(draw.random() < share for _ in range(400)) for share in (new, old)]
        estimates = [rate(count, 400) for count in counts]
        held["difference"] += difference(*estimates).low <= 100 * (new - old) <= difference(*estimates).high
        held["ratio"] += ratio(*estimates).low <= new / old <= ratio(*estimates).high
    assert min(held.values()) >= 279, held


def test_certain_bounds_are_subtracted() -> None:
    """What was observed between two samples is not a matter of chance."""
    new, old = Estimate(12, 10, 12, "new", sampled=False), Estimate(5, 3, 5, "old", sampled=False)
    assert (difference(new, old).low, difference(new, old).high) == (5, 9)
    assert (ratio(new, old).low, ratio(new, old).high) == (2, 4)
    assert difference(new, old).text == "new, against old"


def test_a_percentile_holds_the_truth() -> None:
    """Of 60 samples at least 55 have the true 99th percentile within its limits; few attempts have no upper one."""
    draw, held = random.Random(7), 0
    truth = -math.log(0.01)
    for _ in range(60):
        latencies = Latencies()
        for _ in range(700):
            latencies.record(draw.expovariate(1.0))
        _, low, high = latencies.interval(99.0, 0.95)
        held += low * 0.99 <= truth <= high * 1.01  # the histogram is exact to one percent
    assert held >= 55
    few = Latencies()
    few.record(1.0)
    assert few.interval(99.0, 0.95)[1:] == (0.0, math.inf)
