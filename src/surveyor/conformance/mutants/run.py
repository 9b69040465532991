"""Run the suites of each claim against its mutants: a mutant is caught if a test fails, and missed if none does.

A test that fails on the unchanged target as well notices nothing, so that can be checked in the same run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from surveyor.claims.selection import Selection
from surveyor.conformance.mutants.launch import SEED, TARGET
from surveyor.conformance.mutants.model import Mutant
from surveyor.conformance.mutants.plugin import UNCHANGED, UNCHANGED_FIRST, mutant_in, without_mutant
from surveyor.conformance.mutants.processes import ForkedProcesses
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.layout import Layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult
from surveyor.targets.process import StartedProcess
from surveyor.verdicts import Verdict

__all__ = ["MutantResult", "run_mutants"]


@dataclass(frozen=True)
class MutantResult:
    """The results of a claim's tests against one mutant, and against the unchanged target if they ran there."""

    mutant: Mutant
    results: tuple[TestResult, ...]
    unchanged: tuple[TestResult, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no test failed on the unchanged target."""
        return all(result.verdict is Verdict.PASS for result in self.unchanged)

    @property
    def caught(self) -> bool:
        """Whether a test failed because of the mutant. A test with an error has not noticed anything."""
        return self.holds and any(result.verdict is Verdict.FAIL for result in self.results)

    @property
    def reason(self) -> str:
        """The failure that caught the mutant, or the verdicts that the tests gave instead."""
        broken = next((result for result in self.unchanged if result.verdict is not Verdict.PASS), None)
        if broken is not None:
            return f"without the mutant: {broken.verdict} {broken.symptom or broken.detail}"
        failure = next((result for result in self.results if result.verdict is Verdict.FAIL), None)
        if failure is not None:
            return failure.symptom
        if self.results and all(result.verdict is Verdict.PASS for result in self.results):
            return "the suite passed"
        verdicts = {f"{result.verdict} {result.detail}".strip()[:600] for result in self.results}
        return "; ".join(sorted(verdicts)) or "no test ran"


def run_mutants(
    layout: Layout,
    mutants: Sequence[Mutant],
    collector: Collector,
    targets: Iterator[StartedProcess],
    *,
    workers: int = 1,
    unchanged_first: bool = False,
) -> list[MutantResult]:
    """Run all mutants in one pytest session, with the unchanged target if asked; `collector` shows progress.

    `targets`: one for each of the `workers`, which are processes that run tests, see `mutant_targets`. Raises
    KeyboardInterrupt if the run is interrupted.
    """
    selection = Selection(claims=tuple({mutant.claim: None for mutant in mutants}))
    with tempfile.TemporaryDirectory(prefix="surveyor-mutants-") as scratch:
        config = RunConfig(layout, TARGET, Path(scratch), selection, seed=SEED)
        processes = ForkedProcesses(workers, targets, collector)
        options = (UNCHANGED_FIRST,) if unchanged_first else ()
        plugins = "surveyor.conformance.mutants.plugin", processes
        status = run_pytest(config, collector, *plugins, options=options, launched=next(targets))
    if status == pytest.ExitCode.INTERRUPTED and not collector.broken:
        raise KeyboardInterrupt
    results: dict[str, list[TestResult]] = {}
    for result in collector.finished():
        results.setdefault(mutant_in(result.nodeid), []).append(result)
    unchanged = {without_mutant(result.nodeid): result for result in results.pop(UNCHANGED, ())}
    return [
        MutantResult(
            mutant,
            found := tuple(results.get(mutant.id, ())),
            tuple(unchanged[name] for result in found if (name := without_mutant(result.nodeid)) in unchanged),
        )
        for mutant in mutants
    ]
