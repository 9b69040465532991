"""Judge each test of a suite, and attach its result to the report of its last phase, which xdist passes to the main
process.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from surveyor.errors import FeatureLacking, SurveyorError, WrongAnswer
from surveyor.layout import Layout
from surveyor.machine import MachineWatch
from surveyor.pytest_plugin.busy_machine import IGNORE_MACHINE, INSTANT, allow_for_busy_machine
from surveyor.pytest_plugin.collection import CLAIMS, claims_of
from surveyor.pytest_plugin.failed_assertion import Comparison
from surveyor.pytest_plugin.options import SETTINGS, is_experiment, is_judged, is_suite
from surveyor.pytest_plugin.session import SESSION, TargetSession
from surveyor.pytest_plugin.verdict_rules import JudgeContext, PhaseVerdict, judge
from surveyor.report.test_results import TestResult
from surveyor.targets.features import ProbeBroken
from surveyor.typed_json import dump_json, parse_json
from surveyor.verdicts import Verdict, worst

__all__ = ["FEATURES", "HISTORY", "RESULT"]

RESULT = "surveyor"
"""The attribute of a report that holds its TestResult as JSON text."""

HISTORY = pytest.StashKey[str]()
"""The path of the history of an experiment, once it is complete."""

FEATURES = pytest.StashKey[frozenset[str]]()
"""The features that an experiment or the replay of a recording needs, set when the test is collected."""

_COMPARISON = pytest.StashKey[Comparison]()
_JUDGEMENTS = pytest.StashKey[list[PhaseVerdict]]()
_STARTED = pytest.StashKey[float]()
_CALLED = pytest.StashKey[Counter[str]]()
_TASKS = pytest.StashKey[int]()
_WATCH = pytest.StashKey[MachineWatch]()


def _needed_features(item: pytest.Item) -> frozenset[str]:
    """Return the features that a target must have for this test."""
    if FEATURES in item.stash:
        return item.stash[FEATURES]
    claims = item.config.stash[CLAIMS].by_id
    return frozenset({"cloudmap"}.union(*(claims[claim].features for claim in claims_of(item))))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if not is_judged(item):
        return
    item.stash[_JUDGEMENTS] = []
    session = item.config.stash[SESSION]
    needed = _needed_features(item)
    declared = session.target.features
    _refuse_lacking(session, needed, declared)
    running = session.get()
    running.evidence.begin()
    running.clients.recycle()
    running.clients.is_test_in_account = running.target.is_one_account and is_suite(item)
    if (consumer := item.config.stash[SESSION].consumer) is not None:
        consumer.clients.recycle()
    if session.target.is_local and IGNORE_MACHINE not in item.config.stash:
        item.stash[_WATCH] = MachineWatch(["self", *([running.process.pid] if running.process else [])])
    item.stash[_STARTED] = running.clock.now()
    item.stash[_CALLED] = running.spending.all()
    item.stash[_TASKS] = running.spending.tasks.started
    for name, why in running.broken:
        if name in needed:
            hint = "; declare in a target file what the target has" if declared is None else ""
            raise ProbeBroken(f"it is not known whether {session.target.name} has {name}: {why}{hint}")
    _refuse_lacking(session, needed, running.features | {name for name, _ in running.absent})
    for name, why in running.absent:
        if name in needed:
            raise WrongAnswer(f"{session.target.name} declares {name}, but {why}", actual=f"{name} declared but absent")


def _refuse_lacking(session: TargetSession, needed: frozenset[str], features: frozenset[str] | None) -> None:
    lacking = sorted(needed - features) if features is not None else []
    if lacking:
        raise FeatureLacking(f"{session.target.name} lacks {', '.join(lacking)}")
    for feature in sorted(needed & session.target.optional.keys()):
        package = session.target.optional[feature]
        if importlib.util.find_spec(package) is None and shutil.which(package) is None:
            hint = f"install it with pip install 'surveyor[{package}]'"
            raise FeatureLacking(f"{session.target.name} has {feature} only if {package} is installed: {hint}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not is_judged(item):
        return report
    if call.excinfo is not None:
        judgement = judge(call.excinfo.value, item.name, call.when, _context(item))
        if _WATCH in item.stash and not is_experiment(item):  # experiments watch the machine themselves
            error, slowdown = call.excinfo.value, item.stash[_WATCH].slowdown
            features = frozenset() if INSTANT in item.stash else _needed_features(item)
            judgement = allow_for_busy_machine(judgement, error, item.name, features, slowdown)
        item.stash.setdefault(_JUDGEMENTS, []).append(judgement)
        if judgement.verdict in (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE, Verdict.NOT_RUN):
            report.outcome = "skipped"
            report.longrepr = (str(item.path), item.location[1] or 0, f"{judgement.verdict}: {judgement.detail}")
    if call.when == "teardown":
        setattr(report, RESULT, dump_json(_result(item)))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> None:
    """Keep the last comparison that was false; pytest's own explanation is for Python programmers."""
    config.stash[_COMPARISON] = Comparison(left, op, right)


def _context(item: pytest.Item) -> JudgeContext:
    session = item.config.stash[SESSION]
    layout = item.config.stash[SETTINGS].layout
    return JudgeContext(
        _folder_of(item, layout),
        session.target.lacks,
        session.target.is_local,
        session.dead,
        session.running.evidence.latest if session.running is not None and _STARTED in item.stash else None,
        item.config.stash.get(_COMPARISON, None),
        session.target.is_one_account,
        session.failure or session.running.clients.ended() if session.credentials_ended and session.running else None,
        session.running.clients.denied if session.running is not None else None,
    )


def _folder_of(item: pytest.Item, layout: Layout) -> Path:
    """Return the folder whose statements may be named as the one that failed."""
    if not is_experiment(item):
        return layout.suites
    return layout.chaos if item.path.is_relative_to(layout.root) else item.path.parent


def _result(item: pytest.Item) -> TestResult:
    session = item.config.stash[SESSION]
    judgements = item.stash.get(_JUDGEMENTS, [])
    verdict = worst([judgement.verdict for judgement in judgements]) if judgements else Verdict.PASS
    decisive = next((judgement for judgement in judgements if judgement.verdict is verdict), PhaseVerdict(verdict))
    running, started = session.running, item.stash.get(_STARTED, None)
    elapsed = 0.0
    if running is not None and started is not None and session.failure is None:
        try:
            elapsed = running.clock.now() - started
        except SurveyorError as error:
            session.failure = str(error)
    evidence = running.evidence.entries() if running is not None and started is not None else []
    if running is not None and session.failure is None:
        session.failure = running.clients.silence()
    called_before = item.stash.get(_CALLED, None)  # None: the test was not begun
    calls = running.spending.all() - called_before if running is not None and called_before is not None else Counter()
    result = TestResult(
        nodeid=item.nodeid,
        claims=claims_of(item),
        verdict=verdict,
        symptom=decisive.symptom,
        detail=decisive.detail,
        operation=decisive.operation,
        cause=decisive.cause,
        evidence=tuple(evidence),
        service_seconds=round(elapsed, 3),
        calls=dict(calls),
        tasks=running.spending.tasks.started - item.stash[_TASKS] if running and _TASKS in item.stash else 0,
        history=item.stash.get(HISTORY, ""),
    )
    # Reports are shared and published, so they must not contain the ids of accounts.
    text = dump_json(result)
    for account, digit in ((session.target.account, "0"), (session.consumer and session.consumer.account, "1")):
        text = text.replace(account, digit * 12) if account else text
    return parse_json(text, TestResult)
