"""The suites hold in one account, where tests share what is slow to make."""

from __future__ import annotations

from pathlib import Path

from surveyor.conformance.run import RunConfig, run_suites
from surveyor.layout import find_layout
from surveyor.targets.options import TargetOptions
from surveyor.verdicts import Verdict


def test_suites_hold_in_one_account(tmp_path: Path) -> None:
    """Every claim is judged there as in accounts of the tests' own."""
    order = RunConfig(find_layout(), "embedded", tmp_path, given=TargetOptions(account="111122223333"))
    report = run_suites(order)
    assert [claim.id for claim in report.claims if not claim.expected] == []
    assert sum(claim.verdict is Verdict.PASS for claim in report.claims) > 100
