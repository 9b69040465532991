"""The workers of a run share one rate of calls to Route 53, so that others are not throttled."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.account.call_rate import RATE_FILE, SharedRate, calls_route53


class Time:
    """Time that passes when something waits."""

    def __init__(self) -> None:
        self.now, self.waited = 1_000.0, 0.0

    def wait(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds
        self.waited += seconds


def _rate(time: Time, file: Path | None = None) -> SharedRate:
    return SharedRate(lambda: time.now, time.wait, file)


def test_workers_share_three_calls_a_second(tmp_path: Path) -> None:
    """Ten calls are sent at once, the others as fast as the bucket fills, whichever worker makes them."""
    time = Time()
    workers = [_rate(time, tmp_path / "ledgers" / RATE_FILE) for _ in range(3)]
    for number in range(40):
        workers[number % 3].take()
    assert time.waited == pytest.approx(30 / 3, abs=0.01)


def test_a_bucket_of_one_process_needs_no_file() -> None:
    """A rehearsal has a bucket for each target."""
    time = Time()
    rate = _rate(time)
    for _ in range(13):
        rate.take()
    assert time.waited == pytest.approx(1, abs=0.01)
    time.now += 60
    rate.take()
    assert time.waited == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("text", ["", "[", "[1]", "null", "[NaN, 3]", '["a", "b"]', "[1, 2, 3]", "\x00\x1b[2J"])
def test_a_file_that_is_cut_short_is_a_full_bucket(tmp_path: Path, text: str) -> None:
    """A worker that was killed while it wrote does not stop the others."""
    file, time = tmp_path / RATE_FILE, Time()
    file.write_text(text)
    _rate(time, file).take()
    assert time.waited == 0


def test_a_clock_that_was_set_back_stops_no_call(tmp_path: Path) -> None:
    """A run that is resumed on another machine may find a later time in the file."""
    time, file = Time(), tmp_path / RATE_FILE
    _rate(time, file).take()
    time.now -= 500
    for _ in range(9):
        _rate(time, file).take()
    assert time.waited == 0


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("route53", "ListHostedZones", True),
        ("servicediscovery", "RegisterInstance", True),
        ("servicediscovery", "CreatePublicDnsNamespace", True),
        ("servicediscovery", "GetOperation", False),
        ("ecs", "RegisterTaskDefinition", False),
    ],
)
def test_calls_that_cloud_map_makes_count_too(service: str, operation: str, *, expected: bool) -> None:
    """Cloud Map changes zones as its caller, and takes from the same bucket."""
    assert calls_route53(service, operation) is expected
