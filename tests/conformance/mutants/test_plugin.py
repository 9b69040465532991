"""What a failed test of a run against mutants means for the tests that remain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.conformance.mutants import plugin
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import TestResult
from surveyor.typed_json import dump_json
from surveyor.verdicts import Verdict


@pytest.mark.parametrize(
    ("mutant", "verdict", "caught"),
    [
        ("a.b#1", Verdict.FAIL, {"a.b#1"}),
        ("a.b#1", Verdict.PASS, set()),
        ("a.b#1", Verdict.ERROR, set()),
        (plugin.UNCHANGED, Verdict.FAIL, set()),
    ],
)
def test_a_failed_test_spares_those_of_its_mutant(mutant: str, verdict: Verdict, caught: set[str]) -> None:
    """The mutant is caught. Those of the unchanged target all run, so that each one that fails there is named."""
    config: Any = SimpleNamespace(stash=pytest.Stash())
    plugin.pytest_configure(config)
    item: Any = SimpleNamespace(nodeid=f"test_a[{plugin.MARK}{mutant}=]", config=config)
    report: Any = SimpleNamespace(**{RESULT: dump_json(TestResult("test_a", ("a.b",), verdict))})
    hook = plugin.pytest_runtest_makereport(item)
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    assert config.stash[plugin._CAUGHT] == caught
