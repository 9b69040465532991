"""Claims whose tests ask an account for much, or depend on how fast its clock is."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.report.file import load_report
from surveyor.verdicts import Verdict
from tests.account.conftest import flowing
from tests.account.test_runs import conform, surveyor

MANY = 100
"""More tasks than any test needs."""


@pytest.mark.soak
def test_a_thousand_tasks_are_never_started(tmp_path: Path) -> None:
    """Such services are of the launch type EC2, in a cluster without instances, with a constraint."""
    with flowing(scale=60, egress="routed") as emulator:
        arguments = (*conform(emulator, tmp_path), "--claim", "ecs.registry.a-thousand-tasks", "--workers", "1")
        done = surveyor(emulator, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    [claim] = load_report(tmp_path / "report.json").claims
    calls = [entry for test in claim.tests for entry in test.evidence if entry.get("operation") == "CreateService"]
    services = [entry["params"] for entry in calls if entry.get("service") == "ecs"]
    counts = [params["desiredCount"] for params in services]
    assert max(counts) > MANY
    for params in services:
        assert params["launchType"] == "EC2"
        assert "attribute:surveyor.absent exists" in str(params["placementConstraints"])
    assert not any(entry.get("operation") == "RunInstances" for test in claim.tests for entry in test.evidence)


@pytest.mark.soak
def test_bounds_hold_for_any_scale(tmp_path: Path) -> None:
    """On a clock that flows fast no claim fails because calls take time; what cannot be judged is inconclusive."""
    chosen = (
        "route53.records.batches-are-transactions",
        "health.custom.opposite-cancels",
        "health.custom.repetition-does-not-hasten",
        "health.custom.takes-thirty-seconds",
        "deregistration.last-record-leaves-negative-answer",
    )
    claims = [word for claim in chosen for word in ("--claim", claim)]
    with flowing(scale=300) as emulator:
        surveyor(emulator, *conform(emulator, tmp_path), *claims, "--workers", "1")
    verdicts = {claim.id: claim.verdict for claim in load_report(tmp_path / "report.json").claims}
    assert len(verdicts) == len(chosen)
    assert set(verdicts.values()) <= {Verdict.PASS, Verdict.INCONCLUSIVE}, verdicts
    assert verdicts["route53.records.batches-are-transactions"] is Verdict.PASS


@pytest.mark.soak
def test_a_count_of_calls_is_not_judged_after_a_failure(tmp_path: Path) -> None:
    """A call that a service could not answer is no throttled one, and may have been counted or not."""
    with flowing(scale=1, failures="0.02") as emulator:
        claim = ("--claim", "quotas.discover-revision.rate", "--enable", "throttling")
        surveyor(emulator, *conform(emulator, tmp_path), *claim, "--workers", "1")
    [found] = load_report(tmp_path / "report.json").claims
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "no count is certain" in found.tests[0].detail
