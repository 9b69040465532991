"""The progress of a run: what is printed while it waits."""

from __future__ import annotations

import bisect
import io
import itertools
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from surveyor.cli._support import progress as module
from surveyor.cli._support.progress import CountingProgress
from surveyor.cli._support.remaining_time import RemainingTime
from surveyor.cli._support.waiting import fit, minutes, roughly, shown_wait
from surveyor.clock import WallClock
from surveyor.evidence import Evidence
from surveyor.report.running_tests import RunningTest, RunningTestFile, oldest_running_test
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict
from tests.cli.conform_command import surveyor

if TYPE_CHECKING:
    from tests.conftest import Checkout

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
        ("UpdateService", {"Id": "srv-1"}, "after UpdateService srv-1"),
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
    monkeypatch.setattr(module, "_SLOW", 0.0)
    output = io.StringIO()
    RunningTestFile(tmp_path, "main").begin("suites/dns/test_a.py::test_b")
    with CountingProgress(Console(file=output), tmp_path, silence=0.05) as progress:
        progress.planned(40)
        wait_until(lambda: "0 of 40 tests after 0:0" in output.getvalue())
        for _ in range(7):
            progress.judged(TestResult("a", (), Verdict.PASS))
        wait_until(lambda: re.search(r"7 of 40 tests after 0:0\d; 7 pass; test_a.py::test_b, ", output.getvalue()))
    assert "\x1b" not in output.getvalue()
    assert max(map(len, output.getvalue().splitlines())) <= 200
    assert list(tmp_path.iterdir()) == []


def test_a_quick_test_is_not_named(tmp_path: Path) -> None:
    """Only a test that runs for some seconds is worth a name."""
    progress = CountingProgress(Console(file=io.StringIO()), tmp_path)
    RunningTestFile(tmp_path, "main").begin("suites/dns/test_a.py::test_b")
    assert progress.format_wait() == ""
    (tmp_path / ".running-gw1").write_text(f'{{"test": "suites/dns/test_c.py::test_d", "since": {time.time() - 60}}}')
    assert re.fullmatch(r"test_c\.py::test_d, 6\d s", progress.format_wait())


def test_what_is_left_falls_while_tests_end_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test a second: from a fifth on, each line says what is left, and that falls."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    progress = CountingProgress(Console(file=io.StringIO()))
    progress.planned(600)
    times = []
    for second in range(1, 600):
        now[0] = float(second)
        progress.judged(TestResult("a", (), Verdict.PASS))
        progress.tick()
        times.append(progress.format_time())
    assert times[118:120] == ["1:59", "2:00, about 8 min left"]
    assert times[299] == "5:00, about 5 min left"
    assert times[539:] == [f"9:{second:02}, about {-(-(60 - second) // 10) * 10} s left" for second in range(60)]


def left(ended: Sequence[float], total: int) -> list[float | None]:
    """Return what is estimated to be left in each second of a run whose tests end at these times."""
    remaining = RemainingTime()
    return [
        remaining.estimate(float(second), bisect.bisect(ended, second), total) for second in range(1, int(ended[-1]))
    ]


def test_nothing_is_estimated_while_tests_are_uneven() -> None:
    """At a URL that declares nothing many tests are unsupported and end at once, and others wait for minutes."""
    at_once, slow = [2.0] * 300, [2.0 + 40.0 * number for number in range(1, 11)]
    assert set(left([*at_once, *slow], 400)) == {None}
    evenly = [float(second) for second in range(1, 301)]
    estimates = left([*evenly, 450.0], 400)  # a test that waits for minutes makes it unsteady
    assert estimates[299] == pytest.approx(100)
    assert estimates[-1] is None


@given(st.lists(st.floats(0.0, 20.0), min_size=3, max_size=60), st.integers(1, 40))
def test_what_is_left_falls_until_a_test_ends(durations: list[float], others: int) -> None:
    """Between two ends of tests the estimate falls by a second a second, and it is never negative."""
    ended = list(itertools.accumulate(durations))
    estimates = left(ended, len(ended) + others)
    for second, (earlier, later) in enumerate(itertools.pairwise(estimates), 1):
        done = [bisect.bisect(ended, moment) for moment in (second, second + 1)]
        if earlier is not None and later is not None and done[0] == done[1]:
            assert later == pytest.approx(max(0.0, earlier - 1))


def test_several_threads_may_ask() -> None:
    """One counts the seconds while another shows the time: neither disturbs the other."""
    remaining, before = RemainingTime(), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def ask(start: int) -> None:
        for passed in range(start, start + 1_500):
            remaining.estimate(float(passed), passed, 100_000)

    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(ask, [1, 500, 1, 900]))
    finally:
        sys.setswitchinterval(before)


def test_a_run_whose_waits_are_real_keeps_what_it_waits_for(checkout: Checkout) -> None:
    """Also on a target where each test has a separate account, as at a bare URL: waits for it take minutes."""
    out = checkout.layout.root / "out"
    checkout.suite(f"""
@proves("alpha.first")
def test_itself(cloudmap):
    '''It is so.'''
    from pathlib import Path
    [running] = Path({str(out)!r}).glob(".running-*")
    assert "test_alpha.py::test_itself" in running.read_text()
    assert cloudmap.list_namespaces()

""")
    assert surveyor(checkout, "conform", "--target", "fake").returncode == 0
    assert list(out.glob(".running-*")) == []


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
    monkeypatch.setattr(module, "_SLOW", 0.0)
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
    rough = ["10 s", "50 s", "2 min", "89 min", "2.5 h"]
    assert [roughly(seconds) for seconds in (0, 41, 90, 5340, 9000)] == rough
    assert [fit("abcdef", width) for width in (6, 4, 0)] == ["abcdef", "abc…", "…"]
