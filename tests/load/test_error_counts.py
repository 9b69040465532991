"""Errors in bursts count as fewer independent ones; a share that is high is no burst."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.load.error_counts import WINDOW, Counts, ErrorCounter, burst_factor, without_bursts


def counted(failures: Iterable[bool]) -> Counts:
    """Return the counts of attempts in this order."""
    counter = ErrorCounter()
    for failed in failures:
        counter.add(failed=failed)
    return counter.counts


@given(st.lists(st.booleans(), max_size=80))
def test_near_errors_are_pairs(failures: list[bool]) -> None:
    """They are all pairs of errors that are at most a window apart."""
    places = [place for place, failed in enumerate(failures) if failed]
    pairs = sum(0 < later - earlier <= WINDOW for earlier in places for later in places)
    assert counted(failures) == Counts(len(places), len(failures), pairs)


@given(st.lists(st.booleans(), max_size=80), st.lists(st.booleans(), max_size=80))
def test_a_factor_changes_no_share(new: list[bool], old: list[bool]) -> None:
    """It is 1 at least, and what is left has the same share."""
    factor = burst_factor(counted(new), counted(old))
    assert 1.0 <= factor <= 1.0 + 2 * WINDOW
    assert without_bursts(counted(new), factor).share == pytest.approx(counted(new).share)


@pytest.mark.parametrize("length", [1, 5, 20])
@pytest.mark.parametrize("before", [0, 50, 2_000])
def test_one_burst_counts_as_about_one_error(length: int, before: int) -> None:
    """At the very beginning as well, when all attempts until now have failed."""
    found = counted([False] * before + [True] * length)
    assert without_bursts(found, burst_factor(found)).hits < 2.0


@pytest.mark.parametrize("share", [0.005, 0.05])
def test_independent_errors_count_as_what_they_are(share: float) -> None:
    """Of many attempts the factor is near 1."""
    chance = random.Random(5)
    assert burst_factor(counted(chance.random() < share for _ in range(20_000))) < 1.2


def test_a_revision_that_always_fails_is_soon_no_burst() -> None:
    """Of 200 failed attempts in a row at least eight count, and none of a thousand is left out in the end."""
    for count, least in ((200, 8), (1_000, 100)):
        found = counted([True] * count)
        assert without_bursts(found, burst_factor(found)).hits >= least


def test_bursts_of_one_revision_are_expected_of_the_other() -> None:
    """A stream without errors does not show how they would come."""
    old = counted(([False] * 200 + [True] * 10) * 5)
    assert burst_factor(counted([False] * 900), old) == pytest.approx(burst_factor(old))
    assert burst_factor(counted([False] * 900)) == 1.0
