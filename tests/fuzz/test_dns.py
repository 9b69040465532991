"""The DNS fuzzer finds nothing; FULL=1 runs its long form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]
FULL = bool(os.environ.get("FULL"))
COUNT = "500000" if FULL else "5000"


def test_packets_do_no_harm() -> None:
    """Packets of a fixed seed are answered, and memory does not grow."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.dns", COUNT, "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1_800 if FULL else 120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 1\n")
