"""`surveyor chaos` and `surveyor check` as their users meet them."""

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
from tests.checkers.worlds import Made, World, lines_of, look
from tests.report.test_experiments import CHECKS


def surveyor(*words: str, within: float = 120) -> subprocess.CompletedProcess[str]:
    """Run it with an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "surveyor", *words],
        capture_output=True,
        text=True,
        env=kept,
        timeout=within,
        check=False,
    )


def test_an_experiment_and_its_verdict_again(tmp_path: Path) -> None:
    """One is done for real, ends with a pass, and its history gives the same verdict, byte for byte."""
    run = surveyor("chaos", "kill-one-of-many", "--out", str(tmp_path), "--scale", "15")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "kill-one-of-many: pass" in run.stdout
    assert "kill-one-of-many: seed 7: task.kill: " in run.stderr
    history = tmp_path / "histories" / "kill-one-of-many.jsonl"
    again = surveyor("check", str(history), "--json")
    assert again.returncode == 0
    assert again.stdout == history.with_suffix(".verdict.json").read_text("utf-8")
    for name in ("report.html", "report.json", "junit.xml", "summary.md"):
        assert (tmp_path / name).stat().st_size > 0
    [told] = json.loads((tmp_path / "report.json").read_text("utf-8"))["experiments"]
    assert {one["check"] for one in told["judged"]["checks"]} <= CHECKERS.keys()
    assert told["judged"]["figures"][0]["high"] > 5, "a dead task was called for about its TTL"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert 'class="life running"' in page


def test_a_planted_resurrection_is_named_by_three_events(tmp_path: Path) -> None:
    """Seen, not seen, seen again; exit code 1."""
    world = World((Made("stays", "127.0.0.1", 0.0), Made("risen", "127.0.0.2", 0.0, 100.0)))
    path = tmp_path / "planted.jsonl"
    path.write_text(
        "\n".join(lines_of(world.but(look(140.33, "discover", ["risen", "stays"])), CHECKS[0])) + "\n", "utf-8"
    )
    run = surveyor("check", str(path))
    assert run.returncode == 1
    [verdict] = [line for line in run.stdout.splitlines() if line.startswith("  fail")]
    assert "risen was in discover at 100.0 s, was not at 101.0 s, and was again at 140.3 s" in verdict
    events = [line for line in run.stdout.splitlines() if "   event " in line]
    assert len(events) == 3


def test_the_list_tells_of_all() -> None:
    """Each experiment of chaos/ and each fault, with what it needs."""
    run = surveyor("chaos", "--list")
    assert run.returncode == 0
    for path in find_layout().chaos.glob("*.py"):
        assert f"  {path.stem.replace('_', '-')} " in run.stdout
    for name in FAULTS:
        assert f"  {name} " in run.stdout


def test_a_dry_run_names_the_victims_and_does_nothing(tmp_path: Path) -> None:
    """The same seed chooses the same ones."""
    runs = [surveyor("chaos", "kill-half", "--dry-run", "--out", str(tmp_path / str(n))) for n in range(2)]
    for run in runs:
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stderr.count("(127.") == 3
    chosen = [re.sub(r"127[0-9.]+", "", run.stderr) for run in runs]  # addresses are what is free on this machine
    assert chosen[0] == chosen[1]
    assert "fault" not in (tmp_path / "0" / "histories" / "kill-half.jsonl").read_text("utf-8").partition("\n")[2]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("chaos", "kill-one-of-mony"), "did you mean 'kill-one-of-many'"),
        (("chaos", "--target", "embeded"), "did you mean 'embedded'"),
        (("chaos", "kill-half", "--service", "shop/web"), "is started for the run and has no service shop/web yet"),
        (("chaos", "kill-half", "--service", "shop", "--target", "aws", "--account", "1"), "12 digits"),
        (("chaos", "kill-half", "--ttl", "-4"), "whole seconds"),
        (("chaos", "kill-half", "--scale", "1000"), "--scale"),
        (("check", "nowhere.jsonl"), "nowhere.jsonl: cannot be read"),
        (("check", __file__), "no JSON"),
    ],
)
def test_what_makes_no_sense_is_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """Exit code 2, and nothing was done."""
    run = surveyor(*words, *(("--out", str(tmp_path / "out")) if words[0] == "chaos" else ()))
    assert run.returncode == 2
    assert says in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()
