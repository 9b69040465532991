"""Show the progress of a run: one line on a terminal; elsewhere lines at each fifth of the tests, and in between.

There the first come each 30 s, later ones when a third more time has passed, and at least one in ten minutes: a run
of a quarter of an hour prints about 15 lines. Both name the test that runs for the longest time, if it is a slow one,
and what it waits for, so that a run of hours is not silent.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.table import Column

from surveyor.cli._support.remaining_time import RemainingTime
from surveyor.cli._support.waiting import MAX_LINE, SILENCE, TICK, fit, minutes, roughly
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.running_tests import forget_running_tests, oldest_running_test
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["CountingProgress", "make_progress"]


_LINES = 5
_LONGEST_SILENCE = 600.0
"""Wall seconds."""
_SLOW = 3.0
"""Wall seconds after which a test that runs is named: the names of quick ones would only flicker."""

_MIN_BAR = 80
"""Columns of a terminal that has room for a bar."""


class CountingProgress(Collector):
    """Print a line at each fifth of the tests, and after `silence` wall seconds without one, or more late in a run."""

    def __init__(self, console: Console, folder: Path | None = None, silence: float = SILENCE) -> None:
        super().__init__()
        self.console = console
        self.total = 0
        self.verdicts: Counter[Verdict] = Counter()
        self._folder = folder
        self._silence = silence
        self._remaining = RemainingTime()
        self._began = self._printed = time.monotonic()
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)

    def __enter__(self) -> Self:
        self._began = self._printed = time.monotonic()
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._ticker.join()
        if self._folder is not None:
            forget_running_tests(self._folder)

    def planned(self, count: int) -> None:
        """Handle the number of tests; each worker reports the same number."""
        self.total = max(self.total, count)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Say why an interrupted run does not end at once; pytest calls this for files that it cannot collect, too."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self._print("interrupted: the tests that run delete what they made")

    def judged(self, result: TestResult) -> None:
        """Handle the result of a test."""
        self.verdicts[result.verdict] += 1
        done = self.verdicts.total()
        if done * _LINES // max(1, self.total) > (done - 1) * _LINES // max(1, self.total):
            self._print(f"{done} of {self.total} tests: {self.format_verdicts()}")

    def tick(self) -> None:
        """Handle that a second has passed."""
        self.format_time()  # each call adds an estimate, and the time left is said once they agree
        silent, passed = time.monotonic() - self._printed, self._printed - self._began
        if silent >= max(self._silence, min(passed / 3, _LONGEST_SILENCE)):
            counts = f"{self.verdicts.total()} of {self.total} tests" if self.total else "starting"
            parts = (f"{counts} after {self.format_time()}", self.format_verdicts(), self.format_wait())
            self._print(fit("; ".join(filter(None, parts)), MAX_LINE))

    def format_verdicts(self) -> str:
        """Return the number of tests by verdict so far, the worst verdict first."""
        return ", ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in Verdict if self.verdicts[verdict])

    def format_time(self) -> str:
        """Return the time that has passed, and about how much is left if that can be said."""
        passed = time.monotonic() - self._began
        left = self._remaining.estimate(passed, self.verdicts.total(), self.total)
        return minutes(passed) if left is None else f"{minutes(passed)}, about {roughly(left)} left"

    def format_wait(self) -> str:
        """Return what the slow test waits for that runs for the longest time; "" if there is none."""
        running = oldest_running_test(self._folder) if self._folder is not None else None
        now = time.time()
        return running.describe(now) if running and now - running.since >= _SLOW else ""

    def _tick(self) -> None:
        while not self._ended.wait(TICK):
            self.tick()

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class _ProgressBar(CountingProgress):
    """Show one line, with a bar where there is room, and remove it when the run is over."""

    def __init__(self, console: Console, folder: Path | None) -> None:
        super().__init__(console, folder)
        line = TextColumn(
            "{task.fields[line]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)
        )
        bar: list[ProgressColumn] = [BarColumn(bar_width=20)] if console.width >= _MIN_BAR else []
        # Output of suites is captured by pytest; redirecting it once more would show it.
        self._progress = Progress(
            *(*bar, MofNCompleteColumn(), line),
            console=console, transient=True, redirect_stdout=False, redirect_stderr=False, expand=True,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=None, line="starting the target")

    def __enter__(self) -> Self:
        self._progress.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._progress.stop()

    def judged(self, result: TestResult) -> None:
        """Handle the result of a test."""
        self.verdicts[result.verdict] += 1
        self.tick()

    def tick(self) -> None:
        """Show how far the run is."""
        if self.total:
            parts = (self.format_time(), self.format_wait(), self.format_verdicts())
            line = "; ".join(filter(None, parts))
            self._progress.update(self._task, total=self.total, completed=self.verdicts.total(), line=line)


def make_progress(folder: Path | None = None) -> CountingProgress:
    """Return the display of progress that suits standard output. `folder`: that of the run's report."""
    console = Console(file=sys.stdout)  # passed here because pytest replaces sys.stdout while a test runs
    return _ProgressBar(console, folder) if console.is_terminal else CountingProgress(console, folder)
