"""Run suites on the embedded target as they would run in one account, to learn what they do before it costs money."""

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

__all__ = ["dry_run"]

_WORKERS = 2


def dry_run(target: Target, selection: Selection, layout: Layout, collector: Collector) -> list[TestResult]:
    """Return what each test of a run of `target` would do; nothing is sent to the target itself.

    Tests that need features which the target lacks are left out. Raises SurveyorError if the dry run fails.
    """
    claims = load_claims(layout.claims).by_id
    selection.select(load_claims(layout.claims))
    with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch:
        options = TargetOptions(account=target.account)
        config = RunConfig(layout, "embedded", Path(scratch), selection, _WORKERS, target_options=options)
        run_pytest(config, collector)
    if collector.internal or collector.broken or not collector.results:
        raise SurveyorError(f"the dry run failed: {[collector.internal, *collector.broken, 'no test ran'][0] or ''}")
    features = target.features
    return [
        result
        for result in collector.finished()
        if features is None or all(features.issuperset(claims[claim].features) for claim in result.claims)
    ]
