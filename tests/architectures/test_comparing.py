"""The table of architectures, from attempts; and the calls that it is made of."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from surveyor.architectures import KINDS, rows_of
from surveyor.architectures.attempts import Attempt, drive
from surveyor_emulator.runtime.envoy.binary import binary

ATTEMPTS = some.lists(
    some.builds(
        Attempt,
        due=some.floats(0, 20),
        seconds=some.floats(0.0001, 5),
        address=some.just("127.0.0.9"),
        error=some.sampled_from(["", "ConnectionRefusedError"]),
    ),
    max_size=50,
)


@given(some.dictionaries(some.sampled_from(KINDS), ATTEMPTS, min_size=1), some.floats(0, 20))
def test_failures_are_those_after_the_kill(measured: dict[str, list[Attempt]], killed_at: float) -> None:
    """Every attempt after it counts once, and the longest outage ends with the last that failed."""
    for row in rows_of(measured, killed_at, 5.0):
        after = [one for one in measured[row.kind] if one.due >= killed_at]
        failed = [one for one in after if one.error]
        assert (row.attempts, row.failed) == (len(after), len(failed))
        assert row.longest == pytest.approx(max(((one.due - killed_at) * 5 for one in failed), default=0))
        assert 0 <= row.share <= 100
        assert row.hops.startswith({"DNS": "0", "API": "0", "load balancer": "1", "Service Connect": "2"}[row.kind])


def test_calls_keep_their_schedule_and_fail_aloud() -> None:
    """Nobody listens: every call is an attempt that failed, begun when it was due."""
    found = asyncio.run(drive(lambda: ("127.77.9.9", 9), 200, 0.5, 1.0, 0.2, lambda: None))
    assert len(found) == 100
    assert {one.error for one in found} == {"refused"}
    assert [round(one.due, 3) for one in found[:3]] == [0.0, 0.005, 0.01]


def test_nothing_beyond_this_machine_is_called() -> None:
    """An address that is not loopback is refused before a connection is made."""
    with pytest.raises(ValueError, match="not on this machine"):
        asyncio.run(drive(lambda: ("192.0.2.1", 80), 10, 0.1, 1.0, 9.0, lambda: None))
    with pytest.raises(ValueError, match="none or too many"):
        asyncio.run(drive(lambda: ("127.0.0.1", 80), 1_000_000, 10, 1.0, 9.0, lambda: None))


@pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")
def test_the_command_measures_all_four(tmp_path: Path) -> None:
    """A short run: four rows in the order they are called in, DNS hurt more than Service Connect."""
    out = tmp_path / "rows.json"
    arguments = ["--rate", "50", "--seconds", "40", "--scale", "10", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", "architectures", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = {one["kind"]: one for one in json.loads(out.read_text("utf-8"))["rows"]}
    assert list(rows) == list(KINDS)
    assert rows["DNS"]["failed"] > rows["Service Connect"]["failed"]
    assert "seed 7" in done.stdout
