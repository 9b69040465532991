"""Runs of suites in this process."""

from __future__ import annotations

import sys

from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import run_suites
from tests.conftest import Checkout


def test_a_second_run_in_one_process_has_the_same_test_ids(checkout: Checkout) -> None:
    """The ids of parameters do not depend on earlier runs, and no module stays behind."""
    checkout.suite("""
        from surveyor.testing import for_each

        @proves("alpha.first")
        @for_each("text", ["\u00e9", "a\\tb"])
        def test_text(text):
            assert not text
    """)
    config = RunConfig(checkout.layout, "fake", checkout.layout.root / "out", Selection())
    ids = [[test.id for claim in run_suites(config).claims for test in claim.tests] for _ in range(2)]
    assert ids[0] == ids[1] != []
    assert not [name for name in sys.modules if name.endswith("test_alpha")]
