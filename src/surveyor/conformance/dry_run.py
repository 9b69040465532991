"""A run on the embedded target as it would go in one account, to learn what it does before anything is paid for."""

from __future__ import annotations

import tempfile
from pathlib import Path

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.run import RunConfig, run_pytest
from surveyor.errors import SurveyorError
from surveyor.layout import Layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult
from surveyor.targets import Target
from surveyor.targets.options import TargetOptions

__all__ = ["rehearse"]

_WORKERS = 2


def rehearse(target: Target, selection: Selection, layout: Layout, collector: Collector) -> list[TestResult]:
    """What each test of a run of `target` would do; the target itself is sent nothing.

    Only tests count that the target has the features for. Raises SurveyorError if the rehearsal breaks.
    """
    claims = load_claims(layout.claims).by_id
    selection.select(load_claims(layout.claims))
    with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch:
        given = TargetOptions(account=target.account)
        order = RunConfig(layout, "embedded", Path(scratch), selection, _WORKERS, given=given)
        run_pytest(order, collector)
    if collector.internal or collector.broken or not collector.results:
        raise SurveyorError(f"the rehearsal broke: {[collector.internal, *collector.broken, 'no test ran'][0] or ''}")
    had = target.features
    return [
        result
        for result in collector.finished()
        if had is None or all(had.issuperset(claims[claim].features) for claim in result.claims)
    ]
