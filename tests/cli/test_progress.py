"""The progress of a run: what is printed while it waits."""

from __future__ import annotations

import io
import itertools
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from surveyor.cli._support import progress as module
from surveyor.cli._support.progress import CountingProgress
from surveyor.cli._support.waiting import fit, minutes, shown_wait
from surveyor.clock import WallClock
from surveyor.evidence import Evidence
from surveyor.report.running_tests import RunningTest, RunningTestFile, oldest_running_test
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

NAMESPACE = {"Name": "surveyor-0123abcd-ns-1"}


def wait_until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until `condition()` is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        WallClock().wait(0.01)


def test_what_a_test_waits_for_is_what_it_changed_last(tmp_path: Path) -> None:
    """A create call is named with what it creates, a delete call with what goes; reads change nothing."""
    file, evidence = RunningTestFile(tmp_path, "gw0"), Evidence()
    file.begin("suites/namespaces/test_create.py::test_a")
    evidence.watch = file.saw
    begun = oldest_running_test(tmp_path)
    assert begun is not None
    assert "test_create.py::test_a, " in begun.describe(time.time())
    for operation, params, expected in (
        (
            "CreateHttpNamespace",
            NAMESPACE,
            "namespace surveyor-0123abcd-ns-1 being created, 0 s (test_create.py::test_a)",
        ),
        ("GetOperation", {"OperationId": "x"}, "namespace surveyor-0123abcd-ns-1 being created"),
        ("DeleteNamespace", {"Id": "ns-1"}, "namespace ns-1 being deleted"),
        ("UpdateService", {"Id": "srv-1"}, "after servicediscovery:UpdateService srv-1"),
        ("POST /", {"Id": "srv-1"}, "after a request to servicediscovery"),
    ):
        evidence.call("servicediscovery", operation, params, 0.0, response={})
        running = oldest_running_test(tmp_path)
        assert running is not None
        assert expected in running.describe(time.time())
    file.remove()
    assert oldest_running_test(tmp_path) is None


def test_the_oldest_test_of_all_processes_is_shown(tmp_path: Path) -> None:
    """A file that is cut short, and one that is a folder, are no tests."""
    for worker, since in (("gw0", 20.0), ("gw1", 10.0)):
        (tmp_path / f".running-{worker}").write_text(f'{{"test": "{worker}", "since": {since}}}')
    (tmp_path / ".running-gw2").write_text('{"test": "gw2", "sin')
    (tmp_path / ".running-gw3").mkdir()
    assert oldest_running_test(tmp_path) == RunningTest("gw1", 10.0)


def test_a_pipe_gets_a_line_while_nothing_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any result a line says how long the run takes, and what it waits for; it has no escapes."""
    monkeypatch.setattr(module, "TICK", 0.01)
    output = io.StringIO()
    RunningTestFile(tmp_path, "main").begin("suites/dns/test_a.py::test_b")
    with CountingProgress(Console(file=output), tmp_path, silence=0.05) as progress:
        progress.planned(40)
        wait_until(lambda: "0 of 40 tests after 0:0" in output.getvalue())
        for _ in range(7):
            progress.judged(TestResult("a", (), Verdict.PASS))
        wait_until(lambda: re.search(r"7 of 40 tests after 0:0\d; 7 pass; test_a.py::test_b, ", output.getvalue()))
        progress.judged(TestResult("a", (), Verdict.PASS))  # a fifth: now the time is estimated
        wait_until(
            lambda: re.search(
                r"8 of 40 tests after 0:0\d of about 0:0\d; 8 pass; test_a.py::test_b, ", output.getvalue()
            )
        )
    assert "\x1b" not in output.getvalue()
    assert max(map(len, output.getvalue().splitlines())) <= 200
    assert list(tmp_path.iterdir()) == []


def test_a_long_run_prints_few_lines_and_is_never_silent_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a quarter of an hour there are at most 12 lines beside the fifths; of ten hours one in ten minutes."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    output = io.StringIO()
    progress = CountingProgress(Console(file=output, width=200))
    progress.planned(40)
    printed: list[float] = []
    for second in range(1, 36_001):
        now[0] = float(second)
        before = len(output.getvalue())
        progress.tick()
        if len(output.getvalue()) > before:
            printed.append(now[0])
    assert printed[0] == 30
    assert sum(time <= 900 for time in printed) <= 12
    assert max(later - earlier for earlier, later in itertools.pairwise(printed)) <= 601


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """Counts and time come first; what does not fit is left out at the end of the line."""
    monkeypatch.setattr(module, "TICK", 0.01)
    output = io.StringIO()
    file = RunningTestFile(tmp_path, "main")
    file.begin("suites/dns/test_a.py::test_b")
    console = Console(file=output, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    with module._ProgressBar(console, tmp_path) as progress:  # make_progress takes it on a terminal
        progress.planned(40)
        progress.judged(TestResult("a", (), Verdict.PASS))
        wait_until(lambda: "1/40" in output.getvalue() and "test_a" in output.getvalue())
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())
    lines = [line for line in re.split(r"[\r\n]", shown) if line.strip()]
    assert max(map(len, lines)) <= width
    assert "\n" not in shown.strip()


def test_a_wait_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A long wait prints lines on standard error, a short one none."""
    with shown_wait("deleting", silence=0.02):
        WallClock().wait(0.2)
    assert "deleting, 0:00\n" in capsys.readouterr().err
    with shown_wait("deleting"):
        pass
    assert capsys.readouterr().err == ""


def test_times_and_lines_are_formatted() -> None:
    """Minutes and hours; a line that is too long ends in a mark."""
    assert [minutes(seconds) for seconds in (0, 59.6, 247, 3847)] == ["0:00", "1:00", "4:07", "1:04:07"]
    assert [fit("abcdef", width) for width in (6, 4, 0)] == ["abcdef", "abc…", "…"]
