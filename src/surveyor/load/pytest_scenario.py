"""Not one of tests/: what pytest runs to conduct a scenario, with the fixtures that build services and take them away.

The scenario is in SURVEYOR_SCENARIO. Lines of JSON on standard output tell whoever drives the callers where the service
is, and which phase has begun.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace

from surveyor.chaos import ExperimentRun, experiment
from surveyor.chaos.service_under_test import Task
from surveyor.history import Outcome
from surveyor.load.endpoints import Place
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario.loads(os.environ["SURVEYOR_SCENARIO"])
CALLERS_END = 10.0
"""Service seconds in which callers are stopped; what they get then is in no phase."""

CALLERS_BEGIN = 5.0
"""Service seconds that callers get to find the service before the first phase."""


@experiment(
    SCENARIO.title,
    faults=SCENARIO.faults,
    setting=replace(SCENARIO.setting, rate=0, before=CALLERS_BEGIN),
    holds=SCENARIO.holds,
    name=SCENARIO.name,
)
def test_scenario(experiment_run: ExperimentRun) -> None:
    """Phase after phase; what is kept is undone at the end."""
    tell({"place": json.loads(place_of(experiment_run).dumps())})
    experiment_run.wait(CALLERS_BEGIN)
    with ExitStack() as kept:
        for phase in SCENARIO.phases:
            tell({"phase": phase.name, "seconds": phase.seconds})
            began = experiment_run.recorder.invoke("conductor", "phase", name=phase.name)
            with ExitStack() as own:
                if phase.fault:
                    fault = experiment_run.fault(phase.fault, victims_of(experiment_run, phase), **phase.given)
                    (kept if phase.kept else own).enter_context(fault)
                experiment_run.wait(phase.seconds)
                if phase.whole:
                    experiment_run.until_whole()
            experiment_run.recorder.end(began, Outcome.OK)
        tell({"over": True})
        experiment_run.wait(CALLERS_END)  # before what was kept is undone


def victims_of(experiment_run: ExperimentRun, phase: Phase) -> list[Task]:
    """By the scenario's seed."""
    if phase.victims == "nobody":
        return []
    if phase.victims == "all":
        return experiment_run.tasks()
    return experiment_run.pick_share(0.5) if phase.victims == "half" else experiment_run.pick(1)


def place_of(experiment_run: ExperimentRun) -> Place:
    """Where callers find the service: by the proxies that faults of registry and resolver stand in."""
    scene, front = experiment_run.scene, experiment_run.front
    assert front.registry is not None
    return Place(
        port=scene.port,
        path=scene.path,
        alias=scene.alias,
        names=front.names.address if front.names is not None else ("", 0),
        registry=front.registry.url,
        account=scene.account,
        secret="surveyor",  # what the embedded target takes; before AWS the proxy signs by itself
        region=scene.region,
        namespace=scene.namespace,
        service=scene.name,
        balancer=scene.balancer,
        proxy=scene.proxy,
        rate=SCENARIO.rate,
        within=experiment_run.caller.within,
        epoch=time.time() - experiment_run.recorder.seconds / experiment_run.flow.scale,
        scale=experiment_run.flow.scale,
        local=experiment_run.caller.local,
    )


def tell(value: object) -> None:
    """One line to whoever started this."""
    assert sys.__stdout__ is not None
    sys.__stdout__.write(json.dumps(value) + "\n")
    sys.__stdout__.flush()
