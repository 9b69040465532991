"""The verdicts that stay when a run is resumed, and the report of both."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from surveyor.account.refusals import NOT_PERMITTED
from surveyor.report.model import ConformanceReport, TestReport
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.verdicts import Verdict

__all__ = ["add_times", "is_judged", "judged_tests", "kept_results"]


def is_judged(test: TestReport) -> bool:
    """Return whether a test has a verdict that stays; with other credentials, what was not permitted may be."""
    denied = test.verdict is Verdict.INCONCLUSIVE and NOT_PERMITTED in test.symptom
    return test.verdict not in (Verdict.ERROR, Verdict.NOT_RUN) and not denied


def judged_tests(report: ConformanceReport) -> dict[str, TestReport]:
    """Return the tests whose verdicts stay, by node id."""
    return {test.id: test for claim in report.claims for test in claim.tests if is_judged(test)}


def kept_results(earlier: ConformanceReport, facts: Sequence[WorkerFacts]) -> list[TestResult]:
    """Return the verdicts that stay of the tests that still exist, for the claims that they prove now."""
    proofs = {nodeid: claims for worker in facts for nodeid, claims in worker.collected.items()}
    return [
        TestResult(
            *(test.id, proofs[test.id], test.verdict, test.symptom, test.detail, test.evidence),
            operation=test.operation,
            cause=test.cause,
        )
        for test in judged_tests(earlier).values()
        if test.id in proofs
    ]


def add_times(report: ConformanceReport, earlier: ConformanceReport) -> ConformanceReport:
    """Return the report of a run that resumed another, with the start, the durations and the experiments of both."""
    return structs.replace(
        report,
        started=earlier.started,
        wall_seconds=round(earlier.wall_seconds + report.wall_seconds, 3),
        service_seconds=round(earlier.service_seconds + report.service_seconds, 3),
        experiments=(*earlier.experiments, *report.experiments),
    )
