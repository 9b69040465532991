"""Gathers results and facts, in this process or from xdist's workers, into one Collected that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from surveyor.pytest_plugin.collection import COLLECTED
from surveyor.pytest_plugin.session import SESSION
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import Facts, TestResult
from surveyor.verdicts import Verdict

__all__ = ["Collector", "facts_of"]

_KEY = "surveyor"


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Collector:
    """A pytest plugin for the reporting process. A subclass may override `planned` and `judged` to show progress.

    `broken` holds what could not be collected, `crashed` the tests in which a worker died, `internal` what broke
    pytest itself.
    """

    results: list[TestResult] = field(default_factory=list)
    facts: list[Facts] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    internal: str = ""

    def planned(self, count: int) -> None:
        """So many tests will be run."""

    def judged(self, result: TestResult) -> None:
        """A test has its verdict."""

    def pytest_internalerror(self, excrepr: object) -> None:
        """Pytest, a plugin or a worker raised."""
        self.internal = self.internal or _text(excrepr)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended somewhere."""
        value = getattr(report, RESULT, None)
        if value is not None:
            result = TestResult.loads(value)
            self.results.append(result)
            self.judged(result)
        elif report.when not in ("setup", "call", "teardown"):  # xdist's word for a worker that died in this test
            self.crashed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file or folder has been collected."""
        if report.failed:
            self.broken.append(_text(report.longrepr))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """It is known how many tests there are, where this process runs them itself."""
        if session.items:
            self.planned(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """It is known how many tests there are, where workers run them."""
        self.planned(len(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of xdist has ended."""
        output = getattr(node, "workeroutput", {})
        if _KEY in output:
            self.facts.append(Facts.loads(output[_KEY]))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All tests are over."""
        if session.config.stash[COLLECTED]:
            self.facts.append(facts_of(session.config))

    def finished(self) -> list[TestResult]:
        """All results, with an `error` for each test in which a worker died."""
        proofs = {nodeid: claims for facts in self.facts for nodeid, claims in facts.collected.items()}
        lost = [
            TestResult(nodeid, proofs.get(nodeid, ()), Verdict.ERROR, "the worker died", "the worker process died")
            for nodeid in self.crashed
        ]
        return self.results + lost


def facts_of(config: pytest.Config) -> Facts:
    """What this process knows about its target at the end."""
    session = config.stash[SESSION]
    running = session.running
    declared = session.target.features or frozenset()
    return Facts(
        version=session.target.version(),
        features=tuple(sorted(running.features if running else declared)),
        absent=running.absent if running else (),
        collected=config.stash[COLLECTED],
        service_seconds=round(session.service_seconds(), 3),
        failure=session.failure or "",
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(_Sender(config), "surveyor-sender")


class _Sender:
    """A worker's end: sends its facts with its output."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_sessionfinish(self) -> None:
        """All tests of this worker are over."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]  # put there by xdist
        output[_KEY] = facts_of(self._config).dumps()


def _text(longrepr: object) -> str:
    """What a report of pytest says on one line: all of a few lines, the last of a traceback."""
    lines = [line.strip() for line in str(longrepr).splitlines() if line.strip()]
    return lines[-1] if len(lines) > 12 else "; ".join(lines)
