"""The HTTP fuzzer finds nothing; FULL=1 runs its long form."""

from __future__ import annotations

import os
import sys

import pytest

from tests.fuzz import http

pytestmark = pytest.mark.soak


COUNT = "500000" if os.environ.get("FULL") else "2000"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_requests_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """All complete requests (random, damaged, valid) are answered, and none with a 500."""
    assert http.main([COUNT, "--seed", "3"]) == 0, capsys.readouterr().out
