"""A run in odd surroundings: no home, no settings in the environment, a checkout whose path has spaces."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.layout import find_layout
from surveyor.report.file import load_report

CLAIM = "listing.namespace-filters"


@pytest.mark.soak
@pytest.mark.parametrize("environment", [{}, {"HOME": "/nonexistent"}], ids=["no HOME", "HOME does not exist"])
def test_a_run_needs_no_home(environment: dict[str, str], tmp_path: Path) -> None:
    """Nothing is read from or written to a home; PATH is the only variable that is there."""
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", "conform", "--target", "embedded", "--claim", CLAIM, "--out", str(out)],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert [claim.verdict for claim in load_report(out / "report.json").claims] == ["pass"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no envoy")
def test_a_run_needs_no_port_below_1024(tmp_path: Path) -> None:
    """What an ordinary user may not bind, no load balancer and no proxy of a run binds."""
    drop = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"] if os.geteuid() == 0 else []
    claims = ("ecs.load-balancer.targets", "service-connect.alias.port-is-of-the-client")
    selected = [word for claim in claims for word in ("--claim", claim)]
    done = subprocess.run(
        [*drop, sys.executable, "-m", "surveyor", "conform", *selected, "--out", str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {claim.id: claim.verdict for claim in load_report(tmp_path / "report.json").claims}
    assert found == dict.fromkeys(claims, "pass"), done.stdout + done.stderr


@pytest.mark.soak
def test_the_checkout_may_have_spaces_in_its_path(tmp_path: Path) -> None:
    """A copy below a folder with spaces lists its make targets, catches a mutant and passes a claim."""
    root, copy = find_layout().root, tmp_path / "some dir" / "with space"
    for name in ("src", "claims", "suites", "targets", "mutants", "chaos", "loadtests", "reports/templates"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py", "Makefile"):
        shutil.copy(root / name, copy / name)
    helped = subprocess.run(["make", "-C", str(copy), "help"], capture_output=True, text=True, check=True)
    assert "make survey" in helped.stdout
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", "mutants", "--claim", CLAIM],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(copy / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " caught, 0 missed" in done.stdout
    done = subprocess.run(
        [sys.executable, "-m", "surveyor", "conform", "--target", "embedded", "--claim", CLAIM],
        cwd=copy, env=os.environ | {"PYTHONPATH": str(copy / "src")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"report: {copy / 'reports' / 'out'}/" in done.stdout
