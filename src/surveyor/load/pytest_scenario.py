"""The test that runs a load scenario, with the fixtures that create and delete its service; it is not part of tests/.

The scenario is in SURVEYOR_SCENARIO. Lines of JSON on standard output report the service's endpoints and the start of
each phase to the process that drives the callers.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, replace

from surveyor.callers import ServiceEndpoints
from surveyor.chaos import ExperimentRun, experiment
from surveyor.history import Outcome
from surveyor.load.scenario import Phase, Scenario
from surveyor.observers.service_under_test import ServiceTask
from surveyor.typed_json import parse_json

SCENARIO = parse_json(os.environ["SURVEYOR_SCENARIO"], Scenario)
CALLERS_END = 10.0
"""Service seconds in which callers are stopped; their results then belong to no phase."""

CALLERS_BEGIN = 5.0
"""Service seconds in which callers resolve the service before the first phase."""


@experiment(
    SCENARIO.title,
    faults=SCENARIO.faults,
    setup=replace(SCENARIO.setup, rate=0, warm_up=CALLERS_BEGIN),
    checks=SCENARIO.checks,
    name=SCENARIO.name,
)
def test_scenario(experiment_run: ExperimentRun) -> None:
    """Run phase after phase; faults that are kept are undone at the end."""
    send({"endpoints": asdict(endpoints_of(experiment_run))})
    experiment_run.wait(CALLERS_BEGIN)
    with ExitStack() as kept:
        for phase in SCENARIO.phases:
            send({"phase": phase.name, "seconds": phase.seconds})
            began = experiment_run.recorder.invoke("conductor", "phase", name=phase.name)
            with ExitStack() as phase_stack:
                if phase.fault:
                    victims = victims_of(experiment_run, phase)
                    fault = experiment_run.fault(phase.fault, victims, **phase.parameters)
                    (kept if phase.keep else phase_stack).enter_context(fault)
                experiment_run.wait(phase.seconds)
                if phase.until_steady:
                    experiment_run.until_steady()
            experiment_run.recorder.end(began, Outcome.OK)
        send({"phases": "ended"})
        experiment_run.wait(CALLERS_END)  # before kept faults are undone


def victims_of(run: ExperimentRun, phase: Phase) -> list[ServiceTask]:
    """Return the victims of a phase, chosen by the scenario's seed."""
    if phase.victims == "none":
        return []
    if phase.victims == "all":
        return run.tasks()
    return run.pick_share(0.5) if phase.victims == "half" else run.pick(1)


def endpoints_of(run: ExperimentRun) -> ServiceEndpoints:
    """Return the endpoints for callers, with their rate and the moment at which the history began."""
    epoch = time.time() - run.recorder.seconds / run.clock.scale
    return replace(run.endpoints, rate=SCENARIO.rate, epoch=epoch)


def send(value: object) -> None:
    """Send one line to the process that started this one."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(value) + "\n")
    sys.__stdout__.flush()
