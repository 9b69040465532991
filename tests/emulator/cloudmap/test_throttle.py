"""The token bucket of the discovery calls."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.cloudmap.throttle import Bucket


@given(st.lists(st.floats(0, 3), max_size=300))
def test_never_lets_more_through_than_burst_and_rate_allow(gaps: list[float]) -> None:
    """Within any time from the start, at most the burst and what the rate has added."""
    bucket = Bucket(rate=2, burst=5, tokens=5, filled=0)
    now, passed = 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now)
        assert passed <= 5 + 2 * now + 1e-6


def test_a_full_bucket_gives_its_burst_and_then_the_rate() -> None:
    """Five at once, none more; after a second, two."""
    bucket = Bucket(rate=2, burst=5, tokens=5, filled=0)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(1) for _ in range(3)] == [True, True, False]
