"""Bounds hold at all looks together: good deployments are not stopped by looking often, and bad ones are soon."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.confidence import share_of, wilson_bounds
from surveyor.gate.confidence_sequences import difference_bounds, percents_always, ratio_bounds, share_bounds
from surveyor.load.error_counts import Counts, ErrorCounter, burst_factor, without_bursts

ALPHA = 0.05
MAX_CALLS = 2_000
COUNTS = st.integers(0, 300).flatmap(lambda count: st.builds(Counts, st.integers(0, count), st.just(count)))


@given(COUNTS)
def test_a_share_lies_within_its_bounds(counts: Counts) -> None:
    """The bounds contain the measured share, and are wider than those of a single look."""
    low, high = share_bounds(counts, ALPHA)
    assert 0 <= low <= counts.share <= high <= 1
    if counts.count:
        once = wilson_bounds(counts.hits, counts.count)
        assert high - low >= (once[1] - once[0]) - 1e-3


@given(COUNTS, COUNTS)
def test_a_difference_and_a_ratio_lie_within_their_bounds(new: Counts, old: Counts) -> None:
    """Both orders of the shares give bounds that mirror each other."""
    low, high = difference_bounds(new, old, ALPHA)
    assert low - 1e-9 <= new.share - old.share <= high + 1e-9
    mirrored = difference_bounds(old, new, ALPHA)
    assert mirrored == pytest.approx((-high, -low), abs=1e-6)
    low, high = ratio_bounds(new, old, ALPHA)
    assert 0 <= low <= high
    if old.hits:
        assert low - 1e-6 <= new.share / old.share <= high * (1 + 1e-6) + 1e-6


@pytest.mark.parametrize(("hits", "count"), [(0, 0), (0, 100), (5, 100), (100, 100), (3, 1_000)])
def test_bounds_are_where_the_evidence_reaches_its_limit(hits: int, count: int) -> None:
    """Values computed from the formula by a sum over shares instead of the beta function."""
    low, high = share_bounds(Counts(hits, count), ALPHA)
    steps = 20_000
    for bound in (low, high):
        if 0 < bound < 1:
            logs = [
                hits * math.log(share / bound) + (count - hits) * math.log((1 - share) / (1 - bound))
                for share in ((step + 0.5) / steps for step in range(steps))
            ]
            top = max(logs)
            mixed = top + math.log(sum(math.exp(value - top) for value in logs) / steps)
            assert mixed == pytest.approx(-math.log(ALPHA), rel=0.02)


def test_percentiles_without_enough_values_have_no_upper_bound() -> None:
    """The percents around a percentile come closer with the number of values."""
    assert percents_always(99, 0, ALPHA) == (-math.inf, math.inf)
    assert percents_always(99, 100, ALPHA)[1] > 100
    low, high = percents_always(99, 10_000, ALPHA)
    assert 98 < low < 99 < high < 100


def test_a_share_is_excluded_at_any_look_as_seldom_as_stated() -> None:
    """Of 200 streams that are looked at after each call, at most 5 % exclude the true share at any look."""
    chance = random.Random(11)
    excluded = sum(_is_ever_excluded(chance, 0.2, 100) for _ in range(200))
    assert excluded <= 200 * ALPHA
    assert sum(_is_ever_excluded(chance, 0.2, 100, once=True) for _ in range(100)) > 100 * ALPHA  # Wilson's interval


def _is_ever_excluded(chance: random.Random, share: float, calls: int, *, once: bool = False) -> bool:
    hits = 0
    for count in range(1, calls + 1):
        hits += chance.random() < share
        if once:
            interval = share_of(hits, count)
            low, high = interval.low, interval.high
        else:
            low, high = share_bounds(Counts(hits, count), ALPHA)
        if not low <= share <= high:
            return True
    return False


def _independent(chance: random.Random, share: float) -> Iterator[bool]:
    """Yield whether attempts fail, each by chance."""
    while True:
        yield chance.random() < share


def _in_bursts(chance: random.Random, share: float, longest: int = 20) -> Iterator[bool]:
    """Yield whether attempts fail: in bursts of 5 to `longest` consecutive errors, this share of all attempts."""
    begins = share / ((5 + longest) / 2 * (1 - share))
    while True:
        failing = chance.randint(5, longest) if chance.random() < begins else 0
        yield from [True] * failing or [False]


Source = Callable[[random.Random, float], Iterator[bool]]


def _decisions(
    error_rate: float, streams: int, look_every: int, source: Source = _independent, max_calls: int = MAX_CALLS
) -> Iterator[tuple[str, int]]:
    """Yield what is decided about deployments with this rate against 0.5 % errors, and after how many calls.

    A new revision may have at most 0.5 points more errors than the old one.
    """
    for seed in range(streams):
        chance = random.Random(seed)
        sources = source(chance, error_rate), source(chance, 0.005)
        sides = ErrorCounter(), ErrorCounter()
        decided = ("open", max_calls)
        for calls in range(look_every, max_calls + 1, look_every):
            for side, failures in zip(sides, sources, strict=True):
                for failed in islice(failures, look_every):
                    side.add(failed=failed)
            factor = burst_factor(*(side.counts for side in sides))
            new, old = (without_bursts(side.counts, factor) for side in sides)
            if new.share - old.share <= 0.005:  # the lower bound cannot exceed the limit then: saves time
                continue
            if difference_bounds(new, old, ALPHA)[0] > 0.005:
                decided = ("rolled back", calls)
                break
        yield decided


def test_good_streams_are_not_rolled_back() -> None:
    """Of 40 deployments with 0.5 % errors in both revisions, none is stopped at one of 100 looks."""
    assert {what for what, _ in _decisions(0.005, 40, look_every=20)} == {"open"}


def test_bad_streams_are_rolled_back() -> None:
    """Of 20 deployments with 5 % against 0.5 % errors each is stopped, half within 1,100 calls of a revision."""
    found = list(_decisions(0.05, 20, look_every=100))
    assert {what for what, _ in found} == {"rolled back"}
    assert sorted(calls for _, calls in found)[10] <= 1_100


@pytest.mark.parametrize("longest", [20, 200])
def test_good_streams_with_errors_in_bursts_are_not_rolled_back(longest: int) -> None:
    """Of 40 deployments with 0.5 % errors in both revisions, in bursts, none is stopped; bursts may be longer, too."""

    def bursts(chance: random.Random, share: float) -> Iterator[bool]:
        return _in_bursts(chance, share, longest)

    assert {what for what, _ in _decisions(0.005, 40, look_every=40, source=bursts)} == {"open"}


def test_bad_streams_with_errors_in_bursts_are_rolled_back() -> None:
    """Of 10 deployments with 20 % against 0.5 % errors in bursts each is stopped: it takes more calls."""
    found = list(_decisions(0.2, 10, look_every=200, source=_in_bursts, max_calls=8_000))
    assert {what for what, _ in found} == {"rolled back"}


@pytest.mark.soak
@pytest.mark.parametrize("source", [_independent, _in_bursts])
def test_a_thousand_good_streams(source: Source) -> None:
    """At most 1 % of 1,000 good deployments are rolled back at one of 50 looks."""
    good = [what for what, _ in _decisions(0.005, 1_000, look_every=40, source=source)]
    assert good.count("rolled back") <= 10


@pytest.mark.soak
def test_a_thousand_bad_streams() -> None:
    """At least 99 % of 1,000 bad deployments are rolled back within 2,000 calls of each revision."""
    bad = [calls for what, calls in _decisions(0.05, 1_000, look_every=200) if what == "rolled back"]
    assert len(bad) >= 990, sorted(bad)
