"""Shows how far a run is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

__all__ = ["Counting", "progress_for"]


class Counting(Collector):
    """Prints a line at each tenth of the tests."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.total = 0
        self.verdicts: Counter[Verdict] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def planned(self, count: int) -> None:
        """So many tests will be run; each worker says the same."""
        self.total = max(self.total, count)

    def judged(self, result: TestResult) -> None:
        """A test has its verdict."""
        self.verdicts[result.verdict] += 1
        done = self.verdicts.total()
        tenth = max(1, self.total // 10)
        if done % tenth == 0 or done == self.total:
            self.console.print(f"{done} of {self.total} tests: {self.told()}", highlight=False)

    def told(self) -> str:
        """The verdicts so far, worst first."""
        return ", ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in Verdict if self.verdicts[verdict])


class _Bar(Counting):
    """A bar that disappears when the run is over."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[told]}"),
        )  # fmt: skip
        # Output of suites is captured by pytest; redirecting it once more would show it.
        self._progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._task = self._progress.add_task("starting the target", total=None, told="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def judged(self, result: TestResult) -> None:
        """A test has its verdict."""
        self.verdicts[result.verdict] += 1
        done = self.verdicts.total()
        self._progress.update(self._task, description="judging", total=self.total, completed=done, told=self.told())


def progress_for() -> Counting:
    """The way of showing progress that fits standard output."""
    console = Console(file=sys.stdout)  # named, because pytest replaces sys.stdout while a test runs
    return _Bar(console) if console.is_terminal else Counting(console)
