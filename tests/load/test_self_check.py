"""The self-check of the instrument: it passes for this client, and fails for a client with hidden retries."""

from __future__ import annotations

import json
import subprocess
import sys

from surveyor.load.self_check import CHECKS

HIDDEN_RETRY = """
import sys
from gevent import monkey
monkey.patch_all()
from surveyor.load import connection, self_check
once = connection.attempt
def with_hidden_retry(*args):
    result, kept = once(*args)
    return once(*args[:4]) if result.outcome == "fail" else (result, kept)
self_check.attempt = with_hidden_retry
sys.exit(self_check.main())
"""


def run(*words: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Return the exit status, and the readings by their names."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {reading["check"]: reading for reading in json.loads(done.stdout)["readings"]}


def test_the_client_counts_all_errors() -> None:
    """All readings are correct: a killed fifth for GET, POST and kept connections, a dead address, a stall."""
    status, readings = run("-m", "surveyor.load.self_check", "7")
    assert status == 0, readings
    assert tuple(readings) == CHECKS
    assert all(reading["correct"] for reading in readings.values())


def test_a_client_with_hidden_retries_fails() -> None:
    """A client with hidden retries reports about four percent instead of twenty, and the check fails."""
    status, readings = run("-c", HIDDEN_RETRY)
    assert status == 1
    for name in ("GET killed", "POST killed"):
        assert not readings[name]["correct"]
        assert float(str(readings[name]["reported"])) < 12
    assert readings["stall in p95"]["correct"]
