"""Deletion at the end of tests in an account that outlives the run."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.targets.options import TargetOptions

if TYPE_CHECKING:
    from tests.conftest import Checkout

SUITE = """
    @pytest.mark.parametrize("number", range(23))
    @proves("alpha.first")
    def test_definitions(make_task_definition, number):
        \"\"\"One each.\"\"\"
        make_task_definition()

    @proves("alpha.second")
    def test_clusters(own_cluster):
        \"\"\"One.\"\"\"
"""


def run(checkout: Checkout, out: Path) -> Collector:
    """Run the suite in one account on an embedded target, and return the results."""
    shutil.copy(find_layout().targets / "embedded.toml", checkout.layout.targets)
    checkout.suite(SUITE)
    collector = Collector()
    options = TargetOptions(account="444455556666")
    run_pytest(RunConfig(checkout.layout, "embedded", out, Selection(), target_options=options), collector)
    assert {result.verdict.value for result in collector.finished()} == {"pass"}
    return collector


@pytest.mark.soak
def test_task_definitions_are_deleted_ten_in_a_call(checkout: Checkout, tmp_path: Path) -> None:
    """Those of 23 tests take two calls; the last three are left for the end of the run. A cluster does not wait."""
    collector = run(checkout, tmp_path / "out")
    calls = Counter[str]()
    for result in collector.finished():
        calls.update(result.calls)
    assert {name: count for name, count in calls.items() if "TaskDefinition" in name} == {
        "ecs:RegisterTaskDefinition": 23, "ecs:DeregisterTaskDefinition": 20, "ecs:DeleteTaskDefinitions": 2
    }  # fmt: skip
    assert (calls["ecs:CreateCluster"], calls["ecs:DeleteCluster"]) == (1, 1)
