"""Show the progress of a run: a bar on a terminal, a line for each fifth of the tests elsewhere."""

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

__all__ = ["CountingProgress", "make_progress"]


_LINES = 5


class CountingProgress(Collector):
    """Print a line at each fifth of the tests."""

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
        """Handle the number of tests; each worker reports the same number."""
        self.total = max(self.total, count)

    def judged(self, result: TestResult) -> None:
        """Handle the result of a test."""
        self.verdicts[result.verdict] += 1
        done = self.verdicts.total()
        if done * _LINES // max(1, self.total) > (done - 1) * _LINES // max(1, self.total):
            self.console.print(f"{done} of {self.total} tests: {self.format_verdicts()}", highlight=False)

    def format_verdicts(self) -> str:
        """Return the number of tests by verdict so far, the worst verdict first."""
        return ", ".join(f"{self.verdicts[verdict]} {verdict}" for verdict in Verdict if self.verdicts[verdict])


class _ProgressBar(CountingProgress):
    """Show a bar, and remove it when the run is over."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("{task.fields[verdicts]}"),
        )  # fmt: skip
        # Output of suites is captured by pytest; redirecting it once more would show it.
        self._progress = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._task = self._progress.add_task("starting the target", total=None, verdicts="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def judged(self, result: TestResult) -> None:
        """Handle the result of a test."""
        self.verdicts[result.verdict] += 1
        done = self.verdicts.total()
        self._progress.update(
            self._task, description="judging", total=self.total, completed=done, verdicts=self.format_verdicts()
        )


def make_progress() -> CountingProgress:
    """Return the display of progress that suits standard output."""
    console = Console(file=sys.stdout)  # passed here because pytest replaces sys.stdout while a test runs
    return _ProgressBar(console) if console.is_terminal else CountingProgress(console)
