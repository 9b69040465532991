"""One of three tasks is paused for half a minute, or whatever `--fault` names is done for as long as `--duration` says.

A paused task takes connections and never answers: for callers that is worse than a dead one, since each call costs them
their whole time limit. ECS checks nothing here, so nobody notices until it goes on. With `--fault`, which may be given
several times, this is the experiment for every fault that has none of its own.
"""

from __future__ import annotations

from contextlib import ExitStack

from surveyor.chaos import ALWAYS, ExperimentRun, ServiceSetup, experiment


@experiment(
    "One of three tasks is paused, or what --fault names is done, while clients call.",
    faults=(),
    setup=ServiceSetup(count=3, ttl=20),
    checks=ALWAYS,
)
def test_any_fault(experiment_run: ExperimentRun) -> None:
    """All of them at once, for that long."""
    with ExitStack() as stack:
        for name in experiment_run.experiment.faults:
            stack.enter_context(experiment_run.fault(name, experiment_run.victims(name)))
        experiment_run.wait(experiment_run.duration)
    experiment_run.rest(75)
