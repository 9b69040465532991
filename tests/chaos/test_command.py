"""The commands `surveyor chaos` and `surveyor verify`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.chaos.faults import FAULTS
from surveyor.checkers import CHECKERS
from surveyor.layout import find_layout
from tests.checkers.simulated_services import SimulatedService, SimulatedTask, lines_of, look
from tests.report.test_experiments import CHECKS


def surveyor(*words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command with an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "surveyor", *words],
        capture_output=True,
        text=True,
        env=kept,
        timeout=timeout,
        check=False,
    )


@pytest.mark.soak
def test_an_experiment_passes_and_check_repeats_its_verdict(tmp_path: Path) -> None:
    """An experiment passes, and `surveyor verify` gives the same verdict from its history, byte for byte."""
    run = surveyor("chaos", "kill-one-of-many", "--out", str(tmp_path), "--scale", "15")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "kill-one-of-many: pass" in run.stdout
    assert "kill-one-of-many: seed 7: task.kill: " in run.stderr
    figures = {line.split(":")[0].strip(): line for line in run.stdout.splitlines() if "  " in line[:2]}
    assert "(measured, not checked)" not in figures["danger window"]
    assert figures["zero-healthy gap"].endswith(" s (measured, not checked)")
    history = tmp_path / "histories" / "kill-one-of-many.jsonl"
    again = surveyor("verify", str(history), "--json")
    assert again.returncode == 0
    assert again.stdout == history.with_suffix(".verdict.json").read_text("utf-8")
    for name in ("report.html", "report.json", "junit.xml", "summary.md"):
        assert (tmp_path / name).stat().st_size > 0
    [reported] = json.loads((tmp_path / "report.json").read_text("utf-8"))["experiments"]
    assert {check["check"] for check in reported["judged"]["checks"]} <= CHECKERS.keys()
    # A dead task is called until cached answers expire, of which the TTL of 20 s may be nearly over when it dies.
    assert 0 <= reported["judged"]["figures"][0]["high"] <= 20 + 15
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'class="life running"' in page


def test_a_planted_resurrection_is_proved_by_three_events(tmp_path: Path) -> None:
    """A task that is in a view, absent, and in it again fails the check with three events as witness; exit code 1."""
    world = SimulatedService(
        (SimulatedTask("stays", "127.0.0.1", 0.0), SimulatedTask("risen", "127.0.0.2", 0.0, 100.0))
    )
    path = tmp_path / "planted.jsonl"
    path.write_text(
        "\n".join(lines_of(world.but(look(140.33, "discover", ["risen", "stays"])), CHECKS[0])) + "\n", "utf-8"
    )
    run = surveyor("verify", str(path))
    assert run.returncode == 1
    [verdict] = [line for line in run.stdout.splitlines() if line.startswith("  fail")]
    assert "risen was in discover at 100.0 s, was not at 101.0 s, and was again at 140.3 s" in verdict
    events = [line for line in run.stdout.splitlines() if "   event " in line]
    assert len(events) == 3


@pytest.mark.soak
def test_the_list_names_all_experiments_and_faults() -> None:
    """`--list` names each experiment of chaos/ and each fault."""
    run = surveyor("chaos", "--list")
    assert run.returncode == 0
    for path in find_layout().chaos.glob("*.py"):
        assert f"  {path.stem.replace('_', '-')} " in run.stdout
    for name in FAULTS:
        assert f"  {name} " in run.stdout


@pytest.mark.soak
def test_a_dry_run_names_the_victims_and_injects_nothing(tmp_path: Path) -> None:
    """Two dry runs with the same seed choose the same victims, and record neither a fault nor a poll nor a call."""
    runs = [surveyor("chaos", "kill-half", "--dry-run", "--out", str(tmp_path / str(n))) for n in range(2)]
    for run in runs:
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stderr.count("(127.") == 3
        assert run.stdout == "nothing was injected\n"
    chosen = [re.sub(r"127[0-9.]+", "", run.stderr) for run in runs]  # addresses depend on what is free here
    assert chosen[0] == chosen[1]
    events = (tmp_path / "0" / "histories" / "kill-half.jsonl").read_text("utf-8").partition("\n")[2]
    assert "fault" not in events
    assert "invoke" not in events


@pytest.mark.soak
def test_a_named_experiment_that_is_unsupported_is_not_a_success(tmp_path: Path) -> None:
    """A named experiment that the target does not support ends with exit code 5 and its reason."""
    target = tmp_path / "plain.toml"
    target.write_text(
        (find_layout().targets / "embedded.toml").read_text("utf-8").replace('"ecs-processes", ', ""), "utf-8"
    )
    assert "ecs-processes" not in target.read_text()
    run = surveyor("chaos", "kill-half", "--target", str(target), "--out", str(tmp_path / "out"))
    assert run.returncode == 5, run.stdout + run.stderr
    assert "kill-half could not be judged: plain lacks ecs-processes" in run.stderr


@pytest.mark.soak
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("chaos", "kill-one-of-mony"), "did you mean 'kill-one-of-many'"),
        (("chaos", "--target", "embeded"), "did you mean 'embedded'"),
        (("chaos", "kill-half", "--service", "shop/web"), "is started for the run and has no service shop/web yet"),
        (("chaos", "kill-half", "--service", "shop", "--target", "aws", "--account", "1"), "12 digits"),
        (("chaos", "kill-half", "--ttl", "-4"), "whole seconds, got -4"),
        (("chaos", "kill-half", "--scale", "1000"), "--scale"),
        (("chaos", "--fault", "task.kil"), "did you mean 'task.kill'"),
        (("verify", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
        (("verify", __file__), "line 1 is not a JSON object"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """Wrong usage ends with exit code 2 and one line, before anything is written."""
    run = surveyor(*words, *(("--out", str(tmp_path / "out")) if words[0] == "chaos" else ()))
    assert run.returncode == 2
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()
