"""Scenarios run by `surveyor load`, and by Locust itself with a master and two workers."""

from __future__ import annotations

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

from surveyor.callers import EVERYWHERE, INDIRECT, MODELS
from surveyor.cli._support.survey_experiments import PROGRAMS, run_experiments_after_survey
from surveyor.clock import WallClock
from surveyor.confidence import share_of
from surveyor.history import load_history
from surveyor.layout import find_layout
from surveyor.load.attribution import attribute_failures
from surveyor.load.figures import ClientFigures, figures_of
from surveyor.load.tally import Tally
from surveyor.machine import BUSY_LABEL
from surveyor.messages import UNTRUSTED
from surveyor.report.experiments import WHOLE
from surveyor.report.file import load_report
from surveyor.verdicts import Verdict
from surveyor_emulator.runtime.envoy.binary import binary
from tests.report.test_experiments import report

pytestmark = pytest.mark.soak

needs_envoy = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

AVAILABLE = {name for name in EVERYWHERE if not MODELS[name].program or shutil.which(MODELS[name].program)}


def run(*words: str, timeout: float = 150) -> subprocess.CompletedProcess[str]:
    """Run a module with an empty environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, env=kept, timeout=timeout, check=False
    )


BUSY = ("the machine did not keep up", BUSY_LABEL, UNTRUSTED)
"""How a part that this machine was too busy for says so."""


@needs_envoy
def test_a_survey_ends_with_client_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When one of four tasks is killed, the client that resolves once fails most, and errors went to dead tasks.

    A part that a busy machine could not judge names the machine, and fails nothing; its figures are not looked at.
    """
    whole_report = run_experiments_after_survey(report(), tmp_path, "embedded", 7)
    printed = capsys.readouterr().out
    assert not whole_report.failure, printed
    results = {result.name: result for result in whole_report.experiments}
    assert list(results) == list(PROGRAMS.values())
    for result in results.values():
        assert result.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE), (result.detail, printed)
        if result.verdict is Verdict.INCONCLUSIVE:
            assert any(words in result.detail for words in BUSY), result.detail
        else:
            assert (tmp_path / result.history).is_file()
    assert "page: " not in printed
    if results["lose-one"].verdict is Verdict.INCONCLUSIVE:
        assert "errors went to tasks dead for" not in printed
        pytest.skip(f"this machine was too busy: {results['lose-one'].detail}")
    assert printed.count("errors went to tasks dead for") >= 4
    check_figures(tmp_path / "load" / "lose-one")


def check_figures(folder: Path) -> None:
    """Require what the scenario lose-one shows, within the confidence intervals at the rate that the machine kept."""
    tally = Tally.loads((folder / "tally.json").read_bytes())
    history = load_history(folder / "histories" / "lose-one.jsonl")
    assert [phase.name for phase in history.phases] == ["before", "killed", "after"]
    whole = {row.model: row for row in figures_of(history, tally) if row.phase == WHOLE}
    assert whole.keys() == AVAILABLE
    arrivals = {name: (row.attempts + row.dropped) / MODELS[name].share for name, row in whole.items()}
    assert arrivals == dict.fromkeys(whole, pytest.approx(max(arrivals.values()), rel=0.15, abs=8))
    pinned = whole["dns-pinned"].failed
    assert pinned.hits > 0
    assert pinned.high > 0.1
    assert all(row.failed.low <= pinned.high for row in whole.values())
    assert pinned.low > whole["service-connect"].failed.low
    assert whole["service-connect"].failed.low <= whole["dns"].failed.high
    causes = attribute_failures(history, tally, INDIRECT)
    dead = sum(cause.count for cause in causes if cause.kind == "dead")
    assert dead > 0
    assert share_of(dead, sum(cause.count for cause in causes)).high >= 0.9


SHORT = """
from surveyor.chaos import ServiceSetup, no_ghost
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario("short", "Nothing happens.", ServiceSetup(count=2), phases=(Phase("calm", 120),), scale=12, rate=6,
                    checks=(no_ghost(after=15),))
globals().update(play(SCENARIO))
"""


def free_port() -> str:
    """Return a free port outside the ephemeral range, from which the system takes ports at any time."""
    for port in random.Random(os.getpid()).sample(range(20_000, 30_000), 50):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return str(port)
    raise AssertionError("no port is free")


def with_workers(tmp_path: Path, during: Callable[[list[subprocess.Popen[bytes]]], object]) -> tuple[int, str]:
    """Run a scenario without faults by Locust's master and two workers; return the exit status and the output."""
    locustfile = tmp_path / "short.py"
    locustfile.write_text(SHORT, "utf-8")
    port = free_port()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    locust = [sys.executable, "-m", "locust", "-f", str(locustfile), "--skip-log-setup"]
    more = ["--master", "--master-bind-port", port, "--expect-workers", "2", "--headless", "--users", "100"]
    more += ["--spawn-rate", "100", "--checked", "--out", str(tmp_path)]
    output = tmp_path / "output"
    with output.open("w") as file:
        master = subprocess.Popen([*locust, *more], env=kept, stdout=file, stderr=file)
        worker = [*locust, "--worker", "--master-port", port]
        workers = [subprocess.Popen(worker, env=kept, stdout=subprocess.DEVNULL, stderr=file) for _ in range(2)]
        try:
            during(workers)
            status = master.wait(timeout=90)
        finally:
            for process in (master, *workers):
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                process.wait(timeout=30)
    return status, output.read_text("utf-8")


def totals_of(folder: Path) -> tuple[dict[str, ClientFigures], float]:
    """Return the figures of the whole scenario by model, and the wall seconds that it took."""
    tally = Tally.loads((folder / "tally.json").read_bytes())
    history = load_history(folder / "histories" / "short.jsonl")
    seconds = (history.phases[-1].end - history.phases[0].begin) / history.header.scale
    return {row.model: row for row in figures_of(history, tally) if row.phase == WHOLE}, seconds


def test_two_workers_count_as_one_process_does(tmp_path: Path) -> None:
    """With Locust's master and workers each model's stream runs once, at the scenario's rate, and is counted once."""
    status, output = with_workers(tmp_path, lambda workers: None)
    if "the machine did not keep up" in output:  # which a run says itself: its counts are not those of its rate
        assert status == 1, output
        pytest.skip("this machine was too busy for 6 calls per second of each client")
    assert status == 0, output
    whole, seconds = totals_of(tmp_path)
    assert whole.keys() == {name for name in AVAILABLE if not MODELS[name].is_indirect}
    for model, figures in whole.items():
        assert figures.attempts == pytest.approx(6 * MODELS[model].share * seconds, rel=0.1, abs=2), model
    assert "short: pass" in output


def test_a_lost_worker_makes_the_run_inconclusive(tmp_path: Path) -> None:
    """The calls of a lost worker are missing, so the run is inconclusive and says why."""

    def kill_one(workers: list[subprocess.Popen[bytes]]) -> None:
        clock = WallClock()
        clock.eventually((tmp_path / "histories" / "short.jsonl").is_file, within=60)
        clock.wait(2)
        workers[0].kill()

    status, output = with_workers(tmp_path, kill_one)
    assert status == 1, output
    assert "surveyor: 1 of 2 workers were lost while they called" in output
    [result] = load_report(tmp_path / "report.json").experiments
    assert result.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ServiceSetup(count=2)", "ServiceSetup(count=0)", "the scenario short has a service without tasks"),
        ('(Phase("calm", 120),)', "()", "the scenario short has no phases"),
        ('Phase("calm", 120)', 'Phase("calm", 120, fault="task.kil")', "there is no fault 'task.kil'; did you mean"),
    ],
)
def test_an_invalid_scenario_is_reported_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """Locust alone creates nothing for an invalid scenario, and ends with the exit code of wrong usage."""
    (tmp_path / "short.py").write_text(SHORT.replace(old, new), "utf-8")
    words = ("--headless", "--users", "100", "--spawn-rate", "100", "--skip-log-setup", "--checked")
    done = run("locust", "-f", str(tmp_path / "short.py"), *words, "--out", str(tmp_path / "out"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"surveyor: {message}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(("lose-non",), "did you mean 'lose-one'"), (("--target", "embeded"), "did you mean 'embedded'")],
)
def test_wrong_usage_is_reported_in_one_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """Wrong usage ends with one line before anything is checked or created."""
    done = run("surveyor", "load", *words, "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_list_names_all_scenarios_and_models() -> None:
    """`--list` names each scenario and each client model."""
    done = run("surveyor", "load", "--list")
    for name in (*MODELS, *(path.stem.replace("_", "-") for path in find_layout().loadtests.glob("*.py"))):
        assert f"  {name} " in done.stdout
    assert "  NAME-vanished: " in done.stdout
