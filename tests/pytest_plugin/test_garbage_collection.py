"""A run of suites collects garbage rarely, and leaves the process as it was."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
from types import SimpleNamespace
from surveyor.pytest_plugin import garbage_collection

def state():
    return gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 0

before = state()
garbage_collection.pytest_configure()
during_collection = state()
garbage_collection.pytest_collection_finish()
during_tests = state()
garbage_collection.pytest_unconfigure(SimpleNamespace())
print([before, during_collection, during_tests, state()] == [
    (True, before[1], False), (False, before[1], False), (True, 50_000, True), before,
])
"""


def test_garbage_is_collected_rarely_during_a_run_and_as_before_afterwards() -> None:
    """Nothing is collected while tests are; what they made then is not looked at again; the end restores the rules."""
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ended.stdout == "True\n"
