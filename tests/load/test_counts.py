"""Counting and merging lose nothing; shares say no more than their counts allow."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.load.confidence import share_of
from surveyor.load.endpoints import Place
from surveyor.load.histogram import Latencies
from surveyor.load.tally import Counted, Tally

attempts = st.lists(
    st.tuples(
        st.sampled_from(["dns", "api"]), st.integers(0, 60), st.sampled_from(["127.0.0.1", "127.0.0.2"]),
        st.sampled_from(["ok", "fail", "info"]), st.sampled_from(["", "refused"]), st.booleans(), st.floats(0.0001, 9),
    ),
    max_size=60,
)  # fmt: skip


def tally_of(made: list[tuple[str, int, str, str, str, bool, float]]) -> Tally:
    """One of these attempts."""
    tally = Tally()
    for model, second, address, outcome, error, masked, seconds in made:
        tally.attempt(model, second, address, outcome, error, masked=masked)
        tally.took(model, second, seconds)
    return tally


def shown(tally: Tally) -> list[Counted]:
    """Its counts in order."""
    return sorted(tally.counted(), key=lambda one: (one.model, one.second, one.address, one.outcome, one.error))


@given(attempts, st.integers(0, 60))
def test_parts_that_are_merged_are_the_whole(made: list[tuple[str, int, str, str, str, bool, float]], cut: int) -> None:
    """Two workers' tallies, sent as text, make what one would have counted."""
    whole, parts = tally_of(made), Tally()
    for part in (made[:cut], made[cut:]):
        parts.add(Tally.from_json(json.loads(tally_of(part).dumps())))
    assert shown(parts) == shown(whole)
    for model in ("dns", "api"):
        one, other = whole.latencies(model, 10, 50), parts.latencies(model, 10, 50)
        assert one.count == other.count
        assert [one.percentile(share) for share in (50, 95, 99.9)] == [other.percentile(s) for s in (50, 95, 99.9)]


@given(attempts)
def test_what_is_taken_is_gone(made: list[tuple[str, int, str, str, str, bool, float]]) -> None:
    """Each count is sent once."""
    tally = tally_of(made)
    taken = tally.taken()
    assert shown(taken) == shown(tally_of(made))
    assert shown(tally) == []
    assert sum(one.count for one in taken.counted()) == len(made)


@given(st.lists(st.floats(1e-4, 500), min_size=1, max_size=100), st.sampled_from([50.0, 90.0, 99.0, 100.0]))
def test_percentiles_are_exact_to_a_hundredth(seconds: list[float], share: float) -> None:
    """Beside those of the sorted list, with the histogram's own rule of which rank a percentile is."""
    latencies = Latencies()
    for one in seconds:
        latencies.record(one)
    rank = max(1, int(len(seconds) * share / 100 + 0.5))
    truth = sorted(seconds)[rank - 1]
    assert latencies.percentile(share) == pytest.approx(truth, rel=2e-2)
    assert Latencies([latencies.encoded()]).percentile(share) == latencies.percentile(share)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share(hits: int, more: int) -> None:
    """Within 0 and 1, around the bare share, and narrower with more counts."""
    found = share_of(hits, hits + more)
    assert 0 <= found.low <= found.share <= found.high <= 1 or hits + more == 0
    if hits + more:
        assert share_of(10 * hits, 10 * (hits + more)).high - share_of(10 * hits, 10 * (hits + more)).low <= (
            found.high - found.low
        )


def test_three_errors_in_two_hundred_do_not_prove_one_percent_broken() -> None:
    """1.5 % is seen, 0.5 % is possible; thirty in two thousand prove it."""
    assert share_of(3, 200).low < 0.01 < share_of(3, 200).share
    assert share_of(30, 2_000).low > 0.0099
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="5 of 4 is no share"):
        share_of(5, 4)


def test_a_place_survives_its_text() -> None:
    """Workers on other machines get it as text."""
    place = Place(
        8080, "/", "web.ns", ("127.0.0.2", 53), "http://127.0.0.1:1", "1" * 12, "surveyor", "us-east-1", "ns", "web",
        ("127.0.0.3", 80), ("", 0), 20.0, 0.5, 1_000.0, 10.0,
    )  # fmt: skip
    assert Place.loads(place.dumps()) == place
    assert place.service_seconds(1_002.5) == 25.0
