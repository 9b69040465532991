"""Experiments whose callers use Service Connect: a bad canary, and a lost zone with and without zone-aware routing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from surveyor.chaos.gateway import envoy_binary
from surveyor.report.file import load_report

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(envoy_binary() is None, reason="Envoy is not installed here"),
]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, tuple[float, float]]]:
    """Return the figures of each experiment, all of which must pass."""
    folder = tmp_path_factory.mktemp("shifting")
    names = ("canary-with-a-bad-revision", "lose-a-zone-by-connect", "lose-a-zone-evenly")
    command = [sys.executable, "-m", "surveyor", "chaos", *names, "--out", str(folder), "--seed", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert run.returncode == 0, run.stdout + run.stderr
    experiments = load_report(folder / "report.json").experiments
    return {
        experiment.name: {one.figure: (one.low, one.high) for one in experiment.judged.figures}
        for experiment in experiments
        if experiment.judged is not None
    }


def test_a_bad_canary_costs_its_share_of_the_calls(figures: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """While ten percent are shifted about ten percent of the calls fail, and after the rollback none."""
    found = figures["canary-with-a-bad-revision"]
    low, high = found["calls that failed, canary"]
    assert low < 15
    assert high > 5
    assert found["calls that failed, after the rollback"][0] == 0


def test_zone_aware_routing_keeps_calls_in_the_zone(figures: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    """With six tasks calls stay in the zone until it is lost, and again afterwards; with five they never do."""
    share = "calls answered in the zone of the callers"
    aware, evenly = figures["lose-a-zone-by-connect"], figures["lose-a-zone-evenly"]
    for phase in ("before", "replaced"):
        assert aware[f"{share}, {phase}"][1] > 80
        assert evenly[f"{share}, {phase}"][1] < 80
    for found in (aware, evenly):
        assert found[f"{share}, zone lost"][0] < 50
