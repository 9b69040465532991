"""A load scenario with the stand-in for API Gateway, and one with a host beside the tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.chaos.gateway import envoy_binary
from surveyor.report.experiments import WHOLE, ClientRow
from surveyor.report.file import load_report

pytestmark = pytest.mark.soak

PROGRAM = """
from surveyor.chaos import ServiceSetup, no_ghost
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario("short", "It is short.", ServiceSetup(count=2, ttl=5, SETUP), phases=(PHASES), scale=8, rate=8,
                    clients=(CLIENTS), checks=(no_ghost(after=120),))
globals().update(play(SCENARIO))
"""


def played(folder: Path, setup: str, phases: str, clients: str) -> dict[tuple[str, str], ClientRow]:
    """Play a scenario, which must pass, and return its rows by client and phase."""
    text = PROGRAM.replace("SETUP", setup).replace("PHASES", phases).replace("CLIENTS", clients)
    (folder / "short.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "surveyor", "load", str(folder / "short.py"), "--out", str(folder / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
    assert run.returncode == 0, run.stdout + run.stderr
    [experiment] = load_report(folder / "out" / "report.json").experiments
    return {(row.client, row.phase): row for row in experiment.clients}


@pytest.mark.skipif(envoy_binary() is None, reason="Envoy is not installed here")
def test_api_gateway_calls_the_tasks(tmp_path: Path) -> None:
    """Its stand-in finds the tasks by their ports, and its calls are counted beside those of DNS."""
    rows = played(tmp_path, "gateway=True", 'Phase("calm", 60),', '"api-gateway", "dns"')
    for client in ("api-gateway", "dns"):
        row = rows[client, WHOLE]
        assert row.attempts > 20
        assert row.failed[0] < 10, row


def test_a_host_fails_only_while_it_is_registered(tmp_path: Path) -> None:
    """Clients call a host that is registered beside tasks: they get failures from the time at which it fails."""
    phases = """
        Phase("serves", 30, fault="host.register", keep=True), Phase("fails", 30, fault="host.fail", keep=True),
        Phase("left", 20, ends=("host.register",)), Phase("later", 20),
    """
    rows = played(tmp_path, "host=True", phases, '"api-healthy",')
    failed = {phase: rows["api-healthy", phase].failed[0] for phase in ("serves", "fails", "later")}
    assert failed["fails"] > 10, failed
    assert max(failed["serves"], failed["later"]) < failed["fails"] / 2, failed  # a busy machine has failures, too
