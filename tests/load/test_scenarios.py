"""Scenarios as their users run them: by `surveyor load`, and by Locust itself with a master and two workers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.emulator.envoy.binary import binary
from surveyor.history import load_history
from surveyor.layout import find_layout
from surveyor.load.attribution import attribute
from surveyor.load.figures import figures_of
from surveyor.load.models import BETWEEN, MODELS
from surveyor.load.tally import Tally
from surveyor.report.experiments import WHOLE

needs_envoy = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

THERE = {name for name, model in MODELS.items() if not model.program or shutil.which(model.program)}


def run(*words: str, within: float = 150) -> subprocess.CompletedProcess[str]:
    """With an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, env=kept, timeout=within, check=False
    )


@needs_envoy
def test_a_scenario_ends_with_figures_of_all_models(tmp_path: Path) -> None:
    """One of four tasks is killed: who asks once and never again suffers longest, and errors went to the dead."""
    done = run("surveyor", "load", "lose-one", "--out", str(tmp_path), "--scale", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  right") == 5
    folder = tmp_path / "lose-one"
    tally = Tally.from_json(json.loads((folder / "tally.json").read_text("utf-8")))
    history = load_history(folder / "histories" / "lose-one.jsonl")
    assert [phase.name for phase in history.phases] == ["before", "killed", "after"]
    whole = {one.model: one for one in figures_of(history, tally) if one.phase == WHOLE}
    assert whole.keys() == THERE
    assert all(one.attempts > 100 * MODELS[one.model].share and not one.dropped for one in whole.values())
    assert whole["dns-pinned"].raw.share > 0.1
    assert max(whole, key=lambda name: whole[name].raw.share) == "dns-pinned"
    assert whole["service-connect"].raw.hits <= whole["dns"].raw.hits
    blames = attribute(history, tally, BETWEEN)
    dead = sum(one.count for one in blames if one.whom == "dead")
    assert dead >= 0.9 * sum(one.count for one in blames)
    assert "errors went to tasks dead for" in done.stdout


@needs_envoy
def test_two_workers_count_as_one_process_does(tmp_path: Path) -> None:
    """Locust's own master and workers: each model's stream runs once, at the scenario's rate, and is counted once."""
    locustfile = str(find_layout().loadtests / "lose_one.py")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    worker = [sys.executable, "-m", "locust", "-f", locustfile, "--worker", "--master-port", port, "--skip-log-setup"]
    workers = [subprocess.Popen(worker, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    try:
        done = run(
            *("locust", "-f", locustfile, "--master", "--master-bind-port", port, "--expect-workers", "2"),
            *("--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup", "--checked"),
            *("--scale", "15", "--out", str(tmp_path)),
        )
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        for one in workers:
            one.wait(timeout=30)
            assert one.stderr is not None
            one.stderr.close()
    tally = Tally.from_json(json.loads((tmp_path / "tally.json").read_text("utf-8")))
    history = load_history(tmp_path / "histories" / "lose-one.jsonl")
    whole = {one.model: one for one in figures_of(history, tally) if one.phase == WHOLE}
    assert whole.keys() == THERE
    seconds = (history.phases[-1].end - history.phases[0].begin) / history.header.scale
    for figures in whole.values():
        assert figures.attempts == pytest.approx(20 * MODELS[figures.model].share * seconds, rel=0.1), figures.model


@pytest.mark.parametrize(
    ("words", "says"),
    [(("lose-non",), "did you mean 'lose-one'"), (("--target", "embeded"), "did you mean 'embedded'")],
)
def test_what_makes_no_sense_is_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """Before anything is checked or built."""
    done = run("surveyor", "load", *words, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_list_tells_of_all() -> None:
    """Scenarios and client models."""
    done = run("surveyor", "load", "--list")
    for name in (*MODELS, *(path.stem.replace("_", "-") for path in find_layout().loadtests.glob("*.py"))):
        assert f"  {name} " in done.stdout
