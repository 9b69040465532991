"""Each mutant against the suites of the claim that it breaks: caught if one of them fails, missed if none does."""

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

__all__ = ["Outcome", "run_mutants"]

TARGET = "mutant"


@dataclass(frozen=True)
class Outcome:
    """What the suites of one claim said of its mutant."""

    mutant: Mutant
    results: tuple[TestResult, ...]

    @property
    def caught(self) -> bool:
        """Whether a test failed. A test that broke has noticed nothing."""
        return any(result.verdict is Verdict.FAIL for result in self.results)

    @property
    def told(self) -> str:
        """What gave it away, or what the tests said instead."""
        decisive = next((one for one in self.results if one.verdict is Verdict.FAIL), None)
        if decisive is not None:
            return decisive.symptom
        return "; ".join(sorted({f"{one.verdict} {one.detail}".strip()[:200] for one in self.results})) or "no test ran"


def run_mutants(
    layout: Layout,
    mutants: Sequence[Mutant],
    collector: Collector,
    *,
    workers: int = 1,
    seed: int = 7,
) -> list[Outcome]:
    """Run them all, in one session of pytest; ``collector`` shows progress."""
    chosen = Selection(claims=tuple(one.claim for one in mutants))
    with tempfile.TemporaryDirectory(prefix="surveyor-mutants-") as scratch:
        order = RunConfig(layout, TARGET, Path(scratch), chosen, workers, seed)
        run_pytest(order, collector, "surveyor.conformance.mutants.plugin")
    results: dict[str, list[TestResult]] = {}
    for result in collector.finished():
        results.setdefault(claim_in(result.nodeid), []).append(result)
    return [Outcome(one, tuple(results.get(one.claim, ()))) for one in mutants]
