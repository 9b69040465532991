"""The self-check of the instrument: it passes for this client, and fails for a client with hidden retries."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from surveyor.load import self_check
from surveyor.load.self_check import CHECKS, MAX_RUNS, Reading, SelfCheck, self_check_in_subprocess

HIDDEN_RETRY = """
import sys
from gevent import monkey
monkey.patch_all()
from surveyor.load import self_check
once = self_check.attempt
def with_hidden_retry(*args, **options):
    result, kept = once(*args, **options)
    return once(*args[:4], **options) if result.outcome == "fail" else (result, kept)
self_check.attempt = with_hidden_retry
sys.exit(self_check.main())
"""


def run(*words: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Return the exit status, and the readings by their names."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {reading["check"]: reading for reading in json.loads(done.stdout)["readings"]}


@pytest.mark.soak
def test_the_client_counts_all_errors() -> None:
    """All readings are correct: a killed fifth for GET, POST and kept connections, a dead address, a stall."""
    status, readings = run("-m", "surveyor.load.self_check", "7")
    assert status == 0, readings
    assert tuple(readings) == CHECKS
    assert all(reading["correct"] for reading in readings.values())


@pytest.mark.soak
def test_a_client_with_hidden_retries_fails() -> None:
    """A client with hidden retries reports about four percent instead of twenty, and the check fails."""
    status, readings = run("-c", HIDDEN_RETRY)
    assert status == 1
    for name in ("GET killed", "POST killed"):
        assert not readings[name]["correct"]
        assert float(str(readings[name]["reported"])) < 12
    assert readings["stall in p95"]["correct"]


@pytest.mark.parametrize(("passes_at", "runs"), [(1, 1), (2, 2), (MAX_RUNS, MAX_RUNS), (MAX_RUNS + 1, MAX_RUNS)])
def test_a_check_that_was_disturbed_is_repeated(monkeypatch: pytest.MonkeyPatch, passes_at: int, runs: int) -> None:
    """The whole check is repeated until it passes, a few times at most, each time with another seed."""
    seeds: list[int] = []

    def run_once(seed: int) -> SelfCheck:
        seeds.append(seed)
        return SelfCheck((Reading("dead address", 50, 50, 40, 60, 600, correct=len(seeds) >= passes_at),), 1_000)

    monkeypatch.setattr(self_check, "_run_in_subprocess", run_once)
    assert self_check_in_subprocess(7).passed == (passes_at <= MAX_RUNS)
    assert seeds == [7 + number for number in range(runs)]
