"""A short run of the HTTP fuzzer; the long run is started by hand."""

from __future__ import annotations

import sys

import pytest

from tests.fuzz import http

pytestmark = pytest.mark.soak


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_two_thousand_requests_do_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    """All complete requests (random, damaged, valid) are answered, and none with a 500."""
    assert http.main(["2000", "--seed", "3"]) == 0, capsys.readouterr().out
