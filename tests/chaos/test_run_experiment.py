"""Experiments and load scenarios are plain code: they run without pytest on a service that exists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.callers import ServiceEndpoints
from surveyor.chaos import Experiment, ExperimentRun, ServiceSetup, gone
from surveyor.chaos.assembly import ExperimentSettings, run_experiment
from surveyor.checkers import judge_history, read_judgement
from surveyor.errors import UsageError, WrongAnswer
from surveyor.history import Outcome
from surveyor.load.scenario import Phase, Scenario
from surveyor.load.scenario_run import run_scenario
from surveyor.observers.existing_service import find_service
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.pytest_plugin.options import Chaos
from tests.chaos.shared_service import ACCOUNT, SharedService, shared_service

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedService]:
    """Yield a service of two tasks on a target whose time flows."""
    with shared_service() as service:
        yield service


@pytest.fixture
def service(shared: SharedService) -> ServiceUnderTest:
    """Return the service as an experiment knows it."""
    return find_service(shared.client, ACCOUNT, shared.running.target.region, "shop/web")


@pytest.fixture
def settings(shared: SharedService, tmp_path: Path) -> ExperimentSettings:
    """Return the settings of a run whose histories are in a folder of the test."""
    return ExperimentSettings(
        running=shared.running, client=shared.client, options=Chaos(max_error_rate=0.9), target="embedded",
        target_arguments=(), seed=7, run="r1", folder=tmp_path, worker="main", consumer_account=str,
        limited_credentials=lambda: dict,
    )  # fmt: skip


def kill_one(run: ExperimentRun) -> None:
    """Kill a task, and wait until another one has its place."""
    with run.fault("task.kill", run.pick(1)):
        run.wait(5)
    run.until_steady()


def test_an_experiment_returns_its_history_and_leaves_one_judgement(
    service: ServiceUnderTest, settings: ExperimentSettings
) -> None:
    """The history holds the fault and calls with their durations; its judgement is in the file that reports read."""
    setup = ServiceSetup(warm_up=3)
    experiment = Experiment("kill-it", "One of two is killed.", setup, (gone(within=60),), ("task.kill",), kill_one)
    history = run_experiment(experiment, service, settings)
    [fault] = history.faults
    assert (fault.fault, fault.outcome, len(fault.victims)) == ("task.kill", Outcome.OK, 1)
    assert sum(call.outcome is Outcome.OK for call in history.calls) > 20
    assert all(0 < call.seconds < 2 for call in history.calls if call.outcome is Outcome.OK)
    assert read_judgement(settings.history_of(experiment)) == judge_history(history)


def test_an_experiment_that_fails_is_judged_too(service: ServiceUnderTest, settings: ExperimentSettings) -> None:
    """What its steps raise is raised; the judgement says that it was stopped, and another one can run."""

    def fail(run: ExperimentRun) -> None:
        raise WrongAnswer("expected another life", actual="this one")

    experiment = Experiment("fail", "It fails.", ServiceSetup(warm_up=1), (gone(within=60),), (), fail)
    with pytest.raises(WrongAnswer, match="expected another life"):
        run_experiment(experiment, service, settings)
    assert read_judgement(settings.history_of(experiment)).stopped == "WrongAnswer: expected another life"
    with pytest.raises(UsageError, match="without declaring it"):
        run_experiment(Experiment("fail", "", ServiceSetup(warm_up=0), (), (), kill_one), service, settings)


def test_the_callers_of_a_scenario_learn_what_happens(service: ServiceUnderTest, settings: ExperimentSettings) -> None:
    """They get the endpoints, each phase, and the end of the last; nothing calls in the process of the scenario."""
    noted: list[object] = []

    class Callers:
        def begin(self, endpoints: ServiceEndpoints) -> None:
            noted.append((endpoints.alias, endpoints.port, endpoints.rate, endpoints.request.host))

        def enter(self, phase: Phase) -> None:
            noted.append(phase.name)

        def end(self) -> None:
            noted.append("end")

    phases = (Phase("before", 2), Phase("killed", 3, fault="task.kill", victims="one", until_steady=True))
    history = run_scenario(
        Scenario("lose", "One dies.", ServiceSetup(), phases, checks=(gone(within=60),)), service, settings, Callers()
    )
    assert noted == [(service.alias, service.port, 20.0, f"{service.alias}:{service.port}"), "before", "killed", "end"]
    assert [phase.name for phase in history.phases] == ["before", "killed"]
    assert (len(history.faults), history.calls) == (1, ())
