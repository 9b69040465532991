"""Run the suites of each claim against its mutant: it is caught if a test fails, and missed if none does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.claims.selection import Selection
from surveyor.conformance.mutants.model import Mutant
from surveyor.conformance.mutants.plugin import claim_in
from surveyor.conformance.run import RunConfig, run_pytest
from surveyor.layout import Layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["MutantResult", "run_mutants"]

TARGET = "mutant"


@dataclass(frozen=True)
class MutantResult:
    """The results of one claim's tests against its mutant."""

    mutant: Mutant
    results: tuple[TestResult, ...]

    @property
    def caught(self) -> bool:
        """Whether a test failed. A test with an error has not noticed anything."""
        return any(result.verdict is Verdict.FAIL for result in self.results)

    @property
    def reason(self) -> str:
        """The failure that caught the mutant, or the verdicts that the tests gave instead."""
        failure = next((result for result in self.results if result.verdict is Verdict.FAIL), None)
        if failure is not None:
            return failure.symptom
        verdicts = {f"{result.verdict} {result.detail}".strip()[:200] for result in self.results}
        return "; ".join(sorted(verdicts)) or "no test ran"


def run_mutants(
    layout: Layout,
    mutants: Sequence[Mutant],
    collector: Collector,
    *,
    workers: int = 1,
    seed: int = 7,
) -> list[MutantResult]:
    """Run all mutants in one pytest session; ``collector`` shows progress."""
    selection = Selection(claims=tuple(mutant.claim for mutant in mutants))
    with tempfile.TemporaryDirectory(prefix="surveyor-mutants-") as scratch:
        config = RunConfig(layout, TARGET, Path(scratch), selection, workers, seed)
        run_pytest(config, collector, "surveyor.conformance.mutants.plugin")
    results: dict[str, list[TestResult]] = {}
    for result in collector.finished():
        results.setdefault(claim_in(result.nodeid), []).append(result)
    return [MutantResult(mutant, tuple(results.get(mutant.claim, ()))) for mutant in mutants]
