"""Evidence of another service or of another deployment is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.errors import UsageError
from surveyor.gate.deployments import GatedDeployment
from surveyor.gate.provenance import MeasuredRun, require_evidence_of, run_of_history
from tests.checkers.simulated_services import SimulatedService, deployments, history_of

NOW = 1_000_000.0
DEPLOYMENT = GatedDeployment("arn/b", "IN_PROGRESS", age=120.0, created=NOW - 120)
OVER = replace(DEPLOYMENT, status="SUCCESSFUL", since_end=60.0)


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (MeasuredRun("r", "shop/web", watched="arn/b"), ""),
        (MeasuredRun("r", "shop/web", watched="arn/a"), "it is of another deployment, arn/a"),
        (MeasuredRun("r", "shop/api", watched="arn/b"), "it measured shop/api, not shop/web"),
        (MeasuredRun("r", ""), "it measured a service that Surveyor created, not shop/web"),
        (MeasuredRun("r", "shop/web", deployments=frozenset({"arn/b"}), began=NOW - 9_000, ended=NOW - 8_000), ""),
        (MeasuredRun("r", None, began=NOW - 100, ended=NOW - 10), ""),
        (MeasuredRun("r", None, ended=NOW - 600), "it ended 480 s before the deployment began"),
        (MeasuredRun("r", "shop/web", began=NOW - 700, ended=NOW - 600), "it ended 480 s before the deployment began"),
        (MeasuredRun("r", "shop/web", began=NOW - 15, ended=NOW - 10, scale=10.0), ""),
        (MeasuredRun("r", "shop/web", began=NOW - 60, ended=NOW - 40, scale=10.0), "it ended 280 s before"),
        (MeasuredRun("r", None), ""),
    ],
)
def test_evidence_must_be_of_the_deployment(run: MeasuredRun, problem: str) -> None:
    """The ARN decides if the run has one, the service and the time if not; times are compared as ages."""
    if not problem:
        require_evidence_of(DEPLOYMENT, [run], "shop/web", NOW)
        return
    with pytest.raises(UsageError) as refusal:
        require_evidence_of(DEPLOYMENT, [run], "shop/web", NOW)
    assert f"r: {problem}" in str(refusal.value)
    assert "nothing was done with arn/b" in str(refusal.value)


def test_a_run_after_the_end_of_a_deployment_is_refused() -> None:
    """What is measured later is due to what was done later."""
    require_evidence_of(OVER, [MeasuredRun("r", "shop/web", began=NOW - 100, ended=NOW - 5)], "shop/web", NOW)
    late = replace(OVER, since_end=600.0)
    with pytest.raises(UsageError, match="it began 590 s after the deployment was over"):
        require_evidence_of(late, [MeasuredRun("r", "shop/web", began=NOW - 10, ended=NOW - 5)], "shop/web", NOW)


def test_times_of_a_clock_that_cannot_be_read_prove_nothing() -> None:
    """An emulator whose time flows faster, reached as an account, has deployments of the future."""
    ahead = replace(DEPLOYMENT, age=-300.0, created=NOW + 300)
    require_evidence_of(ahead, [MeasuredRun("r", None, ended=NOW - 600)], "shop/web", NOW)


def test_a_history_names_the_deployments_that_were_in_progress() -> None:
    """Those that were over before its beginning are not meant."""
    states = {
        "a": {"status": "SUCCESSFUL", "created": -500.0, "finished": -400.0},
        "b": {"status": "SUCCESSFUL", "created": -10.0, "finished": 50.0},
        "c": {"status": "IN_PROGRESS", "created": 60.0},
    }
    history = history_of(SimulatedService((), period=1e9, calls=1e9).but(deployments(21, "c", **states)))
    run = run_of_history(Path("watch.jsonl"), history)
    assert run.watched.endswith("c")
    assert {arn.rpartition("/")[2] for arn in run.deployments} == {"b", "c"}
