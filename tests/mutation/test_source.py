"""Source mutants judged for real: a small sample by seed, and edits that would take the machine with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.layout import find_layout
from tests.mutation.edits import SourceMutant
from tests.mutation.reach import Reach
from tests.mutation.source import judge_mutants

pytestmark = pytest.mark.soak
ROOT = find_layout().root
FILE = "surveyor_emulator/aws/cloudmap/namespaces.py"
TEST = "suites/listing/test_filters.py::test_other_namespace_filters_are_refused[TYPE-a-IN]"
HOSTILE = {
    "ends at once": "raise SystemExit(3)",
    "never starts": "while True:\n    pass",
    "takes all memory": "taken = [bytearray(2**28) for _ in range(10**6)]",
}


def test_a_small_sample_is_mostly_noticed() -> None:
    """Of eight edits around IAM, chosen by seed, the suites of that area notice at least half; the seed is printed."""
    command = [sys.executable, "-m", "tests.mutation", "source", "--area", "iam", "--suites", "suites/iam"]
    command += ["--count", "8", "--seed", "7", "--workers", "2", "--budget", "150", "--at-least", "50"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout
    assert "iam" in done.stdout


@pytest.mark.parametrize("line", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_edit_is_judged(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that ends, never starts, or allocates without end counts as noticed, and the next edit is judged."""
    monkeypatch.setattr("tests.mutation.source.cache_folder", lambda: tmp_path)
    source = (ROOT / "src" / FILE).read_text("utf-8")
    hostile = SourceMutant(FILE, 1, "", "test", "", line, f"{source}\n{line}\n")
    harmless = SourceMutant(FILE, 1, "", "test", "", "pass", f"{source}\npass\n")
    reach = Reach({TEST: 0.5}, {FILE: {1: frozenset({TEST})}})
    found = judge_mutants([hostile, harmless], reach, 1, budget=300, say=lambda line: None)
    assert [judged.how for judged in found] == ["died", "survived"]
