"""Tallies are counted and merged without loss; shares have intervals that match their counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.callers import ClientTask, Request, ServiceEndpoints, Tls
from surveyor.confidence import share_of
from surveyor.load.histogram import Latencies
from surveyor.load.tally import Tally, TallyEntry
from surveyor.typed_json import dump_json, parse_json

Attempt = tuple[str, int, str, str, str, bool, float]
"""Model, second, address, outcome, error, answered by a retry, latency."""

attempt_lists = st.lists(
    st.tuples(
        st.sampled_from(["dns", "api"]), st.integers(0, 60), st.sampled_from(["127.0.0.1", "127.0.0.2"]),
        st.sampled_from(["ok", "fail", "info"]), st.sampled_from(["", "refused"]), st.booleans(), st.floats(0.0001, 9),
    ),
    max_size=60,
)  # fmt: skip


def tally_of(attempts: list[Attempt]) -> Tally:
    """Return the tally of these attempts."""
    tally = Tally()
    for model, second, address, outcome, error, retried, seconds in attempts:
        tally.count_attempt(model, second, address, outcome, error, retried=retried)
        tally.record_latency(model, second, seconds)
    return tally


def sorted_entries(tally: Tally) -> list[TallyEntry]:
    """Return the entries in a fixed order."""

    def key(entry: TallyEntry) -> tuple[str, int, str, str, str]:
        return entry.model, entry.second, entry.address, entry.outcome, entry.error

    return sorted(tally.entries(), key=key)


@given(attempt_lists, st.integers(0, 60))
def test_merged_parts_equal_the_whole(attempts: list[Attempt], cut: int) -> None:
    """Two workers' tallies, sent as text, add up to what a single process would have counted."""
    whole, parts = tally_of(attempts), Tally()
    for part in (attempts[:cut], attempts[cut:]):
        parts.add(Tally.loads(tally_of(part).dumps()))
    assert sorted_entries(parts) == sorted_entries(whole)
    for model in ("dns", "api"):
        expected, actual = whole.latencies(model, 10, 50), parts.latencies(model, 10, 50)
        assert actual.count == expected.count
        for share in (50, 95, 99.9):
            assert actual.percentile(share) == expected.percentile(share)


@given(attempt_lists)
def test_each_count_is_taken_once(attempts: list[Attempt]) -> None:
    """Taking the counts leaves an empty tally."""
    tally = tally_of(attempts)
    taken = tally.take()
    assert sorted_entries(taken) == sorted_entries(tally_of(attempts))
    assert sorted_entries(tally) == []
    assert sum(entry.count for entry in taken.entries()) == len(attempts)


@given(st.lists(st.floats(1e-4, 500), min_size=1, max_size=100), st.sampled_from([50.0, 90.0, 99.0, 100.0]))
def test_percentiles_are_exact_to_one_percent(seconds: list[float], share: float) -> None:
    """Percentiles match those of the sorted list, with the histogram's rule for the rank of a percentile."""
    latencies = Latencies()
    for latency in seconds:
        latencies.record(latency)
    rank = max(1, int(len(seconds) * share / 100 + 0.5))
    expected = sorted(seconds)[rank - 1]
    assert latencies.percentile(share) == pytest.approx(expected, rel=2e-2)
    assert Latencies([latencies.encoded()]).percentile(share) == latencies.percentile(share)


@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_contains_its_share(hits: int, more: int) -> None:
    """An interval is within 0 and 1, contains the share, and is narrower with more counts."""
    share = share_of(hits, hits + more)
    assert 0 <= share.low <= share.share <= share.high <= 1 or hits + more == 0
    if hits + more:
        assert share_of(10 * hits, 10 * (hits + more)).high - share_of(10 * hits, 10 * (hits + more)).low <= (
            share.high - share.low
        )


def test_three_errors_in_two_hundred_do_not_prove_more_than_one_percent() -> None:
    """3 of 200 errors (1.5 %) allow a true share below 1 %; 30 of 2,000 hardly do."""
    assert share_of(3, 200).low < 0.01 < share_of(3, 200).share
    assert share_of(30, 2_000).low > 0.0099
    assert (share_of(0, 0).low, share_of(0, 0).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="5 of 4 is not a share"):
        share_of(5, 4)


def test_endpoints_survive_their_text() -> None:
    """Endpoints, which workers on other machines get as text, are the same after a round trip."""
    endpoints = ServiceEndpoints(
        8080, "web.ns", ("127.0.0.2", 53), "http://127.0.0.1:1", "1" * 12, "surveyor", "us-east-1", "ns", "web", "",
        ("127.0.0.3", 80), ("", 0), ClientTask("10.0.0.1", 8080, "t", "http://backend:8080"),
        ("127.0.0.4", 8081),
        Request("HEAD", "/health", "web.ns", (("X-A", "b"),), Tls("web"), ((200, 299),)), 20.0, 0.5, 1_000.0, 10.0,
    )  # fmt: skip
    assert parse_json(dump_json(endpoints), ServiceEndpoints) == endpoints
    assert endpoints.service_seconds(1_002.5) == 25.0


@pytest.mark.parametrize("text", ["", "AAAA", "garbage", "HISTFAAAA", "\u00e9", Latencies().encoded()[:-8]])
def test_a_broken_histogram_is_a_value_error(text: str) -> None:
    """Whatever the text of a histogram in a file is, it is read or refused with ValueError."""
    with pytest.raises(ValueError, match=r"\w"):
        Latencies([text])
