"""A load scenario in which the deployment shifts traffic: the service has no registry, and no call fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.chaos.gateway import envoy_binary
from surveyor.report.file import load_report

pytestmark = pytest.mark.soak

PROGRAM = """
from surveyor.chaos import ServiceSetup, visible
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

LINEAR = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1},
          "bakeTimeInMinutes": 0}
SCENARIO = Scenario("halves", "Two halves.", ServiceSetup(count=2, resolve_by="connect", deployment=LINEAR),
                    phases=(Phase("calm", 10), Phase("deployment", 30, fault="service.deploy", until_steady=True)),
                    clients=("service-connect",), checks=(visible(within=60, view="connect"),))
globals().update(play(SCENARIO))
"""


@pytest.mark.skipif(envoy_binary() is None, reason="Envoy is not installed here")
def test_a_deployment_in_two_halves_fails_no_call(tmp_path: Path) -> None:
    """Clients by Service Connect call during both shifts, and get an answer to each call but for a few."""
    (tmp_path / "halves.py").write_text(PROGRAM, "utf-8")
    command = [sys.executable, "-m", "surveyor", "load", str(tmp_path / "halves.py"), "--out", str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stdout + run.stderr
    [experiment] = load_report(tmp_path / "out" / "report.json").experiments
    rows = {row.phase: row for row in experiment.clients}
    assert rows["deployment"].attempts > 50
    assert rows["deployment"].failed[0] < 5, rows  # a busy machine has failures, too
