"""The token bucket of the discovery calls keeps its rate and burst."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.core.token_bucket import TokenBucket


@given(st.lists(st.floats(0, 3), max_size=300))
def test_passes_no_more_calls_than_burst_and_rate_allow(gaps: list[float]) -> None:
    """At any time since the start, at most the burst plus the tokens added by the rate have passed."""
    bucket = TokenBucket(rate=2, burst=5, tokens=5, filled=0)
    now, passed = 0.0, 0
    for gap in gaps:
        now += gap
        passed += bucket.take(now)
        assert passed <= 5 + 2 * now + 1e-6


def test_full_bucket_passes_its_burst_and_then_the_rate() -> None:
    """Five calls pass immediately, a sixth does not; after one second two more pass."""
    bucket = TokenBucket(rate=2, burst=5, tokens=5, filled=0)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(1) for _ in range(3)] == [True, True, False]
