"""The DNS fuzzer runs and finds nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.soak

ROOT = Path(__file__).parents[2]


def test_a_short_run_against_dns_finds_nothing() -> None:
    """A few thousand packets of a fixed seed do no harm; longer runs are manual (python -m tests.fuzz.dns 500000)."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.dns", "5000", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("seed 1\n")
