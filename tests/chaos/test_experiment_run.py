"""An experiment run by itself: faults that fail half-way, are undeclared or unsupported; limits that stop it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surveyor.callers import ServiceEndpoints, ViewContents
from surveyor.chaos.actions import ActionContext, ApiAction, FaultFailed
from surveyor.chaos.experiment import Experiment, ServiceSetup
from surveyor.chaos.experiment_run import DryRun, ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy, ProxyFault
from surveyor.chaos.faults import FAULTS, Fault, FaultImplementation, FaultPlan
from surveyor.chaos.faults import model as faults_model
from surveyor.chaos.safety_limits import ExperimentStopped, SafetyLimits
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.chaos.undo_log import UndoLog, open_entries
from surveyor.clock import ServiceClock, WallClock
from surveyor.errors import FeatureLacking, Inconclusive, UsageError, WrongAnswer
from surveyor.history import Outcome, Recorder, View, ViewMember, load_history
from surveyor.observers.observer import Observer
from surveyor.observers.service_under_test import ServiceUnderTest
from tests.chaos.test_parts import SERVICE, UNDO_TARGET, idle_caller
from tests.history.test_reading import HEADER

EXPERIMENT = Experiment(
    "invented", "Invented.", ServiceSetup(), (), ("test.two-actions", "service.scale", "dns.lie", "proxy.kill")
)


class Ecs:
    """An ECS with one service, whose method `fails` raises an error."""

    def __init__(self) -> None:
        named = {"one": "One", "two": "Two", "undo": "Undo", "update_service": "UpdateService"}
        self.meta = SimpleNamespace(method_to_api_mapping=named)  # as boto3's clients have it
        self.done: list[str] = []
        self.fails = ""
        self.tasks = 0
        self.earlier: list[list[dict[str, Any]]] = []

    def _do(self, name: str) -> None:
        if name == self.fails:
            raise OSError(111, "refused")
        self.done.append(name)

    def one(self, **_: Any) -> None:
        """Record an action."""
        self._do("one")

    def two(self, **_: Any) -> None:
        """Record another action."""
        self._do("two")

    def undo(self, **_: Any) -> None:
        """Record the undo of both."""
        self._do("undo")

    def update_service(self, **params: Any) -> dict[str, Any]:
        """Record the desired count."""
        self._do(f"scale {params['desiredCount']}")
        return {"service": {"serviceArn": "arn:web", "desiredCount": params["desiredCount"]}}

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """Describe the service, or as it was `earlier`."""
        now = [{"desiredCount": 3, "runningCount": 2, "pendingCount": 0, "deployments": [{}]}]
        return {"services": self.earlier.pop() if self.earlier else now}

    def get_paginator(self, _: str) -> Any:
        """Return a paginator of ListTasks without tasks."""

        class Pages:
            def paginate(self, **_: Any) -> list[dict[str, Any]]:
                return [{"taskArns": []}]

        return Pages()


def two_actions(service: ServiceUnderTest, victims: faults_model.Victims, context: ActionContext) -> FaultPlan:
    """Plan a fault of two actions that one action undoes."""
    return FaultPlan((ApiAction("ecs", "one", {}), ApiAction("ecs", "two", {})), (ApiAction("ecs", "undo", {}),))


@pytest.fixture
def ecs() -> Ecs:
    """Return the ECS that actions reach."""
    return Ecs()


@pytest.fixture
def run(ecs: Ecs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExperimentRun]:
    """Yield an experiment run whose observers and callers have not started."""
    fault = Fault(
        "test.two-actions",
        "performs two actions",
        (FaultImplementation(frozenset({"ecs"}), two_actions),),
        lasting=True,
    )
    monkeypatch.setitem(FAULTS, fault.name, fault)
    clock = ServiceClock(100.0, WallClock(100.0, iter(range(1_000_000)).__next__))
    recorder, undo_log = (
        Recorder(tmp_path / "invented.jsonl", HEADER, clock.now),
        UndoLog(tmp_path / "undo.jsonl", UNDO_TARGET),
    )
    yield ExperimentRun(
        experiment=EXPERIMENT, service=SERVICE, endpoints=ServiceEndpoints(8080), clock=clock,
        context=ActionContext(lambda service: ecs, None),
        recorder=recorder, undo_log=undo_log, proxy=FaultProxy(random.Random(7)),
        guard=ServiceGuard(SafetyLimits(), SERVICE, lambda service: ecs),
        features=frozenset({"ecs", "dns"}), seed=7, chance=random.Random(7), caller=idle_caller(recorder), observers=[],
        print_line=lambda line: None,
    )  # fmt: skip
    recorder.close()
    undo_log.close()


def test_a_fault_is_undone_in_any_case(run: ExperimentRun, ecs: Ecs) -> None:
    """A fault is undone on return, on an exception, and when it fails half-way; the history records each."""
    with run.fault("test.two-actions"):
        assert open_entries(run.undo_log.path)
    assert ecs.done == ["one", "two", "undo"]
    ecs.done.clear()
    with pytest.raises(KeyboardInterrupt), run.fault("test.two-actions"):
        raise KeyboardInterrupt
    assert ecs.done == ["one", "two", "undo"]
    ecs.done.clear()
    ecs.fails = "two"
    with (
        pytest.raises(FaultFailed, match=r"ecs.two: refused; is the victim gone"),
        run.fault("test.two-actions"),
    ):
        raise AssertionError("it never began")
    assert ecs.done == ["one", "undo"]
    assert open_entries(run.undo_log.path) == []
    run.recorder.close()
    history = load_history(run.recorder.path)
    assert [fault.outcome for fault in history.faults] == [Outcome.OK, Outcome.OK, Outcome.INFO]
    assert len(history.undos) == 3
    assert [change.call for change in history.changes][:3] == ["ecs:One", "ecs:Two", "ecs:Undo"]


def test_a_victim_that_is_gone_needs_no_undo(run: ExperimentRun, ecs: Ecs) -> None:
    """A fault whose victim no longer responds counts as undone."""
    ecs.fails = "undo"
    with run.fault("test.two-actions"):
        pass
    assert open_entries(run.undo_log.path) == []


def test_a_service_is_scaled_and_back(run: ExperimentRun, ecs: Ecs) -> None:
    """service.scale sets the desired count, and restores the earlier one."""
    with run.fault("service.scale", count=9):
        assert ecs.done == ["scale 9"]
    assert ecs.done == ["scale 9", "scale 3"]


def test_a_proxy_fault_is_active_inside_the_block(run: ExperimentRun) -> None:
    """A fault of the proxy is active inside the block, and not after it."""
    with run.fault("dns.lie", share=0.5):
        assert run.proxy.faults == {"dns.lie": ProxyFault(0.5)}
    assert run.proxy.faults == {}


def test_an_impossible_fault_is_refused_before_any_action(run: ExperimentRun, ecs: Ecs) -> None:
    """An undeclared fault, one that the target lacks, and too few tasks are refused before any action."""
    with (
        pytest.raises(UsageError, match=r"invented uses the fault task.kill without declaring it"),
        run.fault("task.kill"),
    ):
        pass
    with (
        pytest.raises(FeatureLacking, match=r"proxy.kill needs service-connect and task-signals"),
        run.fault("proxy.kill"),
    ):
        pass
    with pytest.raises(UsageError, match="1 victims were requested, and the service has 0 running tasks"):
        run.pick(1)
    with pytest.raises(UsageError, match="0 running tasks"):
        run.pick_share(0.5)
    assert ecs.done == []


def test_a_dry_run_stops_at_the_first_fault(run: ExperimentRun, ecs: Ecs) -> None:
    """A dry run prints the subject of the first fault, and ends."""
    lines: list[str] = []
    run.print_line, run.dry_run = lines.append, True
    with pytest.raises(DryRun), run.fault("service.scale", count=9):
        raise AssertionError("it never began")
    assert ecs.done == []
    assert lines == ["invented: seed 7: service.scale: from 3 to 9 tasks"]


def test_the_kill_file_ends_a_wait(run: ExperimentRun, tmp_path: Path) -> None:
    """The kill file ends a wait, and active faults are undone."""
    run.guard.limits = SafetyLimits(kill_file=tmp_path / "stop")
    (tmp_path / "stop").touch()
    with pytest.raises(ExperimentStopped, match="kill file"), run.fault("dns.lie"):
        run.wait(30)
    assert run.proxy.faults == {}


def test_a_service_that_is_described_as_before_is_not_steady(run: ExperimentRun, ecs: Ecs) -> None:
    """After a change the description from before it, and none at all, are not the steady state that is waited for."""
    steady = {"serviceArn": "arn:web", "pendingCount": 0, "deployments": [{"rolloutState": "COMPLETED"}]}
    before, after = ([{**steady, "desiredCount": count, "runningCount": count}] for count in (3, 6))
    ecs.earlier = [before]
    with run.fault("service.scale"):
        ecs.earlier = [after, [], before, before]
        run.until_steady(within=30)
        assert ecs.earlier == []


def test_a_service_that_stays_unsteady_is_reported(run: ExperimentRun) -> None:
    """A service with two of three tasks fails; a condition that stays false is inconclusive."""
    with pytest.raises(WrongAnswer, match="steady again within 5 s"):
        run.until_steady(within=5)
    with pytest.raises(Inconclusive, match="expected rain within 5 s"):
        run.until(lambda: False, 5, "rain")


def test_an_observer_that_breaks_ends_the_experiment(run: ExperimentRun) -> None:
    """The exception of an observer's thread is raised by the run."""

    def poll() -> ViewContents:
        raise ZeroDivisionError

    observer = Observer("list", poll, run.recorder, run.clock, 1.0)
    run.observers = [observer]
    observer.start()
    observer.join()
    with pytest.raises(ZeroDivisionError):
        run.check_progress()


def test_late_polls_are_skipped_and_counted(tmp_path: Path) -> None:
    """A poll that takes three periods makes the next two late: the schedule is absolute."""
    now = [0.0]

    def slow() -> ViewContents:
        now[0] += 3.0
        if now[0] > 20:
            observer.stop()
        return ViewContents({"t1": ViewMember()})

    clock = ServiceClock(1_000.0, WallClock(1_000.0, lambda: now[0]))
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, clock.now)
    observer = Observer("discover", slow, recorder, clock, 1.0)
    observer.start()
    observer.join()
    recorder.close()
    assert observer.skipped == 2 * (len(load_history(recorder.path).view_snapshots) - 1) + 2
    assert View() == HEADER.views["discover"]
