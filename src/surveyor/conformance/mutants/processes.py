"""A pytest plugin: divide the tests among processes that are forked once pytest has collected them.

The workers of pytest-xdist import and collect everything again, which takes longer than the tests of a claim. Each
process has its own target, in which it activates its own mutants.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.conformance.mutants.plugin import UNCHANGED, mutant_in
from surveyor.pytest_plugin.interruption import interrupt_once
from surveyor.pytest_plugin.session import SESSION
from surveyor.targets.parent_death import end_with
from surveyor.targets.process import StartedProcess

__all__ = ["ForkedProcesses"]

_FORK = multiprocessing.get_context("fork")
_WORTHWHILE = 2.0
"""Another process begins if the tests that remain take more wall seconds than this. It starts a target first, and then
creates clients, networks and clusters.
"""

_FEWEST = 5
"""Fewer groups of tests than this run in the process of the run: a fork takes a twentieth of a second more."""

_POLL = 0.02
"""Wall seconds between two looks at a target that starts."""


class ForkedProcesses:
    """Run the tests in up to `count` processes, each with one of `targets`; `collector` gets their reports.

    The first process has the target of this one. Another begins when its target has started, which is worth its time
    if the tests that remain take longer.
    """

    def __init__(self, count: int, targets: Iterator[StartedProcess], collector: object) -> None:
        self._count = count
        self._targets = targets
        self._collector = collector

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run all tests. Leave it to pytest if files could not be collected, or if one process is enough."""
        queue = _Queue(session.items)
        if session.testsfailed or self._count == 1 or len(queue.groups) < _FEWEST:
            return None
        config, processes = session.config, dict[Connection, BaseProcess]()
        starting: StartedProcess | None = None
        try:
            self._fork(session, queue, processes)
            while processes:
                for data in _receive(processes):
                    report = config.hook.pytest_report_from_serializable(config=config, data=data)
                    config.hook.pytest_runtest_logreport(report=report)
                if starting is None and 0 < len(processes) < self._count:
                    worthwhile = queue.seconds_left() / len(processes) > _WORTHWHILE
                    starting = next(self._targets) if worthwhile else None
                elif starting is not None and starting.is_ready():
                    config.stash[SESSION].launched = starting
                    self._fork(session, queue, processes)
                    starting = None
        finally:
            _end(list(processes.values()))
        return True

    def _fork(self, session: pytest.Session, queue: _Queue, processes: dict[Connection, BaseProcess]) -> None:
        """Start a process. The threads of this one, which show its progress, do not exist there; nor does the
        collector, which uses what they may have locked.
        """
        reports, sender = _FORK.Pipe(duplex=False)
        arguments = (os.getpid(), session, self._collector, queue, reports, sender)
        process = _FORK.Process(target=_run_tests, args=arguments)
        process.start()
        sender.close()
        processes[reports] = process


class _Queue:
    """Groups of tests, of which each runs in one process, and how many have begun."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        # The first failed test of a mutant spares the others. Those of the unchanged target fill the time at the end.
        mutants: dict[str, list[pytest.Item]] = {}
        for item in items:
            mutants.setdefault(mutant_in(item.nodeid), []).append(item)
        unchanged = mutants.pop(UNCHANGED, [])
        self.groups = [*mutants.values(), *([item] for item in unchanged)]
        self._begun = _FORK.Value("l", 0)
        self._since = 0.0

    def seconds_left(self) -> float:
        """Return about how long the groups that have not begun take together, if they take as long as the others.

        It may be too little: a group that is still running counts as one that has ended.
        """
        begun = int(self._begun.value)
        if begun == 0:
            return 0.0
        self._since = self._since or time.monotonic()
        return (time.monotonic() - self._since) / begun * (len(self.groups) - begun)

    def __iter__(self) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
        """Yield the tests of groups that no other process has begun, until none is left, each with the next test.

        For the last test of a group the next one is a guess, the first test of the groups that remain: another process
        may begin it.
        """
        while True:
            with self._begun.get_lock():
                number = self._begun.value
                self._begun.value += 1
            if number >= len(self.groups):
                return
            group, remaining = self.groups[number], self.groups[self._begun.value :]
            yield from pairwise(group)
            yield group[-1], remaining[0][0] if remaining else None


def _receive(processes: dict[Connection, BaseProcess]) -> Iterator[Mapping[str, Any]]:
    """Yield reports that have arrived, and remove the processes that have ended.

    Raises RuntimeError for one that did not come to its end, with the error if it sent one.
    """
    for connection in wait(list(processes), _POLL):
        assert isinstance(connection, Connection)
        try:
            received = connection.recv()
        except EOFError:
            process = processes.pop(connection)
            process.join()
            if process.exitcode:
                raise RuntimeError(f"a process that runs tests ended with status {process.exitcode}") from None
            continue
        if isinstance(received, str):
            raise RuntimeError(received)
        yield received


def _end(processes: Sequence[BaseProcess]) -> None:
    """Interrupt processes that still run; they clean up as after Ctrl-C."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(timeouts.STOP)
        process.kill()
        process.join()


class _Sender:
    """Send the reports of this process."""

    def __init__(self, config: pytest.Config, connection: Connection) -> None:
        self._config = config
        self._connection = connection

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._connection.send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))


def _run_tests(
    parent: int, session: pytest.Session, collector: object, queue: _Queue, reports: Connection, sender: Connection
) -> None:
    """Run what no other process has begun. What this process set up is torn down also after Ctrl-C."""
    config = session.config
    try:
        interrupt_once()
        reports.close()  # while a reading end is open here, a report to a process that has ended waits without end
        if not end_with(parent):
            sys.exit(1)
        config.pluginmanager.unregister(collector)
        config.pluginmanager.register(_Sender(config, sender))
        for item, following in queue:
            session._setupstate.teardown_exact(item)  # noqa: SLF001  # of what another test than `following` had needed
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        session._setupstate.teardown_exact(None)  # noqa: SLF001  # as pytest does at the end of a session
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except Exception as error:  # noqa: BLE001  # whatever a plugin raises ends the run there
        sender.send(f"{type(error).__name__}: {error}")
    finally:
        session._setupstate.teardown_exact(None)  # noqa: SLF001  # after Ctrl-C as well
        config.stash[SESSION].close()
