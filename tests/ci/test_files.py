"""The ready CI files do what they say, run as a CI would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are another package

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
WORKFLOW: dict[str, Any] = yaml.safe_load((CI / "github-actions.yml").read_text())
STEPS: list[dict[str, Any]] = WORKFLOW["jobs"]["conform"]["steps"]
AREA = ("--area", "attributes")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a runner has: `surveyor` on the path, and a file for the summary."""
    scripts = Path(sys.executable).parent
    return {
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def shell(environment: dict[str, str], folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run conform.sh to its end."""
    command = ["sh", str(CI / "conform.sh"), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_shell_passes_a_target_that_is_as_expected(environment: dict[str, str], tmp_path: Path) -> None:
    """Exit 0, a report, and the summary where the runner wants it."""
    done = shell(environment, tmp_path, "embedded", "reports", *AREA)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("as expected\n")
    assert (tmp_path / "reports" / "junit.xml").is_file()
    assert "embedded" in (tmp_path / "summary.md").read_text()


def test_shell_fails_and_says_why(environment: dict[str, str], tmp_path: Path) -> None:
    """Each exit code of surveyor is passed on with a line about it."""
    assert shell(environment, tmp_path).returncode == 2
    unknown = shell(environment, tmp_path, "no-such-target", "reports")
    assert (unknown.returncode, unknown.stderr.splitlines()[-1]) == (2, "wrong usage: nothing was judged")
    gone = shell(environment, tmp_path, "http://127.0.0.1:9", "reports", *AREA)
    assert gone.returncode == 3
    assert "could not be reached" in gone.stderr


def test_workflow_asks_for_little_and_ends(environment: dict[str, str]) -> None:
    """It may read the repository, nothing else, and stops by itself; every action is pinned to a version."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert 0 < WORKFLOW["jobs"]["conform"]["timeout-minutes"] <= 60
    assert all("@v" in step["uses"] for step in STEPS if "uses" in step)


def test_steps_of_the_workflow_run(environment: dict[str, str], tmp_path: Path) -> None:
    """What it runs works as it stands, but for the installation, on one small area of the embedded target."""
    steps = {step["name"]: step for step in STEPS if "run" in step}
    assert list(steps) == ["Install", "Conform", "Summary"]
    assert steps["Install"]["run"].startswith("pip install")
    for name in ("Conform", "Summary"):
        script = steps[name]["run"].replace("--out", f"{' '.join(AREA)} --out")
        env = environment | {"TARGET": "embedded"}
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert "embedded" in (tmp_path / "summary.md").read_text()
    kept = next(step["with"]["path"] for step in STEPS if step.get("uses", "").startswith("actions/upload"))
    assert (tmp_path / kept / "report.html").is_file()
