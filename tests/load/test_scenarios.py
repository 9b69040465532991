"""Scenarios as their users run them: by `surveyor load`, and by Locust itself with a master and two workers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from surveyor.cli._support.survey_experiments import PROGRAMS, run_experiments_after_survey
from surveyor.clock import WallClock
from surveyor.conformance.run import exit_code
from surveyor.history import load_history
from surveyor.layout import find_layout
from surveyor.load.attribution import attribute
from surveyor.load.client_models import BETWEEN, MODELS
from surveyor.load.figures import Figures, figures_of
from surveyor.load.tally import Tally
from surveyor.report.experiments import WHOLE
from surveyor.report.file import load_report
from surveyor.verdicts import Verdict
from surveyor_emulator.runtime.envoy.binary import binary
from tests.report.test_experiments import report

needs_envoy = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

THERE = {name for name, model in MODELS.items() if not model.program or shutil.which(model.program)}


def run(*words: str, within: float = 150) -> subprocess.CompletedProcess[str]:
    """With an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, env=kept, timeout=within, check=False
    )


@needs_envoy
def test_a_survey_ends_with_what_clients_feel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of four tasks is killed: who asks once and never again suffers longest, and errors went to the dead."""
    whole_report = run_experiments_after_survey(report(), tmp_path, "embedded", 7)
    said = capsys.readouterr().out
    assert exit_code(whole_report) == 0, (whole_report.failure, said)
    assert [one.name for one in whole_report.experiments] == list(PROGRAMS.values())
    assert all((tmp_path / one.history).is_file() for one in whole_report.experiments)
    folder = tmp_path / "load" / "lose-one"
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
    assert said.count("errors went to tasks dead for") >= 4
    assert "page: " not in said


SHORT = """
from surveyor.chaos import Setting, no_ghost
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario("short", "Nothing happens.", Setting(count=2), phases=(Phase("calm", 120),), scale=15,
                    holds=(no_ghost(after=15),))
globals().update({one.__name__.replace("-", "_"): one for one in play(SCENARIO)})
"""


def free_port() -> str:
    """One that the system gives to nobody who does not ask for it: the others are taken all the time."""
    for port in random.Random(os.getpid()).sample(range(20_000, 30_000), 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return str(port)
    raise AssertionError("no port is free")


def with_workers(tmp_path: Path, during: Callable[[list[subprocess.Popen[bytes]]], object]) -> tuple[int, str]:
    """A scenario in which nothing happens, by Locust's own master and two workers: exit status, and what it said."""
    locustfile = tmp_path / "short.py"
    locustfile.write_text(SHORT, "utf-8")
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    locust = [sys.executable, "-m", "locust", "-f", str(locustfile), "--skip-log-setup"]
    more = ["--master", "--master-bind-port", port, "--expect-workers", "2", "--headless", "--users", "100"]
    more += ["--spawn-rate", "100", "--checked", "--out", str(tmp_path)]
    said = tmp_path / "said"
    with said.open("w") as file:
        master = subprocess.Popen([*locust, *more], env=kept, stdout=file, stderr=file)
        worker = [*locust, "--worker", "--master-port", port]
        workers = [subprocess.Popen(worker, env=kept, stdout=subprocess.DEVNULL, stderr=file) for _ in range(2)]
        try:
            during(workers)
            status = master.wait(timeout=90)
        finally:
            for one in (master, *workers):
                if one.poll() is None:
                    one.send_signal(signal.SIGINT)
                one.wait(timeout=30)
    return status, said.read_text("utf-8")


def whole_of(folder: Path) -> tuple[dict[str, Figures], float]:
    """The figures of all that was called, by model, and wall seconds in which that happened."""
    tally = Tally.from_json(json.loads((folder / "tally.json").read_text("utf-8")))
    history = load_history(folder / "histories" / "short.jsonl")
    seconds = (history.phases[-1].end - history.phases[0].begin) / history.header.scale
    return {one.model: one for one in figures_of(history, tally) if one.phase == WHOLE}, seconds


def test_two_workers_count_as_one_process_does(tmp_path: Path) -> None:
    """Locust's own master and workers: each model's stream runs once, at the scenario's rate, and is counted once."""
    status, said = with_workers(tmp_path, lambda workers: None)
    assert status == 0, said
    whole, seconds = whole_of(tmp_path)
    assert whole.keys() == {name for name in THERE if not MODELS[name].needs}
    for model, figures in whole.items():
        assert figures.attempts == pytest.approx(20 * MODELS[model].share * seconds, rel=0.1), model
    assert "short: pass" in said


def test_a_worker_that_dies_is_not_passed_over(tmp_path: Path) -> None:
    """What it called lacks, so the run is inconclusive and says why."""

    def kill_one(workers: list[subprocess.Popen[bytes]]) -> None:
        clock = WallClock()
        clock.eventually((tmp_path / "histories" / "short.jsonl").is_file, within=60)
        clock.wait(2)
        workers[0].kill()

    status, said = with_workers(tmp_path, kill_one)
    assert status == 1, said
    assert "surveyor: 1 of 2 workers went away while they called" in said
    [one] = load_report(tmp_path / "report.json").experiments
    assert one.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("instead", "by", "says"),
    [
        ("Setting(count=2)", "Setting(count=0)", "the scenario short has a service without tasks"),
        ('(Phase("calm", 120),)', "()", "the scenario short has no phases"),
        ('Phase("calm", 120)', 'Phase("calm", 120, fault="task.kil")', "there is no fault 'task.kil'; did you mean"),
    ],
)
def test_a_scenario_that_makes_no_sense_is_one_line(tmp_path: Path, instead: str, by: str, says: str) -> None:
    """By Locust alone: nothing is built, and the exit code is that of wrong usage."""
    (tmp_path / "short.py").write_text(SHORT.replace(instead, by), "utf-8")
    words = ("--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup", "--checked")
    done = run("locust", "-f", str(tmp_path / "short.py"), *words, "--out", str(tmp_path / "out"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"surveyor: {says}" in done.stderr
    assert "Traceback" not in done.stderr


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
