"""The instrument check: right for this client, and wrong for one that hides what it should count."""

from __future__ import annotations

import json
import subprocess
import sys

from surveyor.load.self_check import CHECKS

PATCHED = """
import sys
from gevent import monkey
monkey.patch_all()
from surveyor.load import instrument, wire
once = wire.attempt
def hiding(*args):
    answer, kept = once(*args)
    return once(*args[:4]) if answer.outcome == "fail" else (answer, kept)  # tries again in silence
instrument.attempt = hiding
sys.exit(instrument.main())
"""


def run(*words: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Exit status and readings by their names."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)["readings"]}


def test_the_client_counts_what_goes_wrong() -> None:
    """A killed fifth, for GET and POST, kept connections, a dead address and a stall: all right."""
    status, readings = run("-m", "surveyor.load.self_check", "7")
    assert status == 0, readings
    assert tuple(readings) == CHECKS
    assert all(one["right"] for one in readings.values())


def test_a_client_that_tries_again_in_silence_is_found_out() -> None:
    """It reports some four percent, and the check says that this is wrong."""
    status, readings = run("-c", PATCHED)
    assert status == 1
    for name in ("GET killed", "POST killed"):
        assert not readings[name]["right"]
        assert float(str(readings[name]["reported"])) < 12
    assert readings["stall in p95"]["right"]
