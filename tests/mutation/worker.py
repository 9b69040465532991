"""A worker: one pytest session over all suites, which runs the tests of one job after another on a new target each.

As a pytest plugin it replaces the loop over the tests. `WORK` must be set before the session starts, in a process that
was forked for it.
"""

from __future__ import annotations

import json
import os
import resource
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import cache_from_source
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from surveyor.claims.selection import Selection
from surveyor.conformance.mutants.http_proxy import CONTROL
from surveyor.conformance.mutants.response_change import ResponseChange
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.layout import find_layout
from surveyor.pytest_plugin.busy_machine import IGNORE_MACHINE
from surveyor.pytest_plugin.collection import CLAIMS, claims_of
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import SETTINGS
from surveyor.pytest_plugin.session import SESSION, TargetSession
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import TestResult
from surveyor.typed_json import parse_json
from surveyor.verdicts import Verdict
from tests.mutation.recorder import send_context

__all__ = ["Job", "Outcome", "Started", "Work", "work"]

MAX_MEMORY = 12 * 2**30
"""Bytes of address space for a target: an edit that allocates without end must not take the machine with it."""


MAX_TESTS = 100
"""How many of the tests that receive a changed answer run: hundreds receive that of a call that every test makes."""


@dataclass(frozen=True)
class Job:
    """Run these tests, until one fails: `file` with `text` as its source, or with `change` made to answers.

    `lines`: run all, and switch the recorder in this folder to each test; `answers`: run all, and note the changes that
    the answers of each test allow.
    """

    key: str
    tests: tuple[str, ...]
    file: str = ""
    text: str = ""
    change: ResponseChange | None = None
    lines: str = ""
    answers: bool = False

    @property
    def is_recording(self) -> bool:
        """Whether all tests must run."""
        return bool(self.lines) or self.answers


@dataclass(frozen=True)
class Started:
    """A worker has taken up a job."""

    worker: int
    key: str


@dataclass(frozen=True)
class Outcome:
    """What the tests of a job did: (test, verdict, wall seconds) in the order of the run, and the last symptom.

    `changes`: of a job with `answers`, the changes by test.
    """

    worker: int
    key: str
    results: tuple[tuple[str, Verdict, float], ...]
    symptom: str = ""
    changes: Mapping[str, Sequence[ResponseChange]] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """The queues of a worker, the folder of its copy of the source, and the target file that starts that copy."""

    number: int
    source: Path
    target: Path
    jobs: Queue[Job | None]
    outcomes: Queue[Started | Outcome]
    out: Path


WORK: Work | None = None


def work(what: Work) -> None:
    """Take jobs until None comes; the body of a forked process."""
    global WORK  # noqa: PLW0603 (pytest loads this module as a plugin, and passes nothing to it)
    WORK = what
    os.setsid()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(what.source), str(find_layout().root)])
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    config = RunConfig(find_layout(), str(what.target), what.out, Selection(), 1)
    run_pytest(config, Collector(), "tests.mutation.worker")


def pytest_configure(config: pytest.Config) -> None:
    """Have a failed test count, whether or not the machine is busy."""
    if WORK is not None:
        config.stash[IGNORE_MACHINE] = True


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests of jobs instead of all tests once."""
    if WORK is None:
        return None
    items = {item.nodeid: item for item in session.items}
    for job in iter(WORK.jobs.get, None):
        WORK.outcomes.put(Started(WORK.number, job.key))
        chosen = [items[test] for test in job.tests if test in items]
        if job.change is not None:
            chosen = _nearest(chosen, job.change)
        WORK.outcomes.put(_run(job, session, chosen, WORK))
    return True


def _nearest(items: Sequence[pytest.Item], change: ResponseChange) -> list[pytest.Item]:
    """Return the tests that run for a change: first those whose claims are about the operation, in the given order."""
    operation = change.answer.split()[0]

    def is_about(item: pytest.Item) -> bool:
        claims = item.config.stash[CLAIMS].by_id
        return any(operation in claims[claim].operations for claim in claims_of(item))

    return sorted(items, key=lambda item: not is_about(item))[:MAX_TESTS]


def _run(job: Job, session: pytest.Session, items: Sequence[pytest.Item], current: Work) -> Outcome:
    edited = current.source / job.file
    original = edited.read_text("utf-8") if job.file else ""
    if job.file:
        _write(edited, job.text)
    results: list[tuple[str, Verdict, float]] = []
    changes: dict[str, Sequence[ResponseChange]] = {}
    symptom = ""
    try:
        for item, following in zip(items, [*items[1:], None], strict=True):
            _prepare(job, item, session)
            began = time.perf_counter()
            item._initrequest()  # type: ignore[attr-defined]  # as for every repeated run of a test
            reports = runtestprotocol(item, log=False, nextitem=following)
            result = parse_json(getattr(reports[-1], RESULT), TestResult)
            results.append((item.nodeid, result.verdict, time.perf_counter() - began))
            symptom = result.symptom or result.detail
            if job.answers:
                found = _control(session)["changes"]
                changes[item.nodeid] = [ResponseChange(**change) for change in found]
            if not job.is_recording and result.verdict in (Verdict.FAIL, Verdict.ERROR):
                break
        return Outcome(current.number, job.key, tuple(results), symptom, changes)
    finally:
        if job.file:
            _write(edited, original)
        session._setupstate.teardown_exact(None)
        if job.file or job.lines or session.config.stash[SESSION].dead():
            session.config.stash[SESSION].close()
            session.config.stash[SESSION] = TargetSession(session.config.stash[SETTINGS], "main")


def _prepare(job: Job, item: pytest.Item, session: pytest.Session) -> None:
    if job.lines:
        process = session.config.stash[SESSION].get().process
        assert process is not None
        send_context(Path(job.lines), process.pid, item.nodeid)
    elif job.answers:
        _control(session, {"record": True})
    elif job.change is not None:
        _control(session, {"response": asdict(job.change)})


def _control(session: pytest.Session, order: Mapping[str, Any] | None = None) -> Any:
    """Send an order to the mutants' proxy; without one return what it recorded."""
    body = None if order is None else json.dumps(order).encode()
    url = f"{session.config.stash[SESSION].get().endpoint}{CONTROL}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def _write(path: Path, text: str) -> None:
    """Write a source file and delete its bytecode, which counts as current for another text of this size and second."""
    path.write_text(text, "utf-8")
    Path(cache_from_source(path)).unlink(missing_ok=True)
