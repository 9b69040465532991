"""Tests divided among forked processes: each runs once, those of a mutant in one process, and none outlives the run."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.cli._support.process_ends import signals_interrupt
from surveyor.clock import WallClock
from surveyor.conformance.mutants import processes
from surveyor.conformance.mutants.plugin import UNCHANGED, mutant_in
from surveyor.conformance.mutants.processes import ForkedProcesses
from surveyor.pytest_plugin.session import SESSION
from tests.targets.test_process import alive

SUITE = f"""
import os, signal, time
import pytest

MUTANTS = ["{UNCHANGED}", "a.b#1", "a.b#2", "a.b#3", "a.b#4"]

@pytest.fixture(scope="session")
def log():
    with open("log", "a") as file:
        yield file
        file.write(f"{{os.getpid()}} end\\n")

@pytest.fixture(autouse=True, params=MUTANTS, ids=lambda name: f"mutant={{name}}=")
def mutant(request, log):
    log.write(f"{{os.getpid()}} {{request.node.name}}\\n")
    log.flush()
    return request.param
"""
TWO_TESTS = """
def test_first(mutant): pass
def test_second(mutant): pass
"""


class Recorder:
    """Keep what the reporting process gets."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        self.internal = ""
        self.interrupts = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Stand for the session of a target."""
        target: Any = SimpleNamespace(close=lambda: None, launched=None)
        config.stash[SESSION] = target

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a test."""
        if report.when == "call":
            self.outcomes[report.nodeid] = report.outcome
        if self.interrupts:
            raise KeyboardInterrupt

    def pytest_internalerror(self, excrepr: object) -> None:
        """Note what broke the run."""
        self.internal = str(excrepr)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Recorder]:
    """Return the plugin of a run in an empty folder; at the end no process is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(processes, "_WORTHWHILE", 0.0)
    for module in ("test_it", "conftest"):  # each test has its own
        monkeypatch.delitem(sys.modules, module, raising=False)
    yield Recorder()
    assert multiprocessing.active_children() == []


def run(recorder: Recorder, tests: str, count: int = 2) -> int:
    """Run a file of tests in up to `count` processes and return pytest's status."""
    Path("test_it.py").write_text(SUITE + tests)
    targets: Any = repeat(SimpleNamespace(is_ready=lambda: True))
    arguments = ["test_it.py", "-c", os.devnull, "--rootdir", ".", "-p", "no:terminal", "-p", "no:cacheprovider"]
    forked = ForkedProcesses(count, targets, recorder)
    return int(pytest.main([*arguments, "--import-mode=importlib"], plugins=[recorder, forked]))


def logged() -> list[tuple[str, str]]:
    """Return process and test of each line of the log; the test is `end` where a process tore down."""
    return [(line.split()[0], line.split()[1]) for line in Path("log").read_text().splitlines()]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_test_runs_once_and_those_of_a_mutant_in_one_process(recorder: Recorder, count: int) -> None:
    """With one process all run in this one; each process tears down what it set up."""
    assert run(recorder, TWO_TESTS, count) == pytest.ExitCode.OK
    assert len(recorder.outcomes) == 10
    begun = [(process, test) for process, test in logged() if test != "end"]
    assert sorted(test for _, test in begun) == sorted(name.partition("::")[2] for name in recorder.outcomes)
    for mutant in ("a.b#1", "a.b#2", "a.b#3", "a.b#4"):
        of_mutant = [(process, test) for process, test in begun if mutant_in(test) == mutant]
        assert len({process for process, _ in of_mutant}) == 1
        assert [test.partition("[")[0] for _, test in of_mutant] == ["test_first", "test_second"]
    ends = [process for process, test in logged() if test == "end"]
    assert sorted(ends) == sorted({process for process, _ in begun})
    assert (str(os.getpid()) in ends) == (count == 1)


def test_processes_share_the_tests(recorder: Recorder) -> None:
    """A test that waits for another one ends only if that runs at the same time."""
    tests = """
def test_meets(mutant):
    open(f"{mutant}.met", "w").close()
    deadline = time.monotonic() + 30
    while len([name for name in os.listdir() if name.endswith(".met")]) < 2:
        assert time.monotonic() < deadline
"""
    assert run(recorder, tests) == pytest.ExitCode.OK
    assert len({process for process, _ in logged()}) == 2


def test_a_long_test_keeps_no_other_one_waiting(recorder: Recorder) -> None:
    """A process begins a group only when it has ended the one before."""
    tests = """
def test_waits(mutant):
    if mutant != "a.b#2":
        return
    deadline = time.monotonic() + 30
    while sum("mutant=" in line for line in open("log")) < 5:
        assert time.monotonic() < deadline
"""
    assert run(recorder, tests) == pytest.ExitCode.OK
    assert len(recorder.outcomes) == 5


def test_a_failed_test_is_reported(recorder: Recorder) -> None:
    """Its report is the same as that of a test in this process."""
    assert run(recorder, "def test_it(mutant): assert mutant != 'a.b#3'\n") == pytest.ExitCode.TESTS_FAILED
    failed = [mutant_in(name) for name, outcome in recorder.outcomes.items() if outcome == "failed"]
    assert failed == ["a.b#3"]
    assert len(recorder.outcomes) == 5


def test_a_process_that_is_killed_ends_the_run(recorder: Recorder) -> None:
    """The run fails in one line that names the signal; its results would lack tests."""
    tests = "def test_it(mutant): mutant != 'a.b#3' or os.kill(os.getpid(), signal.SIGKILL)\n"
    assert run(recorder, tests) == pytest.ExitCode.INTERNAL_ERROR
    assert recorder.internal.splitlines()[-1] == "RuntimeError: a process that runs tests ended with status -9"


def test_an_error_of_a_plugin_ends_the_run(recorder: Recorder) -> None:
    """What a hook raises in a process is the error of the run."""
    Path("conftest.py").write_text("def pytest_runtest_logfinish(): raise LookupError('no such thing')\n")
    assert run(recorder, TWO_TESTS) == pytest.ExitCode.INTERNAL_ERROR
    assert recorder.internal.splitlines()[-1] == "RuntimeError: LookupError: no such thing"


def test_an_interrupted_run_ends_its_processes(recorder: Recorder) -> None:
    """They tear down what they set up, as after Ctrl-C."""
    recorder.interrupts = True
    tests = """
def test_it(mutant):
    if mutant == "a.b#2":
        signal.pause()
"""
    with signals_interrupt():
        assert run(recorder, tests) == pytest.ExitCode.INTERRUPTED
    begun = {process for process, test in logged() if test != "end"}
    assert begun == {process for process, test in logged() if test == "end"}
    assert str(os.getpid()) not in begun


def test_processes_end_with_the_one_that_started_them(recorder: Recorder) -> None:
    """Also if that is killed, and whatever they are about to do."""
    tests = """
def test_it(mutant):
    signal.pause()
"""
    starter = multiprocessing.get_context("fork").Process(target=run, args=(recorder, tests))
    starter.start()
    try:
        WallClock().eventually(lambda: Path("log").exists() and logged(), within=30)
        [(process, _)] = logged()[:1]
    finally:
        starter.kill()
        starter.join()
    WallClock().eventually(lambda: not alive(int(process)), within=30)
