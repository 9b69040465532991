"""What a claim costs: wall time and calls of a conformance run on the embedded target."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.registry import Measurement
from bench.servers import ServerSpec

__all__ = ["CALLS", "TIME", "measure"]

TIME = "conformance, wall time per judged claim"
CALLS = "conformance, calls per judged claim"


def measure(spec: ServerSpec, print_progress: Callable[[str], None]) -> Iterator[Measurement]:
    """Run the whole conformance suite once, with as many processes as it chooses."""
    print_progress(f"{spec.name}: conformance")
    with tempfile.TemporaryDirectory(prefix="surveyor-bench-") as scratch:
        out = Path(scratch) / "out"
        command = [sys.executable, "-m", "surveyor", "conform", "--target", spec.name, "--out", str(out)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        # 1: a verdict is not as expected, which the figures do not depend on.
        if run.returncode not in (0, 1):
            raise SystemExit(f"the conformance run failed with exit code {run.returncode}: {run.stderr[-400:]}")
        report = json.loads((out / "report.json").read_text("utf-8"))
    judged = report["score"]["judged"]
    if not judged:
        raise SystemExit("the conformance run judged no claim")
    yield Measurement(TIME, spec.name, report["wallSeconds"] / judged, "s")
    yield Measurement(CALLS, spec.name, _count_calls(report) / judged, "calls")


def _count_calls(report: Any) -> int:
    """Return the number of recorded calls; a test that judges several claims is counted once."""
    entries_by_test = {
        record["test"]: record["entries"] for claim in report["claims"] for record in claim.get("evidence") or ()
    }
    # Equal calls are one entry with their number. An entry that was left out is a call or more.
    return sum(
        entry.get("times", 1) if entry["kind"] == "call" else entry.get("skipped", 0)
        for entries in entries_by_test.values()
        for entry in entries
    )
