"""Collect results and facts of a run, from this process or from xdist's workers, for the report."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from surveyor.pytest_plugin.collection import COLLECTED
from surveyor.pytest_plugin.session import SESSION
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.typed_json import dump_json, parse_json
from surveyor.verdicts import Verdict

__all__ = ["Collector", "facts_of_process"]

_KEY = "surveyor"

# How pytest reports a file that cannot be imported: the statements that led there, and Python's error after an E.
_STATEMENT = re.compile(r"^(\S.*?):(\d+): in ", re.MULTILINE)
_ERROR = re.compile(r"^E {3}(\S.*)$", re.MULTILINE)
_SYNTAX_ERROR = re.compile(r'^E +File "(.+)", line (\d+)$', re.MULTILINE)


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Collector:
    """A pytest plugin for the reporting process. A subclass may override `planned` and `judged` to show progress.

    `broken` holds what could not be collected, `crashed` the tests in which a worker died, `internal` what broke
    pytest itself. `closing`: the calls of the last deletions and of the search after them, in an account;
    `not_searched`: where that failed, service -> why.
    """

    results: list[TestResult] = field(default_factory=list)
    facts: list[WorkerFacts] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    internal: str = ""
    closing: Counter[str] = field(default_factory=Counter)
    not_searched: dict[str, str] = field(default_factory=dict)

    def planned(self, count: int) -> None:
        """Handle the number of tests, once it is known."""

    def judged(self, result: TestResult) -> None:
        """Handle the result of a test."""

    def pytest_internalerror(self, excrepr: object) -> None:
        """Record that pytest, a plugin or a worker raised."""
        self.internal = self.internal or _one_line(excrepr)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the result of a test at the end of its last phase."""
        value = getattr(report, RESULT, None)
        if value is not None:
            result = parse_json(value, TestResult)
            self.results.append(result)
            self.judged(result)
        elif report.when not in ("setup", "call", "teardown"):  # how xdist reports a worker that died in this test
            self.crashed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Record a file or folder that cannot be collected."""
        if report.failed:
            self.broken.append(_one_line(report.longrepr))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Pass on the number of tests that this process runs itself, and let pytest format no tracebacks for them.

        The results say what failed, and a traceback takes a hundredth of a second.
        """
        if session.items:
            self.planned(len(session.items))
            session.config.option.tbstyle = "value"

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        """Pass on the number of tests that workers run."""
        self.planned(len(ids))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Record the facts of a worker of xdist that has ended."""
        output = getattr(node, "workeroutput", {})
        if _KEY in output:
            self.facts.append(parse_json(output[_KEY], WorkerFacts))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Record the facts of this process."""
        if session.config.stash[COLLECTED]:
            self.facts.append(facts_of_process(session.config))

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Record what the end of the run took, which is after the end of its session."""
        if SESSION in config.stash:
            self.closing.update(config.stash[SESSION].closing_calls)
            self.not_searched.update(config.stash[SESSION].not_searched)

    def describe_search(self) -> str:
        """Return where the run could not look for what it left and no ledger has, as what ECS makes itself; or ""."""
        reasons = "; ".join(self.not_searched.values())
        return f"not everything was searched for what the run left: {reasons}" if reasons else ""

    def finished(self) -> list[TestResult]:
        """Return all results, with an `error` for each test in which a worker died."""
        proofs = {nodeid: claims for facts in self.facts for nodeid, claims in facts.collected.items()}
        lost = [
            TestResult(nodeid, proofs.get(nodeid, ()), Verdict.ERROR, "the worker died", "the worker process died")
            for nodeid in self.crashed
        ]
        return self.results + lost


def facts_of_process(config: pytest.Config) -> WorkerFacts:
    """Return what this process knows about its target at the end."""
    session = config.stash[SESSION]
    running = session.running
    declared = session.target.features or frozenset()
    return WorkerFacts(
        version=session.target.version(),
        features=tuple(sorted(running.features if running else declared)),
        absent=running.absent if running else (),
        collected=config.stash[COLLECTED],
        service_seconds=round(session.service_seconds(), 3),
        failure=session.failure or "",
        calls=dict(running.spending.all()) if running else {},
        repeated=max(0, running.spending.requests - running.spending.all().total()) if running else 0,
        closing_seconds=session.closing_seconds,
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(_FactSender(config), "surveyor-fact-sender")


class _FactSender:
    """Send the facts of a worker with its output."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_sessionfinish(self) -> None:
        """Add the facts once all tests of this worker are over."""
        output: dict[str, Any] = self._config.workeroutput  # type: ignore[attr-defined]  # set by xdist
        output[_KEY] = dump_json(facts_of_process(self._config))


def _one_line(longrepr: object) -> str:
    """Return a report of pytest on one line: of an import that failed where and why, else a short one whole, of a
    longer one its last line.
    """
    text = str(longrepr)
    statements = list(_STATEMENT.finditer(text))
    if statements and (error := _ERROR.search(text, statements[-1].end())):
        file, line = (_SYNTAX_ERROR.search(text) or statements[0]).groups()
        return f"{file}:{line}: {error[1]}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if len(lines) > 12 else "; ".join(lines)
