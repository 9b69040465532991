"""Run a load scenario: an experiment whose steps are its phases, and whose callers are other processes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Protocol

from surveyor.callers import ServiceEndpoints
from surveyor.chaos import Experiment, ExperimentRun
from surveyor.chaos.assembly import ExperimentSettings, run_experiment
from surveyor.history import History, Outcome
from surveyor.load.scenario import Phase, Scenario
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest

__all__ = ["Callers", "run_scenario", "scenario_experiment"]

CALLERS_END = 10.0
"""Service seconds in which callers are stopped; their results then belong to no phase."""

CALLERS_BEGIN = 5.0
"""Service seconds in which callers resolve the service before the first phase."""


class Callers(Protocol):
    """The processes that call the service. Raises SurveyorError if they have ended."""

    def begin(self, endpoints: ServiceEndpoints) -> None:
        """Call the service from now on."""

    def enter(self, phase: Phase) -> None:
        """Take note of the phase that begins."""

    def end(self) -> None:
        """Stop calling."""


def run_scenario(
    scenario: Scenario, service: ServiceUnderTest, settings: ExperimentSettings, callers: Callers
) -> History:
    """Run a scenario, and return its history, which is judged as that of an experiment is."""
    return run_experiment(scenario_experiment(scenario, callers), service, settings)


def scenario_experiment(scenario: Scenario, callers: Callers) -> Experiment:
    """Return a scenario as an experiment without a caller in its own process."""
    setup = replace(scenario.setup, rate=0, warm_up=CALLERS_BEGIN)
    steps = partial(_play, scenario, callers)
    return Experiment(scenario.name, scenario.title, setup, scenario.checks, scenario.faults, steps)


def _play(scenario: Scenario, callers: Callers, run: ExperimentRun) -> None:
    """Take phase after phase; faults that are kept are undone at the end."""
    epoch = time.time() - run.recorder.seconds / run.clock.scale
    callers.begin(replace(run.endpoints, rate=scenario.rate, epoch=epoch))
    run.wait(CALLERS_BEGIN)
    with ExitStack() as scenario_stack:
        for name in scenario.throughout:
            scenario_stack.enter_context(run.fault(name))
        kept: dict[str, ExitStack] = {}
        for phase in scenario.phases:
            callers.enter(phase)
            began = run.recorder.invoke("conductor", "phase", name=phase.name)
            with ExitStack() as phase_stack:
                for name in phase.ends:
                    kept.pop(name).close()
                if phase.fault:
                    fault = run.fault(phase.fault, _victims_of(run, phase), **phase.parameters)
                    stack = phase_stack
                    if phase.keep:
                        stack = kept[phase.fault] = scenario_stack.enter_context(ExitStack())
                    stack.enter_context(fault)
                run.wait(phase.seconds)
                if phase.until_steady:
                    run.until_steady()
            run.recorder.end(began, Outcome.OK)
        callers.end()
        run.wait(CALLERS_END)  # before kept faults are undone


def _victims_of(run: ExperimentRun, phase: Phase) -> list[ServiceTask]:
    """Return the victims of a phase, chosen by the scenario's seed."""
    if phase.victims == "none":
        return []
    if phase.victims == "all":
        return run.tasks()
    return run.pick_share(0.5) if phase.victims == "half" else run.pick(1)
