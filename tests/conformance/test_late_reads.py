"""Suites whose reads lag their writes, as those of ECS and EC2 may: no claim fails by a read that was too early.

Rules of EventBridge take effect late, too, and the account adds a container to each task: no claim fails for an event
that was sent before, or for a container that is not its own.

FULL=1 runs the whole areas with three seeds, which takes an hour on a busy machine.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.claims.loading import load_claims
from surveyor.layout import find_layout

pytestmark = pytest.mark.soak

AREAS = ("ecs", "service-connect")
LAG = 5
"""Service seconds: enough that reads right after a write are late in each test."""

SAMPLE = 8
SEEDS = (1, 2, 3) if os.environ.get("FULL") else (1,)
RULE_LAG = 30
READ_AFTER_WRITE = ("ecs.tags.of-each-resource", "ecs.cluster.settings", "service-connect.config.is-described")
"""Claims that fail if each read is made once."""
EVENTS = "ecs.events.deployment-states"
"""A claim that fails if a rule is expected to match at once."""

CONTAINERS = "ecs.life.essential-containers"
"""A claim that fails if all containers of a task are taken for those of its definition."""


def selected() -> list[str]:
    """Return the options that select the claims of this run."""
    if os.environ.get("FULL"):
        return [part for area in AREAS for part in ("--area", area)]
    areas = [area for area in load_claims(find_layout().claims).areas if area.name in AREAS]
    proven = [claim.id for area in areas for claim in area.claims if claim.unproven is None]
    chosen = {*READ_AFTER_WRITE, EVENTS, CONTAINERS, *random.Random(5).sample(proven, SAMPLE)}
    return [part for claim in sorted(chosen) for part in ("--claim", claim)]


def run(folder: Path, seed: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command against a target whose reads and rules lag, and whose tasks have another container."""
    text = (find_layout().targets / "embedded.toml").read_text()
    settings = (f"read_lag={LAG}", f"rule_lag={RULE_LAG}", "sidecars=guardduty")
    late = text.replace('"{seed}",', '"{seed}",' + "".join(f' "--set", "{setting}",' for setting in settings))
    assert late != text
    (folder / "late.toml").write_text(late)
    options = ["--target", "late.toml", "--workers", "1", "--seed", str(seed), "--out", "out"]
    whole = [sys.executable, "-m", "surveyor", *command, *options]
    return subprocess.run(whole, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_claim_fails_while_reads_lag(tmp_path: Path, seed: int) -> None:
    """With reads that are late by up to five service seconds the claims hold as without."""
    finished = run(tmp_path, seed, "conform", *selected())
    report = json.loads((tmp_path / "out/report.json").read_text())
    tests = {test["id"]: test for claim in report["claims"] for test in claim["tests"]}
    wrong = {key: test["detail"] for key, test in tests.items() if test["verdict"] in ("fail", "error")}
    assert not wrong
    assert finished.returncode == 0, finished.stdout[-2_000:]
    assert len(tests) >= SAMPLE


def test_no_recording_is_contradicted_while_reads_lag(tmp_path: Path) -> None:
    """A task that was just started is read again until it is described."""
    finished = run(tmp_path, 1, "recordings", "check", "--recording", "ecs-health-unknown-while-starting")
    assert finished.returncode == 0, finished.stdout[-2_000:]
