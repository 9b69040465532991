"""The comparison of architectures: the table, and the scheduled calls."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.architectures import KINDS, rows_of
from surveyor.architectures.attempts import ScheduledAttempt, drive
from surveyor_emulator.runtime.envoy.binary import binary

ATTEMPTS = st.lists(
    st.builds(
        ScheduledAttempt,
        due=st.floats(0, 20),
        seconds=st.floats(0.0001, 5),
        address=st.just("127.0.0.9"),
        error=st.sampled_from(["", "ConnectionRefusedError"]),
    ),
    max_size=50,
)


@given(st.dictionaries(st.sampled_from(KINDS), ATTEMPTS, min_size=1), st.floats(0, 20))
def test_only_failures_after_the_kill_count(measured: dict[str, list[ScheduledAttempt]], killed_at: float) -> None:
    """Every attempt after the kill counts once, and `longest` ends with the last failed attempt."""
    for row in rows_of(measured, killed_at, 5.0):
        after = [attempt for attempt in measured[row.kind] if attempt.due >= killed_at]
        failed = [attempt for attempt in after if attempt.error]
        assert (row.attempts, row.failed) == (len(after), len(failed))
        assert row.longest == pytest.approx(max(((attempt.due - killed_at) * 5 for attempt in failed), default=0))
        assert 0 <= row.share <= 100
        assert row.hops.startswith({"DNS": "0", "API": "0", "load balancer": "1", "Service Connect": "2"}[row.kind])


def test_calls_keep_their_schedule_and_failures_are_reported() -> None:
    """Without a listener every call is a failed attempt that started at its due time."""
    attempts = asyncio.run(drive(lambda: ("127.77.9.9", 9), 200, 0.5, 1.0, 0.2, lambda: None))
    assert len(attempts) == 100
    assert {attempt.error for attempt in attempts} == {"refused"}
    assert [round(attempt.due, 3) for attempt in attempts[:3]] == [0.0, 0.005, 0.01]


def test_nothing_beyond_this_machine_is_called() -> None:
    """An address that is not loopback is refused before a connection is made."""
    with pytest.raises(ValueError, match="not on this machine"):
        asyncio.run(drive(lambda: ("192.0.2.1", 80), 10, 0.1, 1.0, 9.0, lambda: None))
    with pytest.raises(ValueError, match="expected 1 to 200000 calls, got 10000000"):
        asyncio.run(drive(lambda: ("127.0.0.1", 80), 1_000_000, 10, 1.0, 9.0, lambda: None))


@pytest.mark.soak
@pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")
def test_the_command_measures_all_four(tmp_path: Path) -> None:
    """A short run has four rows in the order of the calls, and more failed calls by DNS than by Service Connect."""
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
    rows = {row["kind"]: row for row in json.loads(out.read_text("utf-8"))["rows"]}
    assert list(rows) == list(KINDS)
    assert rows["DNS"]["failed"] > rows["Service Connect"]["failed"]
    assert "seed 7" in done.stdout
