"""A stage by itself: faults that fail half-way, are not declared or cannot be done; brakes that stop it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.chaos.actions import ActionContext, ApiStep, FaultFailed
from surveyor.chaos.callers import Caller, Finder
from surveyor.chaos.experiment import Experiment, Setting
from surveyor.chaos.experiment_clock import Flow
from surveyor.chaos.experiment_run import DryRun, ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy
from surveyor.chaos.faults import FAULTS, Fault, FaultImplementation, FaultPlan
from surveyor.chaos.faults import model as faults_model
from surveyor.chaos.observers import Observer, Seen
from surveyor.chaos.safety_limits import SafetyLimits, Stopped
from surveyor.chaos.service_under_test import ServiceUnderTest
from surveyor.chaos.undo_log import UndoLog, open_entries
from surveyor.clock import WallClock
from surveyor.errors import FeatureLacking, Inconclusive, UsageError, WrongAnswer
from surveyor.history import ViewMember, Outcome, Recorder, View, load_history
from tests.chaos.test_parts import PLACE, SCENE
from tests.history.test_reading import HEADER

DECLARED = Experiment("made", "Made up.", Setting(), (), ("test.two-steps", "service.scale", "dns.lie", "proxy.kill"))


class Ecs:
    """Answers with a service of some tasks; fails at a method when told to."""

    def __init__(self) -> None:
        named = {"one": "One", "two": "Two", "undo": "Undo", "update_service": "UpdateService"}
        self.meta = SimpleNamespace(method_to_api_mapping=named)  # as boto3's clients have it
        self.done: list[str] = []
        self.fails = ""
        self.tasks = 0

    def _do(self, name: str) -> None:
        if name == self.fails:
            raise OSError(111, "refused")
        self.done.append(name)

    def one(self, **_: Any) -> None:
        """A step."""
        self._do("one")

    def two(self, **_: Any) -> None:
        """Another."""
        self._do("two")

    def undo(self, **_: Any) -> None:
        """What undoes both."""
        self._do("undo")

    def update_service(self, **params: Any) -> None:
        """Scales."""
        self._do(f"scale {params['desiredCount']}")

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """The service."""
        return {"services": [{"desiredCount": 3, "runningCount": 2, "pendingCount": 0, "deployments": [{}]}]}

    def get_paginator(self, _: str) -> Any:
        """Of ListTasks: nobody."""

        class Pages:
            def paginate(self, **_: Any) -> list[dict[str, Any]]:
                return [{"taskArns": []}]

        return Pages()


def two_steps(scene: ServiceUnderTest, victims: faults_model.Victims, hands: ActionContext) -> FaultPlan:
    """A fault of two steps, undone by one."""
    return FaultPlan((ApiStep("ecs", "one", {}), ApiStep("ecs", "two", {})), (ApiStep("ecs", "undo", {}),))


@pytest.fixture
def ecs() -> Ecs:
    """What the stage's hands reach."""
    return Ecs()


@pytest.fixture
def experiment_run(ecs: Ecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExperimentRun]:
    """One whose observers and callers have not begun."""
    made = Fault(
        "test.two-steps", "does two things", (FaultImplementation(frozenset({"ecs"}), two_steps),), lasting=True
    )
    monkeypatch.setitem(FAULTS, made.name, made)
    flow = Flow(100.0, WallClock(100.0, iter(range(1_000_000)).__next__))
    recorder, journal = Recorder(tmp_path / "made.jsonl", HEADER, flow.now), UndoLog(tmp_path / "undo.jsonl", PLACE)
    finder = Finder("names", lambda: Seen({}), recorder, flow, None, serves_stale=False)
    yield ExperimentRun(
        experiment=DECLARED, scene=SCENE, flow=flow, hands=ActionContext(lambda service: ecs, None), recorder=recorder,
        journal=journal, front=FaultProxy(random.Random(7)), brakes=SafetyLimits(), features=frozenset({"ecs", "dns"}), seed=7,
        chance=random.Random(7), caller=Caller(SCENE, finder, recorder, 10, 1, random.Random(7)), observers=[],
        tell=lambda line: None,
    )  # fmt: skip
    recorder.close()
    journal.close()


def test_what_began_is_undone_in_any_case(experiment_run: ExperimentRun, ecs: Ecs) -> None:
    """On return, on an exception, and when the fault itself fails half-way; the history tells each."""
    with experiment_run.fault("test.two-steps"):
        assert open_entries(experiment_run.journal.path)
    assert ecs.done == ["one", "two", "undo"]
    ecs.done.clear()
    with pytest.raises(KeyboardInterrupt), experiment_run.fault("test.two-steps"):
        raise KeyboardInterrupt
    assert ecs.done == ["one", "two", "undo"]
    ecs.done.clear()
    ecs.fails = "two"
    with (
        pytest.raises(FaultFailed, match=r"ecs.two: refused; is the victim gone"),
        experiment_run.fault("test.two-steps"),
    ):
        raise AssertionError("it never began")
    assert ecs.done == ["one", "undo"]
    assert open_entries(experiment_run.journal.path) == []
    experiment_run.recorder.close()
    history = load_history(experiment_run.recorder.path)
    assert [fault.outcome for fault in history.faults] == [Outcome.OK, Outcome.OK, Outcome.INFO]
    assert len(history.undos) == 3
    assert [change.call for change in history.changes][:3] == ["ecs:One", "ecs:Two", "ecs:Undo"]


def test_what_could_not_be_undone_stays_in_the_journal(experiment_run: ExperimentRun, ecs: Ecs) -> None:
    """For the watchdog; and whoever did it hears of it, unless the victim is gone."""
    ecs.fails = "undo"
    with experiment_run.fault("test.two-steps"):
        pass  # a victim that is gone needs no undoing
    assert open_entries(experiment_run.journal.path) == []


def test_a_service_is_scaled_and_back(experiment_run: ExperimentRun, ecs: Ecs) -> None:
    """To what it was when the fault began."""
    with experiment_run.fault("service.scale", count=9):
        assert ecs.done == ["scale 9"]
    assert ecs.done == ["scale 9", "scale 3"]


def test_a_fault_between_callers_and_registry_is_of_this_process(experiment_run: ExperimentRun) -> None:
    """On in the block and off after it."""
    with experiment_run.fault("dns.lie", share=0.5):
        assert experiment_run.front.faults == {"dns.lie": 0.5}
    assert experiment_run.front.faults == {}


def test_what_is_not_possible_is_said_before_anything_happens(experiment_run: ExperimentRun, ecs: Ecs) -> None:
    """A fault that the experiment does not declare, one that the target lacks, a service without tasks."""
    with (
        pytest.raises(UsageError, match=r"made does task.kill, and does not declare it"),
        experiment_run.fault("task.kill"),
    ):
        pass
    with (
        pytest.raises(FeatureLacking, match=r"proxy.kill needs service-connect and task-signals"),
        experiment_run.fault("proxy.kill"),
    ):
        pass
    with pytest.raises(UsageError, match="1 victims were asked for, and the service has 0 running tasks"):
        experiment_run.pick(1)
    with pytest.raises(UsageError, match="0 running tasks"):
        experiment_run.pick_share(0.5)
    assert ecs.done == []


def test_a_dry_run_stops_at_the_first_fault(experiment_run: ExperimentRun, ecs: Ecs) -> None:
    """Once it is told who it would be."""
    told: list[str] = []
    experiment_run.tell, experiment_run.dry_run = told.append, True
    with pytest.raises(DryRun), experiment_run.fault("service.scale", count=9):
        raise AssertionError("it never began")
    assert ecs.done == []
    assert told == ["made: seed 7: service.scale: from 3 to 9 tasks"]


def test_the_kill_file_ends_a_wait(experiment_run: ExperimentRun, tmp_path: Path) -> None:
    """And what is on is undone on the way out."""
    experiment_run.brakes = SafetyLimits(kill_file=tmp_path / "stop")
    (tmp_path / "stop").touch()
    with pytest.raises(Stopped, match="kill file"), experiment_run.fault("dns.lie"):
        experiment_run.wait(30)
    assert experiment_run.front.faults == {}


def test_a_service_that_never_is_whole_again_is_said_to_be_so(experiment_run: ExperimentRun) -> None:
    """Two of three tasks, for ever."""
    with pytest.raises(WrongAnswer, match="whole again within 5 s"):
        experiment_run.until_whole(within=5)
    with pytest.raises(Inconclusive, match="expected rain within 5 s"):
        experiment_run.until(lambda: False, 5, "rain")


def test_an_observer_that_breaks_ends_the_experiment(experiment_run: ExperimentRun) -> None:
    """A thread's exception is not lost."""

    def look() -> Seen:
        raise ZeroDivisionError

    observer = Observer("list", look, experiment_run.recorder, experiment_run.flow, 1.0)
    experiment_run.observers = [observer]
    observer.start()
    observer.join()
    with pytest.raises(ZeroDivisionError):
        experiment_run.look()


def test_late_looks_are_left_out_and_counted(tmp_path: Path) -> None:
    """A look that takes three periods makes the next two late: the schedule is absolute."""
    now = [0.0]

    def slow() -> Seen:
        now[0] += 3.0
        if now[0] > 20:
            observer.stop()
        return Seen({"t1": ViewMember()})

    flow = Flow(1_000.0, WallClock(1_000.0, lambda: now[0]))
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, flow.now)
    observer = Observer("discover", slow, recorder, flow, 1.0)
    observer.start()
    observer.join()
    recorder.close()
    assert observer.missed == 2 * (len(load_history(recorder.path).looks) - 1) + 2
    assert View() == HEADER.views["discover"]
