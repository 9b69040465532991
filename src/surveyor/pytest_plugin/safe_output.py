"""What pytest itself prints and keeps of a test has no secrets of the run and no hidden characters of a target.

pytest's terminal, --junitxml and the reports of other plugins repeat messages, values and captured output as they are.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from surveyor.secret_values import blank
from surveyor.terminal import guard, guard_tracebacks
from surveyor.visible_text import visible

__all__ = ["safe_text"]


def safe_text(text: str) -> str:
    """Return a text without secrets and hidden characters."""
    return visible(blank(text))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Guard the terminal of pytest, which styles its output only if it is one, and the traceback that may end it."""
    guard_tracebacks()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        writer = reporter._tw  # noqa: SLF001  # no hook is given what is printed
        writer._file = guard(writer._file, styled=writer.hasmarkup)  # noqa: SLF001  # the only stream of the writer


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Replace what is not safe before any other plugin sees it."""
    report = yield
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        text = str(report.longrepr)
        if (safe := safe_text(text)) != text:
            report.longrepr = safe
    report.sections = [(name, safe_text(content)) for name, content in report.sections]
    return report
