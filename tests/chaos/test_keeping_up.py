"""An experiment adapts to the machine: its scale is lowered before it; a failure on a slow machine is inconclusive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from surveyor.callers import ServiceEndpoints, ViewContents
from surveyor.chaos.actions import ActionContext, FaultFailed
from surveyor.chaos.conclusion import concluded
from surveyor.chaos.experiment_run import ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.safety_limits import SafetyLimits
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.chaos.undo_log import UndoLog
from surveyor.checkers import VERDICT_SUFFIX, judge_history, judgement
from surveyor.checkers.judgement import CheckVerdict
from surveyor.clock import ServiceClock, WallClock
from surveyor.errors import Inconclusive, WrongAnswer
from surveyor.history import Recorder
from surveyor.observers.keeping_up import (
    MAX_SKIPPED,
    MIN_SCALE,
    POLL_SHARE,
    RecentLag,
    Work,
    choose_scale,
    describe_lag,
    measure_round,
)
from surveyor.observers.observer import Observer
from surveyor.verdicts import Verdict
from tests.chaos.test_experiment_run import EXPERIMENT
from tests.chaos.test_parts import SERVICE, UNDO_TARGET, idle_caller
from tests.history.test_reading import HEADER

scales = st.floats(0.1, 100)
durations = st.floats(0, 10)
periods = st.floats(0.1, 10)


@dataclass
class Polls:
    """The polls of an observer."""

    made: int
    skipped: int


@given(scales, durations, periods)
def test_a_scale_is_never_raised_and_leaves_time_for_polls(requested: float, seconds: float, period: float) -> None:
    """The scale is at most the requested one; above the minimum, polls take at most a share of their period."""
    choice = choose_scale(requested, seconds, period)
    assert min(requested, MIN_SCALE) <= choice.scale <= requested
    assert choice.scale <= MIN_SCALE or seconds * choice.scale <= POLL_SHARE * period * 1.001
    assert bool(choice.note) == (choice.scale < requested)


@given(scales, durations, durations)
def test_a_faster_machine_has_at_least_the_scale(requested: float, one_machine: float, other_machine: float) -> None:
    """The scale never falls as polls become shorter."""
    fast, slow = sorted((one_machine, other_machine))
    assert choose_scale(requested, slow, 1.0).scale <= choose_scale(requested, fast, 1.0).scale


def test_the_note_states_both_scales_and_the_measurement() -> None:
    """The note names the requested scale, the one that is used, and what was measured."""
    choice = choose_scale(15, 0.08, 1.0)
    assert choice.scale == 6.2
    assert choice.note == (
        "scale lowered from 15 to 6.2 service seconds per second, and the rate of calls with it: this machine polls "
        "all views in 80 ms now"
    )


def test_each_round_makes_all_polls() -> None:
    """All views are polled in each round, the first of which only opens connections."""
    polled: list[str] = []
    assert measure_round([lambda: polled.append("tasks"), lambda: polled.append("list")]) >= 0
    assert polled == ["tasks", "list"] * 4


@given(st.lists(st.builds(Polls, st.integers(0, 500), st.integers(0, 500)), max_size=5))
def test_the_machine_lags_if_too_many_polls_were_skipped(observers: list[Polls]) -> None:
    """A small share of skipped polls, of all observers together, is no lag; a larger one is described."""
    made, skipped = sum(polls.made for polls in observers), sum(polls.skipped for polls in observers)
    lag = describe_lag(observers)
    assert bool(lag) == (skipped > MAX_SKIPPED * (made + skipped))
    assert not lag or f"{skipped:,} of {made + skipped:,} polls" in lag


def test_a_machine_that_was_busy_once_is_trusted_again() -> None:
    """The lag of some seconds counts for as long as they are recent; what was done before does not dilute it."""
    recent, skipped, lags = RecentLag(20.0), 0, []
    for second in range(200):
        skipped += 10 if second == 100 else 0
        lags.append(bool(recent.describe(float(second), Work(calls=50 * second, polls=2 * second, skipped=skipped))))
    assert [second for second, lag in enumerate(lags) if lag] == list(range(100, 120))
    assert recent.spans == [(99.0, 119.0)]
    for begin, end, covered in ((90.0, 99.0, False), (98.0, 99.5, True), (110.0, 111.0, True), (119.0, 130.0, False)):
        assert recent.covers(begin, end) is covered
    dropped = RecentLag(20.0).describe(1.0, Work(calls=90, dropped=10))
    assert dropped == "the machine did not keep up: 10 of 100 calls were dropped"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[ExperimentRun]:
    """Yield an experiment run with one observer, whose counts a test sets."""
    clock = ServiceClock(100.0, WallClock(100.0, iter(range(1_000_000)).__next__))
    recorder = Recorder(tmp_path / "invented.jsonl", HEADER, clock.now)
    observer = Observer("list", lambda: ViewContents({}), recorder, clock, 1.0)
    undo_log = UndoLog(tmp_path / "undo.jsonl", UNDO_TARGET)
    yield ExperimentRun(
        experiment=EXPERIMENT, service=SERVICE, endpoints=ServiceEndpoints(8080), clock=clock,
        context=ActionContext(lambda service: None, None),
        recorder=recorder, undo_log=undo_log, proxy=FaultProxy(random.Random(7)),
        guard=ServiceGuard(SafetyLimits(), SERVICE, lambda service: None),
        features=frozenset(), seed=7, chance=random.Random(7),
        caller=idle_caller(recorder),
        observers=[observer], print_line=lambda line: None,
    )  # fmt: skip
    recorder.close()
    undo_log.close()


def not_steady() -> Exception:
    """Return the failure of a service that does not recover."""
    return WrongAnswer("expected web to be steady again; it was not", actual="not steady again")


def no_victim() -> Exception:
    """Return the failure of a fault."""
    return FaultFailed("task.kill: timed out; is the victim gone?")


FAILURES: tuple[Callable[[], Exception], ...] = (not_steady, no_victim)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_on_a_machine_that_lags_is_inconclusive(run: ExperimentRun, failure: Callable[[], Exception]) -> None:
    """The reason names the lag and the failure."""
    run.observers[0].made, run.observers[0].skipped = 100, 50
    error = failure()
    with pytest.raises(Inconclusive, match=r"the machine did not keep up: 50 of 150 polls") as judged, concluded(run):
        raise error
    assert str(error) in str(judged.value)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_on_a_machine_that_keeps_up_stays_one(run: ExperimentRun, failure: Callable[[], Exception]) -> None:
    """A machine that keeps up is no excuse; neither is one that the service does not run on."""
    run.observers[0].made, run.observers[0].skipped = 100, 1
    error = failure()
    with pytest.raises(type(error)), concluded(run):
        raise error
    run.observers[0].skipped = 50
    run.endpoints = replace(run.endpoints, local=False)
    with pytest.raises(type(error)), concluded(run):
        raise error


@pytest.mark.parametrize(("skipped", "error"), [(50, Inconclusive), (1, WrongAnswer)])
def test_a_failed_check_on_a_machine_that_lags_is_inconclusive(
    run: ExperimentRun, monkeypatch: pytest.MonkeyPatch, skipped: int, error: type[Exception]
) -> None:
    """The judgement in the file is that of the history alone; the experiment's verdict also depends on the machine."""
    check = CheckVerdict("gone", {}, Verdict.FAIL, "too late", ())
    failed = partial(structs.replace, verdict=Verdict.FAIL, checks=(check,))
    monkeypatch.setattr(judgement, "judge_history", lambda history: failed(judge_history(history)))
    run.observers[0].made, run.observers[0].skipped = 100, skipped
    with pytest.raises(error, match="gone: too late"), concluded(run):
        pass
    assert '"verdict": "fail"' in run.recorder.path.with_suffix(VERDICT_SUFFIX).read_text("utf-8")
